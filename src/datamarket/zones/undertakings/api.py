"""/zones/{id}/mandates/{mandate}/undertakings: what operators undertake, and whether it was done."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from datamarket.auth.access import ReadMarket
from datamarket.foundation.http import (
    Body,
    DateIn,
    Now,
    Page,
    Paging,
    Reading,
    ShortText,
    SliceRouter,
    Writing,
    page_of,
)
from datamarket.foundation.shapes import RowShape
from datamarket.zones import queries as zones
from datamarket.zones.resources.api import RegisterResource
from datamarket.zones.undertakings import actions, queries

router = SliceRouter(tags=["zones"])
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class UndertakingIn(Body):
    """A written undertaking to renew; contracts may then run until `renewed_to`."""

    document: ShortText = Field(description="its number or name", examples=["青海洋承诺〔2027〕3号"])
    document_sha256: Sha256 = Field(description="digest of the signed file", examples=["0f" * 32])
    renewed_to: DateIn = Field(description="first day after the renewed term", examples=["2031-01-01"])
    due_on: DateIn = Field(description="the renewal stands by this day", examples=["2027-11-01"])


class UndertakingOut(RowShape):
    """An undertaking; it is open while neither fulfilled nor overdue."""

    id: UUID
    mandate_id: UUID
    document: str
    document_sha256: str
    renewed_to: date
    due_on: date
    given_at: datetime
    fulfilled_at: datetime | None
    overdue_at: datetime | None


@router.get(
    "/zones/{zone_id}/mandates/{mandate_id}/undertakings", summary="What was undertaken, oldest first"
)
async def list_undertakings(
    _actor: ReadMarket, session: Reading, paging: Paging[UUID], zone_id: UUID, mandate_id: UUID
) -> Page[UndertakingOut]:
    await zones.get_mandate(session, zone_id, mandate_id)
    rows = await queries.list_undertakings(session, mandate_id, page=paging)
    return page_of(rows, paging, UndertakingOut.of, lambda row: [row.id])


@router.post(
    "/zones/{zone_id}/mandates/{mandate_id}/undertakings", status_code=201, summary="Undertake its renewal"
)
async def give_undertaking(
    actor: RegisterResource,
    session: Writing,
    now: Now,
    zone_id: UUID,
    mandate_id: UUID,
    body: UndertakingIn,
) -> UndertakingOut:
    """By its operator: contracts may be signed beyond the mandate's end, and stop there unless it is renewed."""
    return UndertakingOut.of(
        await actions.give_undertaking(
            session, actor, zone_id=zone_id, mandate_id=mandate_id, **dict(body), now=now
        )
    )
