"""The invariants of the books, asserted after what a test did."""

from datamarket.foundation.db import Database
from datamarket.ledger.terms import AccountKey
from datamarket.server.checks import check_books
from tests.world.trading import LEDGER_ID


async def assert_books_hold(url: str) -> None:
    """Every check that `datamarket check` runs, as the owner of the database."""
    findings = await check_books(url, LEDGER_ID)
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
