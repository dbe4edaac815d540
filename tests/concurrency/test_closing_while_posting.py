"""A month closes while others post into it: each posting is in the closing balance, or in the next month."""

import asyncio
from datetime import date

from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from datamarket.ledger.books import queries
from datamarket.ledger.periods.terms import PeriodEvent
from datamarket.ledger.terms import AccountKey, AccountKind
from tests.world.periods import assert_ledger_holds, close, move, own_ledger, post

MAY = date(2024, 5, 20)


async def test_nothing_slips_into_a_month_that_closes(database: Database, database_url: str) -> None:
    ledger_id = own_ledger()
    bank, vat = (AccountKey(ledger_id, None, kind) for kind in (AccountKind.BANK, AccountKind.VAT_PAYABLE))
    await post(database, bank, vat, 1, effective=MAY)

    async def keep_posting(amount: int) -> int:
        for _ in range(20):
            await post(database, bank, vat, amount, effective=MAY)
        return 20 * amount

    async def close_meanwhile() -> int:
        await asyncio.sleep(0.05)
        await close(database, ledger_id, 202405)
        return 0

    posted = await asyncio.gather(*(keep_posting(10**n) for n in range(4)), close_meanwhile())
    async with database.transaction() as session:
        in_may = (await queries.balance_at(session, ledger_id, bank.id, at=date(2024, 5, 31)))[0]
        in_all = (await queries.balance_at(session, ledger_id, bank.id, at=date(2024, 6, 1)))[0]
    assert 1 <= in_may <= in_all == 1 + sum(posted)
    await assert_ledger_holds(database_url, ledger_id)


async def test_one_of_many_who_close_the_same_month_closes_it(database: Database, database_url: str) -> None:
    ledger_id = own_ledger()
    bank, vat = (AccountKey(ledger_id, None, kind) for kind in (AccountKind.BANK, AccountKind.VAT_PAYABLE))
    await post(database, bank, vat, 5, effective=MAY)
    await move(database, ledger_id, 202405, PeriodEvent.BEGIN_CLOSING)

    async def attempt() -> bool:
        try:
            await move(database, ledger_id, 202405, PeriodEvent.CLOSE)
        except MarketError:
            return False
        return True

    assert sum(await asyncio.gather(*(attempt() for _ in range(5)))) == 1
    assert (await move(database, ledger_id, 202405, PeriodEvent.REOPEN)).revision == 1
    await assert_ledger_holds(database_url, ledger_id)
