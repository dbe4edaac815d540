"""A batch is sent short: what many entries share goes to the database once, and is posted to each."""

from collections import Counter
from typing import Any, cast

from datamarket.foundation.db import Connection, Database
from datamarket.foundation.ids import new_ids
from datamarket.foundation.money import Fen
from datamarket.ledger import posting
from datamarket.ledger.terms import AccountKey, AccountKind, EntryId, EntryKind, Posting, moved
from datamarket.server.checks import check_books
from tests.world.people import FINANCE, NOON
from tests.world.periods import own_ledger

_LEGS = "SELECT entry_id, account_id, amount_fen FROM ledger_leg WHERE ledger_id = $1 ORDER BY entry_id, seq"
_BALANCES = "SELECT debit_fen - credit_fen, version FROM ledger_balance WHERE ledger_id = $1 ORDER BY 1"


class Sent:
    """A connection that remembers how long each array was."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.lengths: list[int] = []

    async def execute(self, query: str, *arguments: Any) -> str:
        self.lengths = [len(value) for value in arguments if isinstance(value, list)]
        return await self.connection.execute(query, *arguments)


async def test_legs_that_entries_share_are_told_once_and_posted_to_each(database: Database) -> None:
    ledger_id = own_ledger()
    bank, tax = (AccountKey(ledger_id, None, kind) for kind in (AccountKind.BANK, AccountKind.VAT_PAYABLE))
    shared, other = moved(bank.id, tax.id, Fen(7)), moved(bank.id, tax.id, Fen(30))
    entries = [
        Posting(EntryId(one), EntryKind.DEPOSIT, NOON, "deposit", one, FINANCE.account_id, legs)
        for one, legs in zip(new_ids([NOON] * 9), [shared] * 8 + [other], strict=True)
    ]
    async with database.plain_transaction() as connection:
        await posting.open_accounts(connection, ledger_id, [bank, tax], now=NOON)
        sent = Sent(connection)
        await posting.post(cast("Connection", sent), ledger_id, entries, now=NOON)
        rows = await connection.fetch(_LEGS, ledger_id)
        balances = [tuple(row) for row in await connection.fetch(_BALANCES, ledger_id)]
    assert Counter(sent.lengths) == {1: 6, 4: 4, 9: 3}
    assert [tuple(row) for row in rows] == [(one.id, *leg) for one in sorted(entries) for leg in one.legs]
    assert balances == [(-86, 9), (86, 9)]
    assert all(found.holds for found in await check_books(database.url, ledger_id))
