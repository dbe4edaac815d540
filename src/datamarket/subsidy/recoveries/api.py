"""/subsidy/recoveries: what of paid awards has to come back, and how it does; /subsidy/set-offs."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field

from datamarket.auth.access import ReadMarket, ReadSubsidy, allow
from datamarket.auth.terms import Actor, Permission, Role
from datamarket.foundation.clock import business_date
from datamarket.foundation.http import (
    AllowedEvents,
    Body,
    DateIn,
    IfMatch,
    Now,
    Page,
    Paging,
    PositiveFenIn,
    Prose,
    Reading,
    Shape,
    ShortText,
    SliceRouter,
    Writing,
    check_tag,
    page_of,
)
from datamarket.foundation.money import parse_rate
from datamarket.foundation.shapes import RowShape, attached
from datamarket.foundation.waiting.patience import takes_long
from datamarket.subsidy.recoveries import actions, queries, rules
from datamarket.subsidy.recoveries.fines import interest_of
from datamarket.subsidy.recoveries.grounds import grounds_of
from datamarket.subsidy.recoveries.letter import letter_of
from datamarket.subsidy.recoveries.terms import ReceiptKind, RecoveryCause, RecoveryEvent, RecoveryState
from datamarket.subsidy.runs import queries as runs
from datamarket.subsidy.runs.api import PaySubsidy

router = SliceRouter(prefix="/subsidy", tags=["subsidy"])
ProposeRecovery = Annotated[Actor, allow(Permission.CALCULATE_SUBSIDY)]
DecideRecovery = Annotated[Actor, allow(Permission.APPROVE_SUBSIDY)]
HTML = "text/html; charset=utf-8"
MOST_INSTALMENTS = 60
"""Five years by month."""


class GroundOut(RowShape):
    """A paid award that today's books would not give in full; `left_fen` may still be decided for recovery."""

    line_id: UUID
    clause: str
    candidate: str
    enterprise_id: UUID
    cause: RecoveryCause
    cause_zh: str = Field(examples=["截止后退款"])
    cause_en: str = Field(examples=["refunds after the cut-off"])
    paid_fen: int
    today_fen: int
    left_fen: int
    amount_fen: int


class GroundsOut(Shape):
    """In the order of the run's lines."""

    grounds: list[GroundOut]


class RecoveryIn(Body):
    """Without an amount, what today's books say for this cause; `fraud` needs one."""

    line_id: UUID
    cause: RecoveryCause = Field(examples=["refund"])
    amount_fen: PositiveFenIn | None = Field(default=None, examples=[30_000])
    reason: Prose = Field(examples=["截止后发生退款，净交易额减少"])
    article: ShortText = Field(description="that it stands on", examples=["方案“年后发生的退款如何处理”"])


class InstalmentIn(Body):
    """A part of the plan, and its last day."""

    due_on: DateIn = Field(examples=["2025-06-30"])
    amount_fen: PositiveFenIn = Field(examples=[15_000])


class RecoveryEventIn(Body):
    """Each needs a reason; a fine, for fraud, and the plan go with `decide`: instalments add up to amount and fine.

    `restore` awards again what today's books justify: the amount is theirs.
    """

    event: Literal[RecoveryEvent.DECIDE, RecoveryEvent.CANCEL, RecoveryEvent.RESTORE] = Field(
        examples=["decide"]
    )
    reason: Prose | None = Field(default=None, examples=["事实清楚，同意追回"])
    fine: str | None = Field(default=None, pattern=r"^[0-9]{1,3}(\.[0-9]{1,6})?%$", examples=["20%"])
    instalments: list[InstalmentIn] = Field(default=[], max_length=MOST_INSTALMENTS)


class ReceiptIn(Body):
    """Money that arrived at the bank; an advice is entered once."""

    amount_fen: PositiveFenIn = Field(examples=[15_000])
    reference: ShortText = Field(examples=["bank advice 20250612-0003"])


class SetOffIn(Body):
    """The payable award that pays what its enterprise owes."""

    line_id: UUID


