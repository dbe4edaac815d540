"""`datamarket open-account` and `reset-password`: at the machine itself, where no administrator is needed."""

import asyncio

import pytest
from typer.testing import CliRunner

from datamarket.auth import actions, queries
from datamarket.auth.tables import Account
from datamarket.commands.main import app
from datamarket.foundation.db import Database
from tests.world.people import unique


async def comes_in(database: Database, username: str, password: str) -> Account:
    async with database.transaction() as session:
        found = await queries.find_account_by_name(session, username)
    return await actions.check_password(found, password)


async def test_the_first_administrator_is_opened_and_a_lost_password_reset_at_the_machine(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    name = unique("admin")

    async def run(*arguments: str) -> tuple[int, str]:
        done = await asyncio.to_thread(CliRunner().invoke, app, arguments)
        return done.exit_code, done.output

    _, opened = await run("open-account", name, "--role", "admin")
    first = opened.split()[-1]
    assert not (await comes_in(database, name, first)).password_temporary
    _, reset = await run("reset-password", name)
    assert (await comes_in(database, name, reset.split()[-1])).password_temporary
    with pytest.raises(actions.SignInRefused):
        await comes_in(database, name, first)
    code, told = await run("reset-password", "nobody-at-all")
    assert code == 2
    assert "not-found" in told
    code, told = await run("open-account", unique("both"), "--role", "authority", "--role", "finance")
    assert code == 2
    assert "auth.roles-apart" in told
