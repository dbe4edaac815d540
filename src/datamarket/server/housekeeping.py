"""What a server does beside answering: seals the log, lets what is due run out, watches the books.

Each process keeps house for itself. Where two would do the same thing the database lets one of them:
sealing takes an advisory lock, what is due is taken with SKIP LOCKED, money arrives by its business key.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple

from prometheus_client import Counter, Gauge

from datamarket.comparisons import actions as comparisons
from datamarket.contracts import actions as contracts
from datamarket.contracts.disposal import actions as disposal
from datamarket.contracts.negotiation import actions as negotiation
from datamarket.evidence.invariants.actions import keep_runs
from datamarket.evidence.log.sealing import sealing_lag
from datamarket.foundation import checks
from datamarket.foundation.db import CLOSE_SECONDS, Database
from datamarket.foundation.settings import Settings
from datamarket.ledger.cities import actions as city_actions
from datamarket.ledger.clearing.queries import clearing_ages
from datamarket.ledger.holds import actions as holds
from datamarket.ledger.terms import CLEARING
from datamarket.notices.subscriptions import actions as subscriptions
from datamarket.participants.qualifications import actions as qualifications
from datamarket.server import sealing
from datamarket.server.checks import CHECKS
from datamarket.trading import actions as trading
from datamarket.trading.orders import actions as orders
from datamarket.zones.mandates import actions as mandates
from datamarket.zones.undertakings import actions as undertakings

log = logging.getLogger("datamarket.housekeeping")
DONE = Counter("datamarket_chores_done_total", "Things done in the background", ["chore"])
FAILED = Counter("datamarket_chores_failed_total", "Turns of a chore that failed", ["chore"])
HOLDS = Gauge("datamarket_invariant_holds", "1 while a quick invariant of the books holds", ["invariant"])
CLEARING_DAYS = Gauge("datamarket_clearing_age_days", "Days that the oldest balance has waited", ["kind"])
CLEARING_FEN = Gauge("datamarket_clearing_balance_fen", "What waits on clearing accounts", ["kind"])
SEALING_LAG = Gauge("datamarket_sealing_lag_seconds", "How long the oldest unsealed event has waited")

CHORE_SECONDS = 60
"""For each transaction of a chore: a pass of the sealer sorts its rows, a check reads every account."""
QUICK = tuple(check for check in CHECKS if check.quick)


class Chore(NamedTuple):
    """One thing to do again and again; `run` says how many things it did."""

    name: str
    every_seconds: int
    run: Callable[[Database, int, datetime], Awaitable[int]]


def chores(settings: Settings) -> tuple[Chore, ...]:
    """Everything, and how often."""
    return (
        Chore("seal", 5, sealing.chore_of(settings)),
        Chore("keep-position", 1, sealing.position_chore_of(settings)),
        Chore("expire-holds", 15, holds.expire_due),
        Chore("expire-orders", 15, orders.expire_overdue),
        Chore("lapse-escrowed-orders", 60, orders.lapse_escrowed),
        Chore("expire-contracts", 60, contracts.expire_due),
        Chore("lapse-negotiations", 60, negotiation.lapse_due),
        Chore("watch-disposals", 60, disposal.watch_due),
        Chore("expire-mandates", 60, mandates.expire_due),
        Chore("tell-undertakings", 60, undertakings.tell_overdue),
        Chore("tell-price-reports", 3600, comparisons.tell_late),
        Chore("expire-qualifications", 60, qualifications.expire_due),
        Chore("accept-by-silence", 60, orders.accept_by_silence),
        Chore("charge-fees", 300, trading.charge_fees),
        Chore("receive-city-transfers", 5, city_actions.receive_due),
        Chore("forget-sendings", 3600, subscriptions.forget_sendings),
        Chore("watch-the-books", 60, watch_the_books),
    )


async def watch_the_books(database: Database, ledger_id: int, now: datetime) -> int:
    """Quick invariants, clearing accounts and the sealer's lag, as metrics; how many invariants are broken."""
    async with database.plain_transaction() as connection:
        findings = await checks.run(connection, ledger_id, QUICK)
        ages = await clearing_ages(connection, ledger_id, now)
        lag = await sealing_lag(connection, ledger_id, now)
    for finding in findings:
        HOLDS.labels(finding.check.id).set(finding.holds)
        if not finding.holds:
            log.error("invariant %s is broken: %s", finding.check.id, ", ".join(finding.breaches))
    days: defaultdict[str, int] = defaultdict(int)
    balances: defaultdict[str, int] = defaultdict(int)
    for age in ages:
        days[age.kind] = max(days[age.kind], age.days)
        balances[age.kind] += abs(age.balance_fen)
    for kind in CLEARING:
        CLEARING_DAYS.labels(kind).set(days[kind])
        CLEARING_FEN.labels(kind).set(balances[kind])
    SEALING_LAG.set(lag.total_seconds())
    await keep_runs(database, ledger_id, findings, now)
    return sum(not finding.holds for finding in findings)


@asynccontextmanager
async def kept_house(
    database: Database, settings: Settings, read_clock: Callable[[], datetime]
) -> AsyncIterator[None]:
    """Every chore in its own time, for as long as the block lasts; none holds up the end of the process."""
    patient = database.within(CHORE_SECONDS)
    running = [
        asyncio.create_task(_repeat(chore, patient, settings.ledger_id, read_clock))
        for chore in chores(settings)
    ]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=CLOSE_SECONDS)


async def _repeat(
    chore: Chore, database: Database, ledger_id: int, read_clock: Callable[[], datetime]
) -> None:
    """A turn that fails is counted and told; the next one tries again."""
    while True:
        try:
            DONE.labels(chore.name).inc(await chore.run(database, ledger_id, read_clock()))
        except Exception as error:  # noqa: BLE001 - whatever it is, the next turn may succeed
            FAILED.labels(chore.name).inc()
            log.warning("chore %s failed: %s: %s", chore.name, type(error).__name__, error)
            if (me := asyncio.current_task()) is not None and me.cancelling():
                return  # the end of the process met a broken connection, which hid it
        await asyncio.sleep(chore.every_seconds)
