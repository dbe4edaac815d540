"""/inbox"""

from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

from pydantic import Field

from datamarket.auth.access import ReadMarket
from datamarket.foundation.clock import assumption, business_date
from datamarket.foundation.db import driver
from datamarket.foundation.http import LedgerId, Now, Page, Paging, Reading, SliceRouter, page_of
from datamarket.foundation.shapes import RowShape
from datamarket.notices.inbox import queries
from datamarket.notices.inbox.terms import BY_WORKING_DAYS, Consequence, Matter, MatterKind

router = SliceRouter(tags=["notices"])


class MatterOut(RowShape):
    """One thing that waits for the caller."""

    kind: MatterKind
    kind_zh: str
    kind_en: str
    subject_type: str
    subject_id: UUID
    path: str = Field(
        description="where the subject is answered, below the prefix",
        examples=["/orders/018f0000-0000-7000-8000-000000000001"],
    )
    since: datetime
    until: datetime | None = Field(description="the deadline; null where there is none")
    then_zh: str = Field(description="what happens when nobody acts")
    then_en: str

    @classmethod
    def of(cls, row: Matter, **derived: Any) -> Self:
        then = Consequence(row.kind.value)
        counted = row.until if row.kind in BY_WORKING_DAYS else None
        said = assumption(counted and business_date(counted - timedelta(days=1)))
        then_zh, then_en = then.zh + said["assumed_zh"], then.en + said["assumed_en"]
        return super().of(row, then_zh=then_zh, then_en=then_en, **derived)


@router.get("/inbox", summary="What waits for the caller, until when, and what happens then; by deadline")
async def list_matters(
    actor: ReadMarket,
    session: Reading,
    ledger_id: LedgerId,
    now: Now,
    paging: Paging[tuple[datetime, UUID]],
) -> Page[MatterOut]:
    connection = await driver(session)
    rows = await queries.list_matters(connection, ledger_id, visible_to=actor, now=now, page=paging)
    return page_of(rows, paging, MatterOut.of, lambda row: [row.due, row.subject_id])
