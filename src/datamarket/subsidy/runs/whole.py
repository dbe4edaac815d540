"""A run from its first event to its last, and its awards through the bank, by the officers whose turn it is; each event its own transaction."""

from datetime import datetime
from fractions import Fraction
from uuid import UUID

from datamarket.auth.terms import Actor
from datamarket.foundation.db import Database
from datamarket.payouts import queries as payouts
from datamarket.payouts.actions import move_batch
from datamarket.payouts.advice import take_advice
from datamarket.payouts.bank.simulated import BankRules, run_bank
from datamarket.payouts.files import write_advice
from datamarket.payouts.proposals import file_for_bank
from datamarket.payouts.terms import BatchEvent, PayoutState
from datamarket.subsidy.register.actions import load_shipped_schemes
from datamarket.subsidy.runs import queries, rules
from datamarket.subsidy.runs.actions import move_run, open_run
from datamarket.subsidy.runs.tables import SubsidyRun
from datamarket.subsidy.runs.terms import RunEvent

CITY_SCHEME = "qd-data-element"
PAYS_ALL = BankRules(Fraction(0), 0, 0, ())
"""A bank that executes every payment on the day."""


async def run_whole(
    database: Database,
    *,
    year: int,
    calculator: Actor,
    reviewer: Actor,
    approver: Actor,
    payer: Actor,
    cashier: Actor,
    bank: BankRules = PAYS_ALL,
    now: datetime,
    ledger_id: int,
    scheme: str = CITY_SCHEME,
) -> SubsidyRun:
    """Snapshot, calculation, review, publicity, approval, posting, payment, closing. Raises AwardsUnpaid where the bank refuses one.

    `now` must lie after the year; approval and what follows happen when the publicity is over. `cashier` approves the batch.
    """
    run = await make_public(
        database,
        year=year,
        calculator=calculator,
        reviewer=reviewer,
        now=now,
        ledger_id=ledger_id,
        scheme=scheme,
    )
    run = await pay_out(database, run, approver=approver, payer=payer, cashier=cashier, bank=bank, now=now)
    return await take_step(database, run, payer, RunEvent.CLOSE, now=after_publicity(run, now))


async def make_public(
    database: Database,
    *,
    year: int,
    calculator: Actor,
    reviewer: Actor,
    now: datetime,
    ledger_id: int,
    scheme: str = CITY_SCHEME,
    supersedes: UUID | None = None,
    reason: str | None = None,
) -> SubsidyRun:
    """From its draft to its public list; one that supersedes a public list says why."""
    async with database.transaction() as session:
        await load_shipped_schemes(session, reviewer, now=now)
        run = await open_run(
            session,
            calculator,
            ledger_id,
            scheme_id=scheme,
            year=year,
            cutoff=None,
            supersedes=supersedes,
            now=now,
        )
    for event in (RunEvent.SNAPSHOT, RunEvent.CALCULATE, RunEvent.SUBMIT):
        await take_step(database, run, calculator, event, now=now)
    return await take_step(database, run, reviewer, RunEvent.PUBLICISE, reason=reason, now=now)


async def pay_out(
    database: Database,
    run: SubsidyRun,
    *,
    approver: Actor,
    payer: Actor,
    cashier: Actor,
    bank: BankRules = PAYS_ALL,
    now: datetime,
) -> SubsidyRun:
    """Approved once its publicity is over, payable, instructed, answered by the bank."""
    now = after_publicity(run, now)
    for event, officer in ((RunEvent.APPROVE, approver), (RunEvent.POST, payer)):
        await take_step(database, run, officer, event, now=now)
    return await instruct(database, run, payer=payer, cashier=cashier, bank=bank, now=now)


async def instruct(
    database: Database,
    run: SubsidyRun,
    *,
    payer: Actor,
    cashier: Actor,
    bank: BankRules = PAYS_ALL,
    now: datetime,
) -> SubsidyRun:
    """What is not paid yet goes to the bank, and the bank answers."""
    run = await take_step(database, run, payer, RunEvent.PAY, now=now)
    await through_bank(database, run, payer=payer, cashier=cashier, bank=bank, now=now)
    return run


def after_publicity(run: SubsidyRun, now: datetime) -> datetime:
    """The first instant at which its list may be approved, or now."""
    return now if run.publicity_to is None else rules.earliest_approval(run.publicity_to, now)


async def take_step(
    database: Database,
    run: SubsidyRun,
    officer: Actor,
    event: RunEvent,
    *,
    reason: str | None = None,
    now: datetime,
) -> SubsidyRun:
    async with database.transaction() as session:
        locked = await queries.lock_run(session, run.id)
        return await move_run(session, officer, locked, event, reason=reason, now=now)


async def through_bank(
    database: Database,
    run: SubsidyRun,
    *,
    payer: Actor,
    cashier: Actor,
    bank: BankRules = PAYS_ALL,
    now: datetime,
) -> None:
    """What a run has instructed is approved, sent, and answered by a simulated bank."""
    for batch_id, content in await send_awards(database, run, payer=payer, cashier=cashier, now=now):
        answers = write_advice(run_bank(content, bank, 7).advice)
        async with database.transaction() as session:
            batch = await payouts.lock_batch(session, run.ledger_id, batch_id, visible_to=payer)
            await take_advice(session, payer, batch, answers, now=now)


async def send_awards(
    database: Database, run: SubsidyRun, *, payer: Actor, cashier: Actor, now: datetime
) -> list[tuple[UUID, bytes]]:
    """The batches of what a run has instructed, approved and sent: each with the file that the bank gets."""
    sent = []
    async with database.transaction() as session:
        awards = await queries.payable_lines(session, run.id)
        instructed = await payouts.payouts_for(session, run.ledger_id, awards)
        for batch_id in sorted(
            {payout.batch_id for payout in instructed if payout.state == PayoutState.QUEUED}
        ):
            batch = await payouts.lock_batch(session, run.ledger_id, batch_id, visible_to=payer)
            await move_batch(session, cashier, batch, BatchEvent.APPROVE, now=now)
            await move_batch(session, payer, batch, BatchEvent.SEND, now=now)
            sent.append((batch_id, file_for_bank(batch, await payouts.payouts_of(session, batch))))
    return sent
