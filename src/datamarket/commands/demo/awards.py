"""What becomes of a year's awards (simulated): a ring comes off, an objection changes ranks, a payment bounces, money comes back."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from datamarket.auth.terms import Actor
from datamarket.commands.demo import queries
from datamarket.foundation.clock import start_of_day
from datamarket.foundation.db import Database, PageAsked
from datamarket.foundation.money import Fen, yuan
from datamarket.participants import queries as participants
from datamarket.participants.affiliations.actions import affiliate
from datamarket.payouts.bank.simulated import BankRules
from datamarket.simulation import queries as city
from datamarket.subsidy.integrity import actions as integrity
from datamarket.subsidy.integrity import queries as flags
from datamarket.subsidy.integrity.terms import Detector, FlagEvent, FlagState
from datamarket.subsidy.objections import actions as objections
from datamarket.subsidy.objections import queries as objection_queries
from datamarket.subsidy.objections.terms import ObjectionEvent
from datamarket.subsidy.papers.actions import file_text
from datamarket.subsidy.recoveries import actions as recoveries
from datamarket.subsidy.recoveries import queries as recovery_queries
from datamarket.subsidy.recoveries.terms import RecoveryCause, RecoveryState
from datamarket.subsidy.runs import queries as runs
from datamarket.subsidy.runs.terms import RunEvent
from datamarket.subsidy.runs.whole import after_publicity, instruct, make_public, pay_out, take_step
from datamarket.trading import queries as trading
from datamarket.trading.refunds import refund_trade

CLOSED_ACCOUNT = "AC04"
"""ISO 20022's code of a closed account."""
UPHELD = "两家企业存在控制关系，其间交易不计（模拟）"
"""Reasons stand in letters and lists, which are in Chinese."""
MOST_SHOWN = 20
"""Of those whom an objection moved."""
REFUNDED = "质量不符，协商退款（模拟）"
ARTICLE = "方案解释“年后发生的退款如何处理”"


class Happened(NamedTuple):
    """One row of what happened to whom, in both languages; what stood before and after."""

    what: tuple[str, str]
    whom: str
    before: str
    after: str


class Decided(NamedTuple):
    """The run that paid, what it knew of, and what happened on the way to it."""

    run_id: UUID
    cutoff: datetime
    happened: list[Happened]


async def decide_awards(database: Database, papers: Path, ledger_id: int, year: int) -> Decided:
    """From the detectors to the closed run, in March of the next year, each step by whoever may take it."""
    async with database.transaction() as session:
        offices = await city.offices(session)
    now = start_of_day(date(year + 1, 3, 3))
    calculator, reviewer, approver = (offices[name] for name in ("authority", "authority2", "authority3"))
    payer, cashier = offices["finance"], offices["finance2"]
    happened = [await _confirm_ring(database, ledger_id, offices, year, now)]
    first = await make_public(
        database, year=year, calculator=calculator, reviewer=reviewer, now=now, ledger_id=ledger_id
    )
    whose = await _object(database, papers, offices, first.id, now + timedelta(days=1))
    run, again = first, now
    if whose is None:
        happened.append(_left_out("各名次均无争议，无人异议", "no rank is open to doubt: nobody objects"))
    else:
        again = now + timedelta(days=2)
        run = await make_public(
            database,
            year=year,
            calculator=calculator,
            reviewer=reviewer,
            now=again,
            ledger_id=ledger_id,
            supersedes=first.id,
            reason=UPHELD,
        )
        happened += await _changes(database, first.id, run.id, whose)
    async with database.transaction() as session:
        bounced = (await runs.award_lines(session, run.id))[0]
    refusing = BankRules(Fraction(0), 0, 0, ((CLOSED_ACCOUNT, "账户已销户"),), {bounced.uscc: CLOSED_ACCOUNT})
    paid = after_publicity(run, again)
    closing = paid + timedelta(days=3)
    await pay_out(database, run, approver=approver, payer=payer, cashier=cashier, bank=refusing, now=paid)
    before = await _status(database, run.id, bounced.id)
    await instruct(database, run, payer=payer, cashier=cashier, now=closing)
    after = await _status(database, run.id, bounced.id)
    repeated = ("银行退回后重新支付", "refused by the bank, paid again")
    happened.append(Happened(repeated, bounced.enterprise_zh, before, after))
    await take_step(database, run, payer, RunEvent.CLOSE, now=closing)
    return Decided(run.id, run.cutoff, happened)


async def _confirm_ring(
    database: Database, ledger_id: int, offices: Mapping[str, Actor], year: int, now: datetime
) -> Happened:
    """One officer lets the detectors look, another confirms the ring that they find."""
    async with database.transaction() as session:
        await integrity.detect(session, offices["authority"], ledger_id, year, now=now)
    async with database.transaction() as session:
        rings = await flags.list_flags(
            session,
            ledger_id,
            year=year,
            state=FlagState.RAISED,
            detector=Detector.RING,
            participant=None,
            page=PageAsked(1),
        )
        if not rings:
            return _left_out("市场较小，未发现循环交易", "a market this small has no ring to confirm")
        flag = await flags.lock_flag(session, rings[0].id)
        reason = "资金与数据均未离开三方（模拟）"
        await integrity.judge_flag(
            session, offices["reviewer"], flag, FlagEvent.CONFIRM, reason=reason, now=now
        )
        members = [(await participants.get_participant(session, member)).name_zh for member in flag.members]
    what = ("循环交易经核实，不计入基数", "ring confirmed, off the base")
    return Happened(what, "、".join(members), yuan(Fen(flag.amount_fen), grouped=True), yuan(Fen(0)))


