"""/qualifications: who is certified as what."""

from datetime import date
from uuid import UUID

from pydantic import Field

from datamarket.auth.access import ManageParticipants, ReadMarket
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
from datamarket.participants.qualifications import actions, queries
from datamarket.participants.qualifications.terms import QualificationKind

router = SliceRouter(tags=["participants"])


class QualificationIn(Body):
    """A certificate; only a chief data officer's names a holder."""

    participant_id: UUID
    kind: QualificationKind = Field(examples=["data_merchant"])
    granted_by: ShortText = Field(examples=["市大数据主管部门"])
    granted_on: DateIn = Field(examples=["2024-01-01"])
    until_on: DateIn | None = Field(default=None, description="first day without it", examples=["2027-01-01"])
    holder: ShortText | None = Field(default=None, examples=["王某"])


class QualificationOut(RowShape):
    """A certificate over half-open days; `until_on` is null when it has no end."""

    id: UUID
    participant_id: UUID
    kind: QualificationKind
    kind_zh: str = Field(examples=["数商"])
    kind_en: str = Field(examples=["data merchant"])
    holder: str | None
    granted_by: str
    granted_on: date
    until_on: date | None


@router.get("/qualifications", summary="Certificates, in the order they were recorded")
async def list_qualifications(
    actor: ReadMarket,
    session: Reading,
    paging: Paging[UUID],
    participant: UUID | None = None,
    kind: QualificationKind | None = None,
) -> Page[QualificationOut]:
    rows = await queries.list_qualifications(
        session,
        participant_id=participant,
        kind=kind,
        page=paging,
    )
    return page_of(rows, paging, QualificationOut.of, lambda qualification: [qualification.id])


@router.post("/qualifications", status_code=201, summary="Record a certificate")
async def grant_qualification(
    actor: ManageParticipants, session: Writing, now: Now, body: QualificationIn
) -> QualificationOut:
    return QualificationOut.of(await actions.grant_qualification(session, actor, **dict(body), now=now))
