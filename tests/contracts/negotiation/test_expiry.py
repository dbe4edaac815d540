"""Terms that are open when their contract's term is over expire with it, all of a batch in one statement."""

from datetime import timedelta

from sqlalchemy import event

from datamarket.contracts import actions
from datamarket.foundation.db import Database
from tests.world import trading
from tests.world.people import NOON
from tests.world.trading import LEDGER_ID


async def test_open_terms_of_many_contracts_that_expire_are_read_at_once(fresh_database: Database) -> None:
    ends = NOON + timedelta(days=2)
    deals = [await trading.requested_contract(fresh_database, term_to=ends) for _ in range(3)]
    asked: list[str] = []

    def keep(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(fresh_database.engine.sync_engine, "before_cursor_execute", keep)
    try:
        assert await actions.expire_due(fresh_database, LEDGER_ID, ends) == 3
    finally:
        event.remove(fresh_database.engine.sync_engine, "before_cursor_execute", keep)
    assert sum("FROM contract_offer" in statement for statement in asked) == 1
    async with fresh_database.connection() as connection:
        rows = await connection.fetch(
            "SELECT c.state, o.state AS offered FROM contract c JOIN contract_offer o ON o.contract_id = c.id"
            " WHERE c.id = ANY ($1)",
            [deal.contract.id for deal in deals],
        )
    assert [tuple(row) for row in rows] == [("expired", "expired")] * 3
