"""Accounts that end while something is under way, each on a connection of its own."""

import asyncio

from datamarket.accounts import actions
from datamarket.auth import queries
from datamarket.auth.actions import actor_of
from datamarket.auth.rules import LastAdministrator
from datamarket.auth.tables import Account
from datamarket.auth.terms import Role
from datamarket.foundation.db import Database
from tests.world.accounts import clerk
from tests.world.people import NOON


async def test_of_two_administrators_who_close_each_other_one_stays(fresh_database: Database) -> None:
    for _ in range(10):
        one, other = [await clerk(fresh_database, Role.ADMIN) for _ in range(2)]

        async def closing(by: Account, account: Account) -> type[Exception] | None:
            try:
                async with fresh_database.transaction() as session:
                    await actions.close_account(session, actor_of(by), account.id, reason=None, now=NOON)
            except LastAdministrator as refused:
                return type(refused)
            return None

        outcomes = await asyncio.gather(closing(one, other), closing(other, one))
        assert sorted(map(str, outcomes)) == sorted(map(str, (None, LastAdministrator)))
        async with fresh_database.transaction() as session:
            left = [await queries.get_account(session, account.id) for account in (one, other)]
            assert sum(account.active for account in left) == 1
        [stays] = [account for account in left if account.active]
        another = await clerk(fresh_database, Role.ADMIN)  # so that the next pair is alone again
        assert await closing(another, stays) is None
        async with fresh_database.connection() as connection:
            await connection.execute("UPDATE account SET active = false WHERE id = $1", another.id)
