"""The invariants of the books, asserted after what a test did."""

from datamarket.server.checks import check_books
from tests.world.trading import LEDGER_ID


async def assert_books_hold(url: str) -> None:
    """Every check that `datamarket check` runs, as the owner of the database."""
    findings = await check_books(url, LEDGER_ID)
    broken = {finding.check.id: finding.breaches for finding in findings if not finding.holds}
    assert not broken, broken