async def _object(
    database: Database, papers: Path, offices: Mapping[str, Actor], run_id: UUID, now: datetime
) -> UUID | None:
    """Who comes next objects: a buyer controls the seller. It is so, and recorded; the objection is upheld by another officer."""
    async with database.transaction() as session:
        found = await queries.find_contested(session, run_id)
        if found is None:
            return None
        [objector] = [one for one in await city.enterprises(session, "") if one.id == found.objector_id]
        paper = await file_text(
            session, objector.actor, papers, "register.txt", "企业登记信息查询单（模拟）", now=now
        )
        row = await objections.file_objection(
            session,
            objector.actor,
            await runs.lock_run(session, run_id),
            enterprise_id=None,
            line_id=found.line_id,
            grounds=UPHELD,
            stated={paper.id: paper.sha256},
            now=now,
        )
    async with database.transaction() as session:
        await affiliate(
            session,
            offices["authority"],
            controller_id=found.buyer_id,
            controlled_id=found.seller_id,
            from_on=date(now.year - 1, 1, 1),
            now=now,
        )
        reviewer = offices["authority2"]
        locked = await objection_queries.lock_objection(session, row.id, visible_to=reviewer)
        await objections.move_objection(
            session, reviewer, locked, ObjectionEvent.UPHOLD, reason=UPHELD, now=now
        )
    return found.objector_id


async def _changes(database: Database, before: UUID, after: UUID, whose: UUID) -> list[Happened]:
    """Whom the upheld objection moved, as the objector is told."""
    async with database.transaction() as session:
        changes = await objection_queries.list_changes(
            session, before, after, whose, page=PageAsked(MOST_SHOWN)
        )
    what = ("异议成立，全体重新测算", "objection upheld, everyone calculated again")
    return [
        Happened(
            what,
            one.enterprise_zh,
            _place(one.before_rank, one.before_fen),
            _place(one.after_rank, one.after_fen),
        )
        for one in changes
    ]


def _left_out(zh: str, en: str) -> Happened:
    """What this market is too small for."""
    return Happened((zh, en), "—", "—", "—")


def _place(rank: int | None, fen: int | None) -> str:
    return f"{'—' if rank is None else f'第 {rank} 名 no. {rank}'} · {yuan(Fen(fen or 0), grouped=True)}"


async def _status(database: Database, run_id: UUID, line_id: UUID) -> str:
    async with database.transaction() as session:
        return " · ".join((await runs.awards_now(session, run_id))[line_id].status.labels)


async def recover_award(database: Database, run_id: UUID, year: int) -> Happened:
    """A sale of the year is given back after its award was paid: what was too much comes back, in two instalments."""
    refunded, now = (start_of_day(date(year + 2, 2, day)) for day in (2, 3))
    async with database.transaction() as session:
        offices = await city.offices(session)
        found = await queries.find_refundable(session, run_id)
        if found is None:
            return _left_out(
                "获奖企业无可退交易，无追回", "no award has a sale to give back: nothing is recovered"
            )
        [seller] = [one for one in await city.enterprises(session, "") if one.id == found.seller_id]
        name = (await participants.get_participant(session, seller.id)).name_zh
        trade = await trading.lock_trade(session, found.trade_id, visible_to=seller.actor)
        given: dict[str, Any] = {"amount_fen": Fen(found.fen), "reason": REFUNDED, "now": refunded}
        await refund_trade(session, seller.actor, trade, **given)
    async with database.transaction() as session:
        row = await recoveries.propose_recovery(
            session,
            offices["authority"],
            line_id=found.line_id,
            cause=RecoveryCause.REFUND,
            amount_fen=None,
            reason=REFUNDED,
            article=ARTICLE,
            now=now,
        )
    half = row.amount_fen // 2
    plan = [(date(year + 2, 3, 31), half), (date(year + 2, 6, 30), row.amount_fen - half)]
    state = await _pay_back(database, offices, run_id, row.id, plan, now)
    what = (
        "付款后退款，多付奖补分两期追回",
        "refund after payment: what was too much came back in two instalments",
    )
    return Happened(what, name, yuan(Fen(row.amount_fen), grouped=True), " · ".join(state.labels))


async def _pay_back(
    database: Database,
    offices: Mapping[str, Actor],
    run_id: UUID,
    recovery_id: UUID,
    plan: Sequence[tuple[date, int]],
    now: datetime,
) -> RecoveryState:
    """Decided by another than proposed it, and each instalment paid on its day."""
    async with database.transaction() as session:
        await runs.lock_run(session, run_id)
        row = await recovery_queries.lock_recovery(session, recovery_id)
        told: dict[str, Any] = {"reason": REFUNDED, "fine": None, "plan": plan, "now": now}
        await recoveries.decide_recovery(session, offices["authority3"], row, **told)
    for day, fen in plan:
        async with database.transaction() as session:
            row = await recovery_queries.lock_recovery(session, recovery_id)
            told = {"amount_fen": fen, "reference": f"RECOVERY-{day}", "now": start_of_day(day)}
            await recoveries.receive_payment(session, offices["finance"], row, **told)
    return RecoveryState(row.state)
