"""From approval to the bank: what is payable, what is instructed and what the bank answers; what is held catches up or is given up."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import driver, there
from datamarket.foundation.errors import Conflict, Refused
from datamarket.ledger import posting
from datamarket.ledger.terms import AccountKey, AccountKind, EntryId, EntryKind, moved
from datamarket.payouts import proposals
from datamarket.payouts.proposals import LARGEST_BATCH
from datamarket.payouts.queries import Asked, Payable
from datamarket.payouts.rules import refusal_told
from datamarket.payouts.terms import AwardAnswer, PayableKind
from datamarket.subsidy.cases.actions import return_claims
from datamarket.subsidy.cases.rules import project_subject
from datamarket.subsidy.cases.tables import SubsidyClaim
from datamarket.subsidy.register import queries as register_queries
from datamarket.subsidy.register.tables import BudgetShort
from datamarket.subsidy.runs import dossier, holds, queries, sealed
from datamarket.subsidy.runs.rules import check_duties, check_objections, check_publicity_over
from datamarket.subsidy.runs.tables import AwardHold, SubsidyLine, SubsidyPosting, SubsidyRun
from datamarket.subsidy.runs.terms import AwardHoldCause, AwardHoldEvent, AwardHoldState, RunEvent, RunState
from datamarket.subsidy.terms import LineStatus, Unit

SOURCE = "subsidy_line"
_AWARDS = Asked(frozenset({PayableKind.SUBSIDY_PAYABLE}), 1, None)


class AwardeeSuspended(Refused):
    code = "subsidy.awardee-suspended"
    zh = "企业“{name_zh}”（{uscc}）现处于暂停或退出状态，其奖补不能恢复办理。"
    en = "The awardee '{name_en}' ({uscc}) is suspended or has withdrawn; its award stays held."


class AwardCaseChanged(Refused):
    code = "subsidy.award-case-changed"
    zh = "项目“{candidate}”的案例已撤销，或在取数后更正，其奖补不能恢复办理。"
    en = "The case of project '{candidate}' is revoked, or was corrected after the snapshot; its award stays held."


class AwardsHeld(Conflict):
    code = "subsidy.awards-held"
    zh = "尚有 {count} 项奖补处于暂缓状态，须先恢复办理或决定不予支付，方可办结。"
    en = "Of this run {count} awards are still held; each is released or forgone before the run is closed."


class AwardsUnpaid(Conflict):
    code = "subsidy.awards-unpaid"
    zh = "尚有 {in_flight} 项奖补支付中、{failed} 项支付失败、{waiting} 项待支付，不能办结。"
    en = (
        "Of this run {in_flight} awards are on their way, {failed} were refused by the bank, {waiting} wait to be paid:"
        " it is not closed."
    )


class AwardNotFailed(Conflict):
    code = "subsidy.award-not-failed"
    zh = "该项奖补现为“{status_zh}”；只有银行退回的奖补可以由财政部门暂缓。"
    en = "This award is {status_en} now; finance holds only one that the bank has refused."


async def approve(session: AsyncSession, actor: Actor, run: SubsidyRun, *, now: datetime) -> dict[str, Any]:
    """The publicity is over, and the year's pool holds what is promised, held awards included.

    Raises RunPublicityRunning, ObjectionsOpen, ObjectionsUnheeded, RunNotAsSealed, BudgetShort.
    """
    if run.publicity_to is not None:
        check_publicity_over(run.publicity_to, now=now)
    objections = await queries.objections_to(session, run.id, business_date(now))
    check_objections(unsettled=objections.unsettled, upheld=objections.upheld)
    await sealed.check_as_sealed(session, run)
    total = run.total_fen or 0
    going = await holds.judge(session, actor, run, RunEvent.APPROVE, now=now)
    budget = await register_queries.lock_budget(session, run.scheme_id, run.year)
    if budget is not None:
        if budget.committed_fen + total > budget.amount_fen:
            raise BudgetShort
        budget.committed_fen += total
        budget.version += 1
    run.approved_by = actor.account_id
    held = total - sum(line.amount_fen for line in going)
    return {"total_fen": total, "held_fen": held, "rows": [budget] if budget else []}


async def post(session: AsyncSession, actor: Actor, run: SubsidyRun, *, now: datetime) -> dict[str, Any]:
    """Each award becomes payable, and what it was for is claimed. Raises RunNotAsSealed, ClaimedAlready, LinePostedAlready."""
    await sealed.check_as_sealed(session, run)
    run.posted_by = actor.account_id
    lines = await holds.judge(session, actor, run, RunEvent.POST, now=now)
    return await _make_payable(session, actor, run, lines, now=now)


async def pay(
    session: AsyncSession, actor: Actor, run: SubsidyRun, *, released: UUID | None = None, now: datetime
) -> dict[str, Any]:
    """Each award that goes and is neither paid nor on its way is instructed, also one that the bank refused: a batch of payouts.

    Or only the one just `released`. Raises RunNotAsSealed, ClaimedAlready, LinePostedAlready, AwardInstructed; NothingToPay unless it is the first time.
    """
    await sealed.check_as_sealed(session, run)
    run.paid_by = run.paid_by or actor.account_id
    await register_queries.lock_budget(session, run.scheme_id, run.year)  # the pool stays as it is meanwhile
    if released is None:
        lines = (await holds.judge(session, actor, run, RunEvent.PAY, now=now))[:LARGEST_BATCH]
    else:
        lines = await queries.award_lines(session, run.id, line_id=released)
    payable = await queries.payable_lines(session, run.id)
    late = [line for line in lines if line.id not in payable]
    made = await _make_payable(session, actor, run, late, now=now)
    set_off = await queries.set_off_of(session, [line.id for line in lines])
    rest = [(line, line.amount_fen - set_off.get(line.id, 0)) for line in lines]
    asked = [_instruction(run, line, fen) for line, fen in rest if fen]
    told: dict[str, Any] = {"instructed": len(asked), "instructed_fen": sum(one.amount_fen for one in asked)}
    if asked or run.state != RunState.POSTED:
        batch = await proposals.draft_batch(session, actor, run.ledger_id, asked, _AWARDS, now=now)
        told["batch"] = str(batch.id)
    return made | told


def _instruction(run: SubsidyRun, line: SubsidyLine, amount_fen: int) -> Payable:
    payable = AccountKey(run.ledger_id, line.enterprise_id, AccountKind.SUBSIDY_PAYABLE)
    return Payable(payable.id, line.enterprise_id, payable.kind, amount_fen, line.id)


async def close(
    session: AsyncSession,
    actor: Actor,
    run: SubsidyRun,
    *,
    now: datetime,  # noqa: ARG001 - an effect is told when
) -> dict[str, Any]:
    """Nothing waits any more. Raises AwardsHeld, AwardsUnpaid."""
    waiting = [
        hold for hold in await queries.open_holds(session, run.id) if hold.state == AwardHoldState.HELD
    ]
    if waiting:
        raise AwardsHeld(count=len(waiting))
    if unpaid := await unpaid_of(session, run):
        in_flight, failed = unpaid[LineStatus.INSTRUCTED], unpaid[LineStatus.FAILED]
        raise AwardsUnpaid(in_flight=in_flight, failed=failed, waiting=unpaid.total() - in_flight - failed)
    run.closed_by = actor.account_id
    return {}


async def unpaid_of(session: AsyncSession, run: SubsidyRun) -> Counter[LineStatus]:
    """The awards that go and are not paid, by what has become of them."""
    held = {hold.line_id for hold in await queries.open_holds(session, run.id)}
    awards = await queries.awards_now(session, run.id)
    return Counter(
        now.status for line, now in awards.items() if line not in held and now.status is not LineStatus.PAID
    )


async def book_answers(
    session: AsyncSession, actor: Actor, answers: Sequence[AwardAnswer], *, now: datetime
) -> None:
    """What the bank has executed is paid, by the entry that says so; whom it refused is told why. Each award has its event."""
    events: dict[str, list[evidence.Event]] = {"pay": [], "fail": []}
    for answer in answers:
        facts: dict[str, Any] = {"payout": str(answer.payout_id), "amount_fen": answer.amount_fen}
        if answer.refusal is None:
            paid = _posting(answer.award_id, EntryKind.SUBSIDY_PAID, answer.entry_id, answer.amount_fen, now)
            session.add(paid)
            facts["rows"] = evidence.rows_told([paid])
        else:
            zh, en = refusal_told(*answer.refusal)
            facts |= {"code": answer.refusal[0], "reason_zh": zh, "reason_en": en}
        events["fail" if answer.refusal else "pay"].append(evidence.Event(actor, answer.award_id, facts))
    await session.flush()
    for verb, told in events.items():
        if told:
            await evidence.record_many(await driver(session), f"subsidy.{verb}-award", "award", told, now=now)


async def hold_failed(
    session: AsyncSession, actor: Actor, run: SubsidyRun, line_id: UUID, *, now: datetime
) -> AwardHold:
    """Finance holds an award of a locked run that the bank refused: it is not paid again until released, and may be forgone.

    Raises NotFound, RunDutiesNotSeparate, AwardNotFailed, AwardHeldAlready.
    """
    check_duties(actor, RunEvent.PAY, run.hands)
    found = there((await queries.awards_now(session, run.id)).get(line_id), "award")
    if found.status is not LineStatus.FAILED or found.refusal is None:
        raise AwardNotFailed(status_zh=found.status.zh, status_en=found.status.en)
    [line] = await queries.award_lines(session, run.id, line_id=line_id)
    why = holds.Unfit(AwardHoldCause.REFUSED, " ".join(found.refusal))
    return await holds.put(session, actor, line, why, RunEvent.PAY, now=now)


async def decide_hold(
    session: AsyncSession,
    actor: Actor,
    run: SubsidyRun,
    hold: AwardHold,
    event: AwardHoldEvent,
    *,
    reason: str | None,
    now: datetime,
) -> AwardHold:
    """A held award catches up with its locked run, or is given up: its claim, its budget, and what was payable.

    Raises TransitionNotAllowed, ReasonMissing, RunDutiesNotSeparate, RunNotAsSealed, ClaimedAlready and what `_catch_up` raises.
    """
    check_duties(actor, RunEvent.PAY, run.hands)
    await sealed.check_as_sealed(session, run)
    holds.move(actor, hold, event, reason=reason, now=now)
    [line] = await queries.award_lines(session, run.id, line_id=hold.line_id)
    payable = hold.line_id in await queries.payable_lines(session, run.id)
    follow = _give_back if event is AwardHoldEvent.FORGO else _catch_up
    rows = await follow(session, actor, run, line, payable=payable, now=now)
    await holds.tell(session, actor, event, hold, *rows, now=now)
    return hold


async def _catch_up(
    session: AsyncSession, actor: Actor, run: SubsidyRun, line: SubsidyLine, *, payable: bool, now: datetime
) -> list[SQLModel]:
    """Payable where its run is posted; one that pays instructs it next. Raises AwardeeSuspended, AwardCaseChanged, ClaimedAlready."""
    if why := (await holds.unfit(session, run, [line], now)).get(line.id):
        if why.cause in {AwardHoldCause.REVOKED, AwardHoldCause.CORRECTED}:
            raise AwardCaseChanged(candidate=line.candidate_id)
        raise AwardeeSuspended(name_zh=line.enterprise_zh, name_en=line.enterprise_en, uscc=line.uscc)
    if run.state != RunState.POSTED or payable:
        return []
    made: list[SQLModel] = (await _make_payable(session, actor, run, [line], now=now))["rows"]
    return made


async def _give_back(
    session: AsyncSession, actor: Actor, run: SubsidyRun, line: SubsidyLine, *, payable: bool, now: datetime
) -> list[SQLModel]:
    """What an award had taken: its part of the pool (one that was set after the approval holds none), its claim.

    What was set off of it is paid: that stays, and so does its claim.
    """
    rows: list[SQLModel] = []
    set_off = (await queries.set_off_of(session, [line.id])).get(line.id, 0)
    budget = await register_queries.lock_budget(session, run.scheme_id, run.year)
    if budget is not None:
        budget.committed_fen -= min(line.amount_fen - set_off, budget.committed_fen)
        budget.version += 1
        rows.append(budget)
    if payable:
        rows += [] if set_off else await return_claims(session, line.id, now=now)
        rows += (await _settle(session, actor, run, [line], kind=EntryKind.SUBSIDY_FORGONE, now=now))["rows"]
    return rows


async def _make_payable(
    session: AsyncSession, actor: Actor, run: SubsidyRun, lines: Sequence[SubsidyLine], *, now: datetime
) -> dict[str, Any]:
    scheme, claims = await dossier.scheme_of(session, run.scheme_version_id), []
    for line in lines:
        clause = scheme.clause(line.clause_id)
        by_project = clause.unit is Unit.PROJECT
        yearly = f"{run.scheme_id}/{clause.id}/{run.year}"
        claim = SubsidyClaim(
            enterprise_id=line.enterprise_id,
            subject=project_subject(line.candidate_id) if by_project else yearly,
            policy=f"{run.scheme_id}/{clause.id}",
            line_id=line.id,
            claimed_at=now,
        )
        claims.append(claim)
    session.add_all(claims)
    settled = await _settle(session, actor, run, lines, kind=EntryKind.SUBSIDY_APPROVED, now=now)
    return settled | {"rows": [*claims, *settled["rows"]]}


def _sides(run: SubsidyRun, line: SubsidyLine, kind: EntryKind) -> tuple[AccountKey, AccountKey]:
    """Debit and credit: expense to payable when approved, back to expense when forgone."""
    payable = AccountKey(run.ledger_id, line.enterprise_id, AccountKind.SUBSIDY_PAYABLE)
    expense = AccountKey(run.ledger_id, None, AccountKind.SUBSIDY_EXPENSE)
    return (expense, payable) if kind is EntryKind.SUBSIDY_APPROVED else (payable, expense)


async def _settle(
    session: AsyncSession,
    actor: Actor,
    run: SubsidyRun,
    lines: Sequence[SubsidyLine],
    *,
    kind: EntryKind,
    now: datetime,
) -> dict[str, Any]:
    """One entry a line, from the debit account to the credit account, in one batch; what was set off is settled already."""
    postings, rows, accounts = [], [], set()
    set_off = await queries.set_off_of(session, [line.id for line in lines])
    for line in lines:
        amount = line.amount_fen - set_off.get(line.id, 0)
        if amount == 0:
            continue
        debit, credit = _sides(run, line, kind)
        accounts |= {debit, credit}
        legs = moved(debit.id, credit.id, amount)
        entry = posting.new_posting(actor, kind, (SOURCE, line.id), legs, now=now)
        postings.append(entry)
        rows.append(_posting(line.id, kind, entry.id, amount, now))
    session.add_all(rows)
    connection = await driver(session)
    await posting.open_accounts(connection, run.ledger_id, accounts, now=now)
    await posting.post(connection, run.ledger_id, postings, now=now)
    return {"entries": len(postings), "total_fen": sum(row.amount_fen for row in rows), "rows": rows}


def _posting(
    line_id: UUID, kind: EntryKind, entry_id: EntryId, amount_fen: int, now: datetime
) -> SubsidyPosting:
    return SubsidyPosting(line_id=line_id, kind=kind, entry_id=entry_id, amount_fen=amount_fen, posted_at=now)
