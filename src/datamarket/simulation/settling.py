"""The year's income paid out quarter by quarter, and its months closed: by finance, with a bank for trying out.

A payment that the bank refuses returns to its income, and goes out again in the next batch. Awards go a way of their own:
theirs are paid, bounced and recovered when the run is.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

from datamarket.auth.terms import Actor
from datamarket.foundation.clock import start_of_day
from datamarket.foundation.db import Database
from datamarket.foundation.money import Fen
from datamarket.ledger.periods import actions as periods
from datamarket.ledger.periods import queries as period_queries
from datamarket.ledger.periods.terms import PeriodEvent
from datamarket.payouts import actions as payouts
from datamarket.payouts import files, proposals
from datamarket.payouts import queries as payout_queries
from datamarket.payouts.advice import take_advice
from datamarket.payouts.bank.simulated import run_bank, shipped_rules
from datamarket.payouts.terms import AdviceLine, BankAnswer, BatchEvent, PayableKind
from datamarket.simulation import queries
from datamarket.simulation.terms import Heard, Stage

QUARTERS = (3, 6, 9, 12)
LEAST = Fen(100)
"""[assumed]: a balance below a yuan waits for the next quarter."""
PREPARED = timedelta(days=5)
"""[assumed]: so long after a month is over its batch is made and its books are closed."""


class Settled(NamedTuple):
    """What was paid out and what came back, and how many months are closed."""

    executed: int
    refused: int
    months: int


async def settle_year(database: Database, ledger_id: int, heard: Heard, *, year: int, seed: int) -> Settled:
    """After the year was played: four batches, in the month after each quarter, then January to December closed."""
    async with database.transaction() as session:
        offices = await queries.offices(session)
    paid = [
        await _pay_out(database, ledger_id, offices, date(year, month, 1), seed, bounce=month == QUARTERS[0])
        for month in QUARTERS
    ]
    heard(Stage.SETTLE, len(paid))
    for month in range(1, 13):
        await _close(database, ledger_id, offices["finance"], date(year, month, 1))
        heard(Stage.SETTLE, 1)
    answers = Counter(line.result for lines in paid for line in lines)
    return Settled(answers[BankAnswer.EXECUTED], answers[BankAnswer.REFUSED], 12)


async def _pay_out(
    database: Database,
    ledger_id: int,
    offices: Mapping[str, Actor],
    quarter: date,
    seed: int,
    *,
    bounce: bool,
) -> Sequence[AdviceLine]:
    """What had come in by the end of a quarter's last month; where it is to bounce, of the first provider paid."""
    now = start_of_day(_after(quarter) + PREPARED)
    async with database.transaction() as session:
        batch = await proposals.propose_batch(
            session,
            offices["finance"],
            ledger_id,
            kinds=frozenset(PayableKind),
            min_amount_fen=LEAST,
            up_to_day=_after(quarter) - timedelta(days=1),
            now=now,
        )
        for event in (BatchEvent.APPROVE, BatchEvent.SEND):
            await payouts.move_batch(session, offices["finance2"], batch, event, now=now)
        orders = await payout_queries.payouts_of(session, batch)
        content = proposals.file_for_bank(batch, orders)
    bank, unlucky = (
        shipped_rules(),
        next(one for one in orders if one.account_kind == PayableKind.PROVIDER_INCOME),
    )
    if bounce:
        bank = replace(bank, always_refused={unlucky.payee_code: bank.reasons[-1][0]})
    told = run_bank(content, bank, seed)
    for day, lines in told.advice_by_day().items():
        async with database.transaction() as session:
            locked = await payout_queries.lock_batch(
                session, ledger_id, batch.id, visible_to=offices["finance"]
            )
            evening = start_of_day(day) + timedelta(hours=20)
            await take_advice(session, offices["finance"], locked, files.write_advice(lines), now=evening)
    return told.advice


async def _close(database: Database, ledger_id: int, officer: Actor, month: date) -> None:
    """Begun and closed, one step a transaction."""
    now, period = start_of_day(_after(month) + PREPARED), month.year * 100 + month.month
    for event in (PeriodEvent.BEGIN_CLOSING, PeriodEvent.CLOSE):
        async with database.transaction() as session:
            row = await period_queries.lock_period(session, ledger_id, period)
            await periods.move_period(session, officer, row, event, reason=None, now=now)


def _after(month: date) -> date:
    """The first day of the next month."""
    return (month + timedelta(days=31)).replace(day=1)
