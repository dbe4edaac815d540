"""Two recoveries, or two payments, at one moment, each on a connection of its own."""

import asyncio

import asyncpg
import pytest

from datamarket.foundation.db import Database
from datamarket.foundation.waiting.constraints import constraint_of
from datamarket.ledger.terms import AccountKey, AccountKind
from datamarket.subsidy.recoveries.rules import RecoveryExceeds
from datamarket.subsidy.recoveries.terms import RecoveryCause
from tests.world.books import assert_books_hold, balance_of
from tests.world.recoveries import AWARD, paid_year
from tests.world.trading import LEDGER_ID


async def test_of_two_payments_with_one_bank_reference_one_is_booked(fresh_database: Database) -> None:
    year = await paid_year(fresh_database)
    row = await year.decided(await year.proposed(RecoveryCause.FRAUD, AWARD))
    both = (year.received(row, 70_000, "advice 20250207-0001") for _ in range(2))
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    refused = [one for one in outcomes if isinstance(one, asyncpg.UniqueViolationError)]
    assert [one.constraint_name for one in refused] == ["business_key_pkey"]
    owed = AccountKey(LEDGER_ID, year.seller.id, AccountKind.SUBSIDY_RECEIVABLE)
    assert await balance_of(fresh_database, owed) == AWARD - 70_000
    await assert_books_hold(fresh_database.url)


async def test_of_two_recoveries_that_together_exceed_what_was_paid_one_is_decided(
    fresh_database: Database,
) -> None:
    year = await paid_year(fresh_database)
    rows = [await year.proposed(cause, 150_000) for cause in (RecoveryCause.FRAUD, RecoveryCause.CORRECTION)]
    outcomes = await asyncio.gather(*map(year.decided, rows), return_exceptions=True)
    assert [type(one) for one in outcomes if isinstance(one, BaseException)] == [RecoveryExceeds]
    await assert_books_hold(fresh_database.url)
    owner = await asyncpg.connect(fresh_database.url)
    try:
        beyond = (
            "UPDATE subsidy_recovery SET state = 'decided', decided_by = id, decided_at = now(), decision = '.'"
            " WHERE state = 'proposed'"
        )
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
            await owner.execute(beyond)
        assert constraint_of(caught.value, {"subsidy_recovery_within_paid"}) == "subsidy_recovery_within_paid"
    finally:
        await owner.close()