class RecoveryOut(RowShape):
    """What is to come back of an award; `open_fen` is owed still, `next` is who acts."""

    id: UUID
    run_id: UUID
    line_id: UUID
    enterprise_id: UUID
    cause: RecoveryCause
    cause_zh: str = Field(examples=["截止后退款"])
    cause_en: str = Field(examples=["refunds after the cut-off"])
    state: RecoveryState
    state_zh: str = Field(examples=["待决定"])
    state_en: str = Field(examples=["proposed"])
    amount_fen: int
    fine_rate: str | None = Field(examples=["20%"])
    fine_fen: int
    interest_fen: int
    received_fen: int
    restored_fen: int = Field(description="of the award, given again")
    open_fen: int
    reason: str
    article: str
    proposed_by: UUID
    proposed_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    decision: str | None = Field(description="why it was decided so, or cancelled")
    next: Role | None = Field(examples=["finance"])
    version: int

    @classmethod
    def of(cls, row: Any, **derived: Any) -> Self:
        decides = Role.AUTHORITY if row.state == RecoveryState.PROPOSED else None
        return super().of(row, next=Role.FINANCE if row.state in rules.OWED else decides, **derived)


class InstalmentOut(RowShape):
    """What is left of it after all that came in, which pays the oldest first."""

    n: int
    due_on: date
    amount_fen: int
    left_fen: int
    overdue: bool


class ReceiptOut(RowShape):
    """By a bank advice (`reference`), or off a later award (`line_id`)."""

    id: UUID
    recovery_id: UUID
    kind: ReceiptKind
    kind_zh: str = Field(examples=["银行收款"])
    kind_en: str = Field(examples=["payment at the bank"])
    reference: str | None
    line_id: UUID | None
    amount_fen: int
    entry_id: UUID
    received_at: datetime


class RestorationOut(RowShape):
    """Given again of a recovered award: `set_off_fen` against what was still owed, the rest is payable."""

    id: UUID
    amount_fen: int
    set_off_fen: int
    reason: str
    entry_id: UUID
    restored_by: UUID
    restored_at: datetime


class RecoveryPlanOut(RecoveryOut):
    """A recovery with its plan, what came in and what was given again; `open_fen` holds interest until now."""

    instalments: list[InstalmentOut]
    receipts: list[ReceiptOut]
    restorations: list[RestorationOut]

    @classmethod
    def as_on(cls, view: queries.RecoveryView, on: date, response: Response) -> Self:
        row, owed = view.recovery, view.recovery.state in rules.OWED
        due = interest_of(view.plan, row.interest_to, on) if owed else 0
        instalments = [
            InstalmentOut.of(one, overdue=owed and one.left_fen > 0 and one.due_on < on) for one in view.plan
        ]
        receipts = [ReceiptOut.of(one) for one in view.receipts]
        return cls.tagged(
            row,
            response,
            open_fen=row.open_fen + due,
            instalments=instalments,
            receipts=receipts,
            restorations=[RestorationOut.of(one) for one in view.restorations],
        )


class SetOffOut(Shape):
    """What was set off, recovery by recovery; the bank pays the rest of the award."""

    line_id: UUID
    amount_fen: int
    receipts: list[ReceiptOut]


class RecoveryEventsOut(AllowedEvents[RecoveryState, RecoveryEvent]):
    """What this actor may do with the recovery now."""

    events: list[RecoveryEvent] = Field(examples=[["decide", "cancel"]])


@router.get(
    "/runs/{run_id}/recovery-grounds",
    summary="Paid awards that today's books would not give in full",
    responses={409: {}},
)
@takes_long
async def list_grounds(actor: ReadSubsidy, session: Reading, now: Now, run_id: UUID) -> GroundsOut:
    """Each with its cause; seat and standing were judged until payment, and are no ground afterwards."""
    grounds = await grounds_of(session, await runs.get_run(session, run_id), now=now)
    return GroundsOut(grounds=[GroundOut.of(one) for one in grounds])


@router.post("/recoveries", status_code=201, summary="Propose to recover a paid award")
@takes_long
async def propose_recovery(
    actor: ProposeRecovery, session: Writing, now: Now, body: RecoveryIn, response: Response
) -> RecoveryOut:
    """Never more than was paid less what is decided; of a line and a cause one is open."""
    return RecoveryOut.tagged(await actions.propose_recovery(session, actor, **dict(body), now=now), response)


