"""Checkpoints belong to their database: two markets on one `var`, a restored one, and the folder of the last release."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from datamarket.evidence import actions as evidence
from datamarket.evidence.log.findings import Flaw
from datamarket.evidence.log.sealing import Sealer
from datamarket.foundation.db import Database, with_database
from datamarket.foundation.ids import new_id
from datamarket.migrations.apply import drop_database
from datamarket.server.sealing import VerifierKeyMissing, seal_all, verify_log
from tests.conftest import own_database
from tests.world.people import AUDITOR, moment
from tests.world.sealing import sealer_in, settings_in


@pytest_asyncio.fixture
async def neighbour(server_url: str, database_url: str, worker_id: str) -> AsyncIterator[Database]:
    """A second market on the same server."""
    async with own_database(server_url, worker_id) as opened:
        yield opened


async def sealed(database: Database, var: Path, passes: int = 1) -> None:
    """Some events, a block each."""
    for _ in range(passes):
        async with database.plain_transaction() as connection:
            event = evidence.Event(AUDITOR, new_id(moment()), {})
            await evidence.record_many(connection, "test.note", "thing", [event], now=moment())
        await seal_all(database, settings_in(var), moment)


async def flaws(url: str, var: Path) -> set[Flaw]:
    """What `datamarket verify` finds, as it is called every day."""
    return {finding.flaw for finding in (await verify_log(url, settings_in(var))).findings}


async def places(sealer: Sealer, *databases: Database) -> list[Path]:
    found = []
    for database in databases:
        async with database.connection() as connection:
            found.append(await sealer.place(connection))
    return found


async def test_two_markets_on_one_var_do_not_contradict_each_other(
    fresh_database: Database, neighbour: Database, tmp_path: Path
) -> None:
    await sealed(fresh_database, tmp_path, passes=3)
    await sealed(neighbour, tmp_path, passes=2)
    assert await flaws(fresh_database.url, tmp_path) == set()
    assert await flaws(neighbour.url, tmp_path) == set()
    own, other = await places(sealer_in(tmp_path), fresh_database, neighbour)
    assert sorted(path.name for path in own.iterdir()) == ["1.txt", "2.txt", "3.txt", "key.txt"]
    shutil.copy(other / "1.txt", own / "2.txt")  # the control: within one folder it is found
    assert await flaws(fresh_database.url, tmp_path) == {Flaw.OUTSIDE_ROOT}


async def test_a_folder_without_the_key_of_the_log_is_refused(
    fresh_database: Database, tmp_path: Path
) -> None:
    for key in (b"", b"\xff", b"a+b+c"):
        (tmp_path / "key.txt").write_bytes(key)
        with pytest.raises(VerifierKeyMissing):
            await verify_log(fresh_database.url, settings_in(tmp_path), outside=tmp_path)


async def test_a_restored_market_is_held_to_the_checkpoints_of_before(
    fresh_database: Database, server_url: str, tmp_path: Path
) -> None:
    """Under another name: the same first checkpoint says which folder was its own."""
    await sealed(fresh_database, tmp_path, passes=2)
    await fresh_database.close()
    source = urlsplit(fresh_database.url).path.removeprefix("/")
    name = f"{source}_again"
    server = await asyncpg.connect(server_url)
    await server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
    await server.close()
    restored = await Database(with_database(server_url, name), 2).open()
    try:
        assert (await verify_log(restored.url, settings_in(tmp_path))).outside == 2
        await sealed(restored, tmp_path)
        assert await flaws(restored.url, tmp_path) == set()
        await sealed(await fresh_database.open(), tmp_path, passes=2)
        assert Flaw.OUTSIDE_LONGER in await flaws(restored.url, tmp_path), (
            "what came after the backup is lost"
        )
    finally:
        await restored.close()
        await drop_database(server_url, name)


async def test_the_folder_of_the_last_release_goes_on_to_count(
    fresh_database: Database, neighbour: Database, tmp_path: Path
) -> None:
    await sealed(fresh_database, tmp_path, passes=3)
    await sealed(neighbour, tmp_path)
    own, other = await places(sealer_in(tmp_path), fresh_database, neighbour)
    flat = own.parent
    for path in own.iterdir():
        path.rename(flat / path.name)
    own.rmdir()
    assert (await verify_log(fresh_database.url, settings_in(tmp_path))).outside == 3
    assert await flaws(neighbour.url, tmp_path) == set(), "its own folder is there, that one is a stranger's"
    shutil.rmtree(other)
    assert await flaws(neighbour.url, tmp_path) == {Flaw.OUTSIDE_LONGER, Flaw.OUTSIDE_ROOT}, "until it is"
    await sealed(fresh_database, tmp_path)
    assert (await verify_log(fresh_database.url, settings_in(tmp_path))).outside == 4
    (flat / "3.txt").write_text("nobody signed this", encoding="utf-8")
    assert await flaws(fresh_database.url, tmp_path) == {Flaw.OUTSIDE_SIGNATURE}
