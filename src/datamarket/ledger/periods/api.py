"""/ledger/periods: accounting months, closed in their order."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import Path, Response
from pydantic import Field

from datamarket.auth.access import ReadLedger, allow
from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.http import (
    AllowedEvents,
    Body,
    IfMatch,
    LedgerId,
    Now,
    Page,
    Paging,
    Prose,
    Reading,
    SliceRouter,
    Writing,
    check_tag,
    page_of,
)
from datamarket.foundation.shapes import RowShape
from datamarket.foundation.waiting.patience import takes_long
from datamarket.ledger.periods import actions, queries
from datamarket.ledger.periods.rules import PERIOD_LIFE
from datamarket.ledger.periods.tables import LedgerPeriod
from datamarket.ledger.periods.terms import PeriodEvent, PeriodState

router = SliceRouter(prefix="/ledger", tags=["ledger"])
PeriodNumber = Annotated[int, Path(ge=200001, le=299912, description="yyyymm", examples=[202412])]


class PeriodOut(RowShape):
    """An accounting month; one whose state was never set is open."""

    id: int = Field(description="yyyymm", examples=[202412])
    state: PeriodState
    state_zh: str = Field(examples=["已关账"])
    state_en: str = Field(examples=["closed"])
    version: int
    revision: int = Field(description="how many times it was closed", examples=[1])
    closed_at: datetime | None
    closing_root: str | None = Field(description="SHA-256 over its closing balances, while it is closed")

    @classmethod
    def of(cls, row: LedgerPeriod, **derived: Any) -> Self:
        root = row.closing_root.hex() if row.closing_root else None
        return super().of(row, closing_root=root, **derived)


class PeriodEventIn(Body):
    event: PeriodEvent
    reason: Prose | None = Field(default=None, examples=["供应商更正了十二月的用量"])


class PeriodEventsOut(AllowedEvents[PeriodState, PeriodEvent]):
    """What this caller may do now."""


@router.get("/periods", summary="Months whose state was set")
async def list_periods(
    actor: ReadLedger, ledger_id: LedgerId, session: Reading, paging: Paging[int]
) -> Page[PeriodOut]:
    """Newest first."""
    rows = await queries.list_periods(session, ledger_id, page=paging)
    return page_of(rows, paging, PeriodOut.of, lambda period: [period.id])


@router.get("/periods/{period}", summary="One month")
async def get_period(
    actor: ReadLedger, ledger_id: LedgerId, response: Response, session: Reading, period: PeriodNumber
) -> PeriodOut:
    known = await queries.get_period(session, ledger_id, period)
    return PeriodOut.tagged(known, response)


@router.post("/periods/{period}/events", summary="Close, reopen or archive a month")
@takes_long
async def move_period(
    actor: Annotated[Actor, allow(Permission.CLOSE_PERIOD)],
    ledger_id: LedgerId,
    response: Response,
    session: Writing,
    now: Now,
    period: PeriodNumber,
    body: PeriodEventIn,
    if_match: IfMatch = None,
) -> PeriodOut:
    """From `begin-closing` on a month takes no posting: a late event stands in the current one, with its own effective date.

    Months are closed in their order once they are over, and reopened, with a reason, in the opposite order. A
    month that is closed again has a further revision. Months are archived, for good, once their year is closed.
    """
    known = await queries.lock_period(session, ledger_id, period)
    check_tag(if_match, known.version)
    moved = await actions.move_period(session, actor, known, body.event, reason=body.reason, now=now)
    return PeriodOut.tagged(moved, response)


@router.get("/periods/{period}/allowed-events", summary="What may happen to a month now")
async def allowed_events(
    actor: ReadLedger, ledger_id: LedgerId, session: Reading, period: PeriodNumber
) -> PeriodEventsOut:
    """By its own state; the calendar and the months around it may still refuse, and say why."""
    state = PeriodState((await queries.get_period(session, ledger_id, period)).state)
    events = PERIOD_LIFE.open_in(state) if actor.may(Permission.CLOSE_PERIOD) else []
    return PeriodEventsOut(state=state, events=events)
