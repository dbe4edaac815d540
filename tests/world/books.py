"""The invariants of the books, asserted after what a test did."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import asyncpg

from datamarket.foundation import checks
from datamarket.foundation.db import Connection, Database
from datamarket.ledger.terms import AccountKey
from datamarket.server.checks import CHECKS, WHOLE_TABLES, check_books
from tests.world import citus
from tests.world.trading import LEDGER_ID


async def assert_books_hold(url: str) -> None:
    """Every check that `datamarket check` runs, as the owner of the database."""
    _assert(await check_books(url, LEDGER_ID))


@asynccontextmanager
async def auditing(url: str) -> AsyncIterator[Connection]:
    """A connection for many checks of one database: what they ask is planned once, which takes ten times as long as to ask.

    On Citus each is planned for its values: joins with the catalogue cannot be otherwise.
    """
    settings = {**WHOLE_TABLES, "plan_cache_mode": "auto" if citus.URL else "force_generic_plan"}
    connection = await asyncpg.connect(url, server_settings=settings, max_cached_statement_lifetime=0)
    yield connection
    await connection.close()


EVERY_EVENT = {"I12 audit", "I19"}
"""What reads the whole audit each time, and takes as long as all others together."""


async def assert_books_still_hold(auditor: Connection, *, whole: bool = True) -> None:
    """The same, by one who has asked before; not `whole`: without what reads every event."""
    asked = [check for check in CHECKS if whole or check.id not in EVERY_EVENT]
    _assert(await checks.run(auditor, LEDGER_ID, asked))


def _assert(findings: Iterable[checks.CheckResult]) -> None:
    broken = {finding.check.id: finding.breaches for finding in findings if not finding.holds}
    assert not broken, broken


async def balance_of(database: Database, account: AccountKey) -> int:
    async with database.connection() as connection:
        found = await connection.fetchval(
            "SELECT debit_fen - credit_fen FROM ledger_balance WHERE ledger_id = $1 AND account_id = $2",
            account.ledger_id,
            account.id,
        )
    return int(found or 0)
