"""/payouts: batches, their file for the bank, the bank's advice, and each payee's own payouts."""

from datetime import date, datetime
from uuid import UUID

from fastapi import Response
from pydantic import Field, field_validator

from datamarket.auth.access import Deciding, MakePayout, ReadLedger
from datamarket.auth.terms import Permission
from datamarket.foundation.http import (
    AllowedEvents,
    Body,
    DateIn,
    FileText,
    IfMatch,
    LedgerId,
    Now,
    Page,
    Paging,
    PositiveFenIn,
    Prose,
    Reading,
    Shape,
    SliceRouter,
    Writing,
    check_tag,
    page_of,
    tag,
)
from datamarket.foundation.inputs.texts import ValueFault
from datamarket.foundation.money import Fen
from datamarket.foundation.shapes import RowShape, attached
from datamarket.foundation.waiting.patience import takes_long
from datamarket.payouts import actions, advice, proposals, queries, rules
from datamarket.payouts.terms import INCOME, BatchEvent, BatchState, PayableKind, PayoutState

router = SliceRouter(prefix="/payouts", tags=["payouts"])
CSV = "text/csv; charset=utf-8"


class PayoutBatchIn(Body):
    """Which income to pay out; without a choice, all of it."""

    up_to_day: DateIn | None = Field(
        default=None, description="only what had come in by the end of this day", examples=["2024-06-03"]
    )
    kinds: list[PayableKind] | None = Field(
        default=None, min_length=1, max_length=len(INCOME), examples=[["provider_income"]]
    )
    min_amount_fen: PositiveFenIn = Field(default=1, description="smaller balances wait", examples=[10_000])

    @field_validator("kinds")
    @classmethod
    def _of_income(cls, kinds: list[PayableKind] | None) -> list[PayableKind] | None:
        if PayableKind.SUBSIDY_PAYABLE in (kinds or ()):
            raise ValueFault(
                "奖补由其补贴运行的“支付”编入批次", "awards are instructed by the event 'pay' of their run"
            )
        return kinds


class PayoutBatchOut(RowShape):
    """A batch; `file_sha256` is of the bytes that the bank gets, fixed since it was drafted."""

    id: UUID
    number: str = Field(examples=["PB20240603-1A2B3C4D"])
    state: BatchState
    state_zh: str = Field(examples=["已批准"])
    state_en: str = Field(examples=["approved"])
    day: date
    up_to_day: date | None
    kinds: list[PayableKind]
    min_amount_fen: int
    payouts: int
    total_fen: int
    executed_fen: int
    refused_fen: int
    file_sha256: str
    made_by: UUID = Field(validation_alias="actor_id")
    made_at: datetime
    approved_by: UUID | None
    approved_at: datetime | None
    sent_by: UUID | None
    sent_at: datetime | None
    settled_at: datetime | None
    version: int


class PayoutOut(RowShape):
    """One account's income, or one award, on its way out; `decided_on` is the bank's day."""

    id: UUID
    batch_id: UUID
    position: int
    payee_id: UUID | None = Field(description="null for treasury and tax")
    payee_code: str
    payee_name: str
    account_id: UUID
    account_kind: PayableKind
    award_id: UUID | None = Field(description="the line of a subsidy run that it pays; null for income")
    amount_fen: int
    bank_reference: str = Field(examples=["PO018fdc6e0c0070008000000000000001"])
    state: PayoutState
    state_zh: str = Field(examples=["已付款"])
    state_en: str = Field(examples=["executed"])
    decided_on: date | None
    refusal_code: str | None = Field(examples=["AC04"])
    refusal_reason: str | None
    version: int


class PayoutBatchEventIn(Body):
    event: BatchEvent = Field(examples=["approve"])
    reason: Prose | None = None


class PayoutBatchEventsOut(AllowedEvents[BatchState, BatchEvent]):
    """What this caller may do now."""


class AdviceIn(Body):
    """The bank's answers as CSV: reference, result (executed or refused), day, code, reason."""

    advice: FileText = Field(
        examples=[
            (
                "reference,result,day,code,reason\n"
                "PO018fdc6e0c0070008000000000000001,executed,2024-06-04,,\n"
                "PO018fdc6e0c0070008000000000000002,refused,2024-06-04,AC04,account closed\n"
            )
        ]
    )


class AdviceOut(Shape):
    """What the advice changed; `unchanged` answers were booked before."""

    executed: int
    refused: int
    unchanged: int
    batch: PayoutBatchOut


@router.post("/batches", status_code=201, summary="Propose payouts of all positive income balances")
@takes_long
async def propose_batch(
    actor: MakePayout,
    ledger_id: LedgerId,
    response: Response,
    session: Writing,
    now: Now,
    body: PayoutBatchIn,
) -> PayoutBatchOut:
    """One payout an account, at most 5,000; who waits in another batch or is suspended is left out."""
    batch = await proposals.propose_batch(
        session,
        actor,
        ledger_id,
        kinds=set(body.kinds or INCOME),
        min_amount_fen=Fen(body.min_amount_fen),
        up_to_day=body.up_to_day,
        now=now,
    )
    return PayoutBatchOut.tagged(batch, response)