@router.get("/recoveries", summary="Recoveries of paid awards")
async def list_recoveries(
    actor: ReadMarket,
    session: Reading,
    paging: Paging[UUID],
    state: RecoveryState | None = None,
    enterprise: Annotated[UUID | None, Query(description="id of a participant")] = None,
    line: UUID | None = None,
) -> Page[RecoveryOut]:
    """All for overseers; an enterprise's own, once they are decided. In the order they were proposed."""
    rows = await queries.list_recoveries(
        session, visible_to=actor, state=state, enterprise=enterprise, line=line, page=paging
    )
    return page_of(rows, paging, RecoveryOut.of, lambda row: [row.id])


@router.get("/recoveries/{recovery_id}", summary="One recovery with its plan and what came in")
async def get_recovery(
    actor: ReadMarket, session: Reading, now: Now, recovery_id: UUID, response: Response
) -> RecoveryPlanOut:
    row = await queries.get_recovery(session, recovery_id, visible_to=actor)
    return RecoveryPlanOut.as_on(await queries.view_of(session, row), business_date(now), response)


@router.post("/recoveries/{recovery_id}/events", summary="Decide, cancel or restore a recovery")
@takes_long
async def move_recovery(
    actor: DecideRecovery,
    session: Writing,
    now: Now,
    recovery_id: UUID,
    body: RecoveryEventIn,
    response: Response,
    if_match: IfMatch = None,
) -> RecoveryPlanOut:
    """Decided by another account than proposed it. What something came in of is restored, not cancelled."""
    found = await queries.get_recovery(session, recovery_id, visible_to=actor)
    await runs.lock_run(session, found.run_id)
    row = await queries.lock_recovery(session, recovery_id)
    check_tag(if_match, row.version)
    if body.event is RecoveryEvent.CANCEL:
        await actions.cancel_recovery(session, actor, row, reason=body.reason, now=now)
    elif body.event is RecoveryEvent.RESTORE:
        await actions.restore_award(session, actor, row, reason=body.reason, now=now)
    else:
        fine = parse_rate(body.fine) if body.fine else None
        plan = [(one.due_on, one.amount_fen) for one in body.instalments]
        await actions.decide_recovery(session, actor, row, reason=body.reason, fine=fine, plan=plan, now=now)
    return RecoveryPlanOut.as_on(await queries.view_of(session, row), business_date(now), response)


@router.get("/recoveries/{recovery_id}/allowed-events", summary="What may be done with a recovery now")
async def allowed_recovery_events(
    actor: ReadMarket, session: Reading, recovery_id: UUID
) -> RecoveryEventsOut:
    """For who may decide it."""
    row = await queries.get_recovery(session, recovery_id, visible_to=actor)
    state = RecoveryState(row.state)
    events = rules.events_open_to(actor, state, row.proposed_by, RecoveryCause(row.cause))
    return RecoveryEventsOut(state=state, events=events)


@router.post("/recoveries/{recovery_id}/receipts", status_code=201, summary="Record money that was paid back")
async def receive_payment(
    actor: PaySubsidy, session: Writing, now: Now, recovery_id: UUID, body: ReceiptIn
) -> ReceiptOut:
    """It pays the oldest instalment first."""
    row = await queries.lock_recovery(session, recovery_id)
    return ReceiptOut.of(await actions.receive_payment(session, actor, row, **dict(body), now=now))


@router.post("/set-offs", status_code=201, summary="Set an award off against what its enterprise owes")
async def set_off(actor: PaySubsidy, session: Writing, now: Now, body: SetOffIn) -> SetOffOut:
    """Of a posted run, before it is paid: the oldest recovery first, never more than the award or what is owed."""
    run = await runs.lock_run(session, await runs.run_of_line(session, body.line_id))
    receipts = await actions.set_off(session, actor, run, body.line_id, now=now)
    total = sum(one.amount_fen for one in receipts)
    return SetOffOut(
        line_id=body.line_id, amount_fen=total, receipts=[ReceiptOut.of(one) for one in receipts]
    )


@router.get(
    "/recoveries/{recovery_id}/letter",
    summary="The letter of a decided recovery",
    response_class=Response,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}, 409: {}},
)
async def get_letter(actor: ReadMarket, session: Reading, recovery_id: UUID) -> Response:
    """追回决定书, a page that prints: the same bytes each time."""
    row = await queries.get_recovery(session, recovery_id, visible_to=actor)
    written = await queries.written(session, row)
    return attached(letter_of(written).encode(), HTML, f"recovery-{recovery_id}.html")
