"""From approval to the bank: what is payable and what is paid, each line once; what is held catches up or is given up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import driver
from datamarket.foundation.errors import Conflict, Refused
from datamarket.ledger import posting
from datamarket.ledger.terms import AccountKey, AccountKind, EntryKind, moved
from datamarket.subsidy.cases.actions import return_claims
from datamarket.subsidy.cases.rules import project_subject
from datamarket.subsidy.cases.tables import SubsidyClaim
from datamarket.subsidy.register import queries as register_queries
from datamarket.subsidy.register.tables import BudgetShort
from datamarket.subsidy.runs import dossier, holds, queries, sealed
from datamarket.subsidy.runs.rules import check_duties, check_objections, check_publicity_over
from datamarket.subsidy.runs.tables import AwardHold, SubsidyLine, SubsidyPosting, SubsidyRun
from datamarket.subsidy.runs.terms import AwardHoldCause, AwardHoldEvent, AwardHoldState, RunEvent, RunState
from datamarket.subsidy.terms import Unit

SOURCE = "subsidy_line"


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


async def pay(session: AsyncSession, actor: Actor, run: SubsidyRun, *, now: datetime) -> dict[str, Any]:
    """The bank pays what is payable, and what became payable only now. Raises RunNotAsSealed, ClaimedAlready, LinePostedAlready."""
    await sealed.check_as_sealed(session, run)
    run.paid_by = actor.account_id
    lines = await holds.judge(session, actor, run, RunEvent.PAY, now=now)
    payable = await queries.payable_lines(session, run.id)
    late = [line for line in lines if line.id not in payable]
    made = await _make_payable(session, actor, run, late, now=now)
    settled = await _settle(session, actor, run, lines, kind=EntryKind.SUBSIDY_PAID, now=now)
    return settled | {"rows": [*made["rows"], *settled["rows"]]}


async def close(
    session: AsyncSession,
    actor: Actor,
    run: SubsidyRun,
    *,
    now: datetime,  # noqa: ARG001 - an effect is told when
) -> dict[str, Any]:
    """Nothing waits any more. Raises AwardsHeld."""
    waiting = [
        hold for hold in await queries.open_holds(session, run.id) if hold.state == AwardHoldState.HELD
    ]
    if waiting:
        raise AwardsHeld(count=len(waiting))
    run.closed_by = actor.account_id
    return {}


async def move_hold(
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
    """Payable and paid, as far as its run is. Raises AwardeeSuspended, AwardCaseChanged, ClaimedAlready."""
    if why := (await holds.unfit(session, run, [line], now)).get(line.id):
        if why.cause in {AwardHoldCause.REVOKED, AwardHoldCause.CORRECTED}:
            raise AwardCaseChanged(candidate=line.candidate_id)
        raise AwardeeSuspended(name_zh=line.enterprise_zh, name_en=line.enterprise_en, uscc=line.uscc)
    rows: list[SQLModel] = []
    if run.state in {RunState.POSTED, RunState.PAID} and not payable:
        rows += (await _make_payable(session, actor, run, [line], now=now))["rows"]
    if run.state == RunState.PAID:
        rows += (await _settle(session, actor, run, [line], kind=EntryKind.SUBSIDY_PAID, now=now))["rows"]
    return rows


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
    """Debit and credit: expense to payable when approved, payable to bank when paid, back to expense when forgone."""
    payable = AccountKey(run.ledger_id, line.enterprise_id, AccountKind.SUBSIDY_PAYABLE)
    expense = AccountKey(run.ledger_id, None, AccountKind.SUBSIDY_EXPENSE)
    if kind is EntryKind.SUBSIDY_APPROVED:
        return expense, payable
    if kind is EntryKind.SUBSIDY_FORGONE:
        return payable, expense
    return payable, AccountKey(run.ledger_id, None, AccountKind.BANK)


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
        rows.append(
            SubsidyPosting(line_id=line.id, kind=kind, entry_id=entry.id, amount_fen=amount, posted_at=now)
        )
    session.add_all(rows)
    connection = await driver(session)
    await posting.open_accounts(connection, run.ledger_id, accounts, now=now)
    await posting.post(connection, run.ledger_id, postings, now=now)
    return {"entries": len(postings), "total_fen": sum(row.amount_fen for row in rows), "rows": rows}
