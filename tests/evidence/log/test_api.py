"""What visitors see of the sealed log: checkpoints, the key, and proofs that hold offline."""

from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from datamarket.evidence import actions as evidence
from datamarket.evidence.log.sealing import Sealer, await_watermark
from datamarket.foundation.db import Database
from datamarket.foundation.ids import new_id
from datamarket.server.app import create_app
from tests.conftest import Client, client_of
from tests.world import trading
from tests.world.people import AUDITOR, NOON, moment
from tests.world.sealing import settings_in, tool

SOME_ID = "018fdc6e-0c00-7000-8000-000000000001"


@dataclass(frozen=True)
class Log:
    """A log of the test's own, its sealer, and a visitor."""

    database: Database
    sealer: Sealer
    visitor: Client

    async def add(self, many: int) -> list[UUID]:
        """Events in one transaction, not sealed."""
        events = [evidence.Event(AUDITOR, new_id(moment()), {"n": number}) for number in range(many)]
        async with self.database.plain_transaction() as connection:
            await evidence.record_many(connection, "test.note", "thing", events, now=moment())
            subjects = [event.subject_id for event in events]
            rows = await connection.fetch(
                "SELECT id FROM audit_event WHERE subject_id = ANY ($1::uuid[])", subjects
            )
        return [row["id"] for row in rows]

    async def seal(self) -> int:
        await await_watermark(self.database)
        return await self.sealer.seal(self.database, now=moment())

    async def read(self, path: str, status: int = 200) -> Any:
        answer = await self.visitor.get(f"/evidence/{path}")
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest_asyncio.fixture
async def log(fresh_database: Database, tmp_path: Path) -> AsyncIterator[Log]:
    app = create_app(settings_in(tmp_path), fresh_database, read_clock=lambda: NOON)
    visitor = client_of(app, None, NOON)
    yield Log(fresh_database, app.state.sealer, visitor)
    await visitor.aclose()


async def test_before_anything_is_sealed_that_is_said(log: Log) -> None:
    assert (await log.read("checkpoints"))["items"] == []
    assert (await log.read("checkpoints/latest", 404))["code"] == "evidence.nothing-sealed"
    [row] = await log.add(1)
    assert (await log.read(f"proofs/{row}", 404))["code"] == "evidence.nothing-sealed"


async def test_checkpoints_are_listed_newest_first_and_the_newest_is_a_note(log: Log) -> None:
    for many in (3, 1, 5):
        await log.add(many)
        await log.seal()
    first = await log.read("checkpoints?limit=2")
    assert [item["size"] for item in first["items"]] == [9, 4]
    rest = await log.read(f"checkpoints?limit=2&after={first['next']}")
    assert ([item["size"] for item in rest["items"]], rest["next"]) == ([3], None)
    latest = await log.read("checkpoints/latest")
    note = await log.visitor.get("/evidence/checkpoints/latest/note")
    assert note.headers["content-type"].startswith("text/plain")
    assert latest["note"] == note.text == first["items"][0]["note"]
    key = (await log.visitor.get("/evidence/key")).text
    size, root, _ = tool().Key(key).open(note.text)
    assert (size, b64encode(root).decode()) == (9, latest["root"])


async def test_every_entry_and_event_is_proved_offline_in_every_checkpoint_that_has_it(log: Log) -> None:
    deal = await trading.active_contract(log.database)
    await log.seal()
    await trading.trade(log.database, deal)
    await log.add(300)
    await log.seal()
    await log.add(2)
    await log.seal()
    key = (await log.visitor.get("/evidence/key")).text
    sizes = [item["size"] for item in (await log.read("checkpoints"))["items"]]
    assert len(sizes) == 3
    async with log.database.connection() as connection:
        leaves = await connection.fetch("SELECT index, id, kind FROM seal_leaf ORDER BY index")
    entries = [leaf for leaf in leaves if leaf["kind"] == "entry"]
    for leaf in [*leaves[::37], *entries, leaves[-1]]:
        for size in sizes:
            if leaf["index"] >= size:
                refused = await log.read(f"proofs/{leaf['id']}?size={size}", 409)
                assert (refused["code"], refused["retryable"]) == ("evidence.not-sealed-yet", True)
                continue
            proof = await log.read(f"proofs/{leaf['id']}?size={size}")
            assert (proof["index"], proof["leaf"]["kind"]) == (leaf["index"], leaf["kind"])
            assert tool().check_proof(proof, key)
            assert not tool().check_proof(proof | {"index": proof["index"] ^ 1}, key)
            forged = proof["leaf"] | {"xid": proof["leaf"]["xid"] + 1}
            assert not tool().check_proof(proof | {"leaf": forged}, key)


async def test_a_later_log_is_proved_to_begin_with_an_earlier_one(log: Log) -> None:
    for many in (3, 300, 1, 700):
        await log.add(many)
        await log.seal()
    key = (await log.visitor.get("/evidence/key")).text
    sizes = [3, 303, 304, 1004]
    for old in sizes:
        for new in sizes:
            if old > new:
                assert (await log.read(f"consistency?from={old}&to={new}", 422))[
                    "code"
                ] == "evidence.sizes-reversed"
                continue
            proof = await log.read(f"consistency?from={old}&to={new}")
            assert tool().check_proof(proof, key)
            if old < new:
                assert not tool().check_proof(proof | {"path": proof["path"][1:]}, key)
                swapped = {
                    "old_checkpoint": proof["new_checkpoint"],
                    "new_checkpoint": proof["old_checkpoint"],
                }
                assert not tool().check_proof(proof | swapped, key)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"proofs/{SOME_ID}", 404, "not-found"),
        ("consistency?from=1&to=4", 404, "evidence.size-unknown"),
        ("consistency?from=0&to=4", 422, "request.invalid"),
        ("consistency?from=3", 422, "request.invalid"),
        ("checkpoints?after=AAAA", 422, "page.cursor-invalid"),
    ],
)
async def test_what_is_not_there_is_refused_exactly(log: Log, path: str, status: int, code: str) -> None:
    await log.add(4)
    await log.seal()
    assert (await log.read(path, status))["code"] == code


async def test_what_is_written_and_not_sealed_says_so(log: Log) -> None:
    await log.add(4)
    await log.seal()
    [row] = await log.add(1)
    assert (await log.read(f"proofs/{row}", 409))["code"] == "evidence.not-sealed-yet"
    assert (await log.read(f"proofs/{row}?size=3", 404))["code"] == "evidence.size-unknown"
    await log.seal()
    assert (await log.read(f"proofs/{row}"))["index"] == 4


async def test_a_proof_shows_nothing_of_what_a_row_says(log: Log) -> None:
    [row] = await log.add(1)
    await log.seal()
    assert set((await log.read(f"proofs/{row}"))["leaf"]) == {"kind", "ledger_id", "id", "xid", "digest"}
