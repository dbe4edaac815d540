"""Invariants are files: an auditor's psql and `datamarket check` run the same text."""

import re
from pathlib import Path

import asyncpg
import pytest

import datamarket
from datamarket.evidence.log.leaves import LeafSource, leaf_hash
from datamarket.foundation.checks import read
from datamarket.foundation.db import Database
from datamarket.server.checks import CHECKS
from datamarket.server.sealing import SOURCES, seal_all
from tests.world import trading
from tests.world.people import NOON
from tests.world.psql import psql
from tests.world.sealing import settings_in
from tests.world.trading import LEDGER_ID

ROOT = Path(datamarket.__path__[0])
FILES = sorted(ROOT.rglob("checks/*.sql"), key=lambda file: (file.name, file.as_posix()))
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def test_every_file_is_checked_and_only_files_are() -> None:
    written = [read(file.stem, file.read_text(encoding="utf-8")) for file in FILES]
    assert sorted(map(str, written)) == sorted(map(str, CHECKS))
    assert len({check.id for check in CHECKS}) == len(CHECKS)
    assert [check.number for check in CHECKS] == sorted(check.number for check in CHECKS)
    assert {check.number for check in CHECKS} == set(range(1, 22)) - {
        14
    }  # I14 is a drill: backup and restore
    assert list(ROOT.rglob("checks/*")) == list(ROOT.rglob("checks/*.sql"))
    assert [
        path for path in ROOT.rglob("checks.py") if path.parent.name not in {"foundation", "server"}
    ] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_file_says_its_rule_twice_and_has_one_statement(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    check = read(file.stem, text)
    assert _CHINESE.search(check.zh)
    assert not _CHINESE.search(check.en)
    assert check.seen.startswith("SELECT count(*) FROM ")
    assert text.count(";\n") == 1
    assert text.endswith(";\n")
    assert not re.search(r"(?<!:):[a-z_]", check.broken)  # no other variable


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.kind)
def test_the_leaf_of_a_check_is_the_leaf_of_the_sealer(source: LeafSource) -> None:
    """Written out for the reader; hashed from the same bytes."""
    [check] = [check for check in CHECKS if check.id == f"I12 {source.kind}"]
    told = "".join(check.broken.split())
    assert "".join(leaf_hash(source.kind).split()) in told
    digest = re.findall(r"sha256\(.*\)(?= AS digest)", source.stored)
    assert all("".join(part.split()) in told for part in digest)


async def test_psql_finds_a_sound_market_sound_and_a_broken_one_broken(
    fresh_database: Database, tmp_path: Path
) -> None:
    deal = await trading.active_contract(fresh_database)
    await trading.refund(fresh_database, deal, (await trading.trade(fresh_database, deal)).id)
    await seal_all(fresh_database, settings_in(tmp_path), lambda: NOON)
    for file in FILES:
        assert await psql(fresh_database.url, file, ledger_id=LEDGER_ID) == [], file
    owner = await asyncpg.connect(fresh_database.url)
    await owner.execute("UPDATE ledger_balance SET debit_fen = debit_fen + 1 WHERE version > 0")
    await owner.close()
    broken = {file.name for file in FILES if await psql(fresh_database.url, file, ledger_id=LEDGER_ID)}
    assert {"I03.sql", "I04.sql"} <= broken <= {"I03.sql", "I04.sql", "I11.sql", "I11-escrow.sql"}
