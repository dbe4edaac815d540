"""The invariants of the books, asserted after what a test did."""

import asyncpg

from datamarket.checking import CHECKS
from datamarket.foundation import checks
from tests.world.trading import LEDGER_ID


async def assert_books_hold(url: str) -> None:
    """Every check that `datamarket check` runs, as the owner of the database."""
    connection = await asyncpg.connect(url)
    try:
        findings = await checks.run(connection, LEDGER_ID, CHECKS)
    finally:
        await connection.close()
    broken = {finding.check.id: finding.breaches for finding in findings if not finding.holds}
    assert not broken