@router.get("/batches", summary="Batches, newest first")
async def list_batches(
    actor: ReadLedger,
    ledger_id: LedgerId,
    session: Reading,
    paging: Paging[UUID],
    state: BatchState | None = None,
) -> Page[PayoutBatchOut]:
    """For overseers; payees find their own payouts in `/payouts`."""
    rows = await queries.list_batches(
        session,
        ledger_id,
        visible_to=actor,
        state=state,
        page=paging,
    )
    return page_of(rows, paging, PayoutBatchOut.of, lambda batch: [batch.id])


@router.get("/batches/{batch_id}", summary="One batch")
async def get_batch(
    actor: ReadLedger, ledger_id: LedgerId, response: Response, session: Reading, batch_id: UUID
) -> PayoutBatchOut:
    batch = await queries.get_batch(session, ledger_id, batch_id, visible_to=actor)
    return PayoutBatchOut.tagged(batch, response)


@router.post("/batches/{batch_id}/events", summary="Approve, send or cancel")
@takes_long
async def move_batch(
    actor: MakePayout,
    ledger_id: LedgerId,
    response: Response,
    session: Writing,
    now: Now,
    batch_id: UUID,
    body: PayoutBatchEventIn,
    if_match: IfMatch = None,
) -> PayoutBatchOut:
    """Approved by another than its maker; sending moves the money into transit, all or none."""
    batch = await queries.lock_batch(session, ledger_id, batch_id, visible_to=actor)
    check_tag(if_match, batch.version)
    moved = await actions.move_batch(session, actor, batch, body.event, reason=body.reason, now=now)
    return PayoutBatchOut.tagged(moved, response)


@router.get("/batches/{batch_id}/allowed-events", summary="What you may do with it now")
async def allowed_events(
    actor: ReadLedger, ledger_id: LedgerId, session: Reading, batch_id: UUID
) -> PayoutBatchEventsOut:
    batch = await queries.get_batch(session, ledger_id, batch_id, visible_to=actor)
    state = BatchState(batch.state)
    may = actor.may(Permission.MAKE_PAYOUT)
    events = rules.events_open_to(actor.account_id, state, made_by=batch.actor_id) if may else []
    return PayoutBatchEventsOut(state=state, events=events)


@router.get(
    "/batches/{batch_id}/file",
    summary="The file for the bank",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, 409: {}},
)
@takes_long
async def get_file(actor: MakePayout, ledger_id: LedgerId, session: Deciding, batch_id: UUID) -> Response:
    """CSV with count, sum and SHA-256 in its last line; the same bytes each time, once it is approved."""
    batch = await queries.get_batch(session, ledger_id, batch_id, visible_to=actor)
    content = proposals.file_for_bank(batch, await queries.payouts_of(session, batch))
    return attached(content, CSV, f"{batch.number}.csv", ETag=f'"{batch.file_sha256}"')


@router.post(
    "/batches/{batch_id}/advice",
    summary="Book the bank's answers",
    responses={200: {"headers": {"ETag": {"$ref": "#/components/headers/ETag"}}}},  # of the batch
)
async def take_advice(
    actor: MakePayout,
    ledger_id: LedgerId,
    response: Response,
    session: Writing,
    now: Now,
    batch_id: UUID,
    body: AdviceIn,
) -> AdviceOut:
    """All or none. The same answers again change nothing; one that contradicts an earlier is refused."""
    batch = await queries.lock_batch(session, ledger_id, batch_id, visible_to=actor)
    taken = await advice.take_advice(session, actor, batch, body.advice, now=now)
    tag(response, batch.version)
    return AdviceOut(**taken._asdict(), batch=PayoutBatchOut.of(batch))


@router.get("", summary="Payouts, newest first")
async def list_payouts(
    actor: ReadLedger,
    ledger_id: LedgerId,
    session: Reading,
    paging: Paging[UUID],
    batch: UUID | None = None,
    payee: UUID | None = None,
    account: UUID | None = None,
    state: PayoutState | None = None,
) -> Page[PayoutOut]:
    """Your organisation's own; overseers see all. `account` is whose money goes out; those of the public have no payee."""
    rows = await queries.list_payouts(
        session,
        ledger_id,
        visible_to=actor,
        batch=batch,
        payee=payee,
        account=account,
        state=state,
        page=paging,
    )
    return page_of(rows, paging, PayoutOut.of, lambda payout: [payout.id])


@router.get("/{payout_id}", summary="One payout")
async def get_payout(
    actor: ReadLedger, ledger_id: LedgerId, response: Response, session: Reading, payout_id: UUID
) -> PayoutOut:
    payout = await queries.get_payout(session, ledger_id, payout_id, visible_to=actor)
    return PayoutOut.tagged(payout, response)
