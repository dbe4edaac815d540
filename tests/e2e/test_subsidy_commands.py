"""`datamarket subsidy …` as an officer and an auditor type it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from openpyxl import load_workbook
from typer.testing import CliRunner, Result

from datamarket.auth import actions as auth
from datamarket.auth.terms import Role
from datamarket.commands.demo import report
from datamarket.commands.main import app
from datamarket.foundation.db import Database
from datamarket.subsidy.runs import dossier
from datamarket.subsidy.runs.tables import SubsidyRun
from datamarket.subsidy.runs.terms import RunEvent
from datamarket.subsidy.scheme import files as scheme_files
from tests.world import subsidy as world
from tests.world.people import moment, unique
from tests.world.subsidy import CITY, YEAR, Officers

MARCH = datetime(YEAR, 3, 1, 4, tzinfo=UTC)


@pytest_asyncio.fixture
async def run(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SubsidyRun]:
    """A calculated and publicised run in the database that the commands find."""
    monkeypatch.setenv("DATABASE_URL", fresh_database.url)
    on = await world.stage(fresh_database)
    seller = await world.enterprise(fresh_database, "海风")
    await world.sells(on, seller, 20_000_000, at=MARCH)
    yield await world.publicised(fresh_database, Officers())


async def typed(*words: object) -> Result:
    """In a thread of its own: each command has its own event loop."""
    return await asyncio.to_thread(CliRunner().invoke, app, ["subsidy", *map(str, words)])


async def test_a_replay_agrees_and_one_of_tampered_lines_exits_with_one(
    run: SubsidyRun, fresh_database: Database
) -> None:
    good = await typed("replay", run.id, "--json")
    assert (good.exit_code, json.loads(good.stdout)["agrees"]) == (0, True), good.output
    owner = await asyncpg.connect(fresh_database.url)
    await owner.execute("SET session_replication_role = replica")
    await owner.execute("UPDATE subsidy_line SET amount_fen = amount_fen + 1")
    await owner.close()
    bad = await typed("replay", run.id)
    assert bad.exit_code == 1
    assert "lines_hold       False" in bad.stdout


async def test_what_if_prints_who_would_move(run: SubsidyRun) -> None:
    change = 'top-ten-turnover.rate={"2024-01-01": "1.5%"}'
    told = await typed("what-if", run.id, "--set", change, "--json")
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["delta_fen"] == 100_000
    shown = await typed("what-if", run.id, "--set", "top-ten-turnover.rate=1.5%")
    assert "2,000.00 → 3,000.00（比例变化 another rate）" in shown.stdout.replace("\n", "")
    assert "测算前 before" in shown.stdout
    assert "_fen" not in shown.stdout
    capped = await typed("what-if", run.id, "--set", "top-ten-turnover.cap=1000.00", "--json")
    assert json.loads(capped.stdout)["after_fen"] == 100_000, capped.output
    refused = await typed("what-if", run.id, "--set", "valid.from=2020-01-01")
    assert refused.exit_code == 2
    assert "subsidy.reform-path-unknown" in refused.stderr


async def test_what_if_asks_the_same_questions_as_a_study_and_writes_it_as_files(
    run: SubsidyRun, tmp_path: Path
) -> None:
    files = [tmp_path / f"study{kind}" for kind in (".json", ".csv", ".xlsx", ".svg")]
    written = [word for file in files for word in ("--out", file)]
    top = "top-ten-turnover"
    shown = await typed("what-if", run.id, "--set", "facts.tax=6%", "--meet", f"{top}=1500.00", *written)
    assert shown.exit_code == 0, shown.output
    # 2,000 at one per cent is a turnover of 200,000.00; without tax 188,679.25.
    assert "满足预算的比例 rate within 1,500.00: 0.79%" in shown.stdout
    assert "→ 1,886.79（含税或不含税 tax in or out）" in shown.stdout.replace("\n", "")
    assert json.loads(files[0].read_bytes())["meeting"]["rate"] == "0.79%"
    assert "测算，不是决定" in files[3].read_text(encoding="utf-8")
    ranged = await typed("what-if", run.id, "--range", f"{top}.rate=1%:0.5%:2", "--json")
    assert [point["total_fen"] for point in json.loads(ranged.stdout)["curve"]["points"]] == [
        200_000,
        300_000,
    ]
    grid = await typed("what-if", run.id, "--grid", f"{top}=1%:1%:2,1000:500:2,1200.00")
    assert "grid 2 × 2" in grid.stdout
    for words, code in (
        (("--out", "a.doc", "--set", "facts.tax=6%"), "study-file-unknown"),
        ((), "reform-changes-nothing"),
    ):
        refused = await typed("what-if", run.id, *words)
        assert (refused.exit_code, f"subsidy.{code}" in refused.stderr) == (2, True), refused.output


async def test_an_export_holds_the_awards(run: SubsidyRun, tmp_path: Path) -> None:
    out = tmp_path / "run.xlsx"
    told = await typed("export", run.id, "--out", out)
    assert told.exit_code == 0, told.output
    rows = list(load_workbook(out, read_only=True)["明细 lines"].iter_rows(values_only=True))
    assert 2000 in {row[11] for row in rows}
    summary = load_workbook(out, read_only=True)["汇总 summary"]
    assert ("运行编号 run id", str(run.id)) in {row[:2] for row in summary.iter_rows(values_only=True)}


async def test_a_bundle_is_written_once_the_run_is_sealed_and_replays(
    run: SubsidyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAMARKET_VAR", str(tmp_path / "var"))
    out = tmp_path / "run.zip"
    early = await typed("bundle", run.id, "--out", out)
    assert (early.exit_code, "evidence.nothing-sealed" in early.stderr) == (2, True), early.output
    sealed = await asyncio.to_thread(CliRunner().invoke, app, ["seal"])
    assert sealed.exit_code == 0, sealed.output
    told = await typed("bundle", run.id, "--out", out)
    assert told.exit_code == 0, told.output
    replayed = await typed("replay", out)
    assert (replayed.exit_code, str(run.result_sha256) in replayed.stdout) == (0, True), replayed.output
    unknown = await typed("replay", "run")
    assert (unknown.exit_code, "neither the id of a run nor a .zip" in unknown.stderr) == (2, True)


async def test_without_an_id_the_newest_run_is_taken_and_named(run: SubsidyRun) -> None:
    listed = await typed("runs", "--json")
    assert [item["id"] for item in json.loads(listed.stdout)] == [str(run.id)], listed.output
    shown = await typed("runs")
    assert f"{run.id}  {CITY}  {YEAR}  公示中 publicised  2,000.00" in shown.stdout
    replayed = await typed("replay", "--json")
    assert json.loads(replayed.stdout)["agrees"]
    assert str(run.id) in replayed.stderr


async def test_a_year_is_answered_from_its_public_list_and_not_from_a_newer_run(
    run: SubsidyRun, fresh_database: Database
) -> None:
    on = await world.stage(fresh_database)
    await world.sells(on, await world.enterprise(fresh_database), 90_000_000, at=MARCH)
    study = await world.opened_run(fresh_database, Officers())
    await world.moved(fresh_database, Officers(), study, RunEvent.SNAPSHOT, RunEvent.CALCULATE)
    for asked in (("--year", YEAR), ()):
        told = await typed("explain", *asked, "--clause", "top-ten-turnover", "--json")
        assert told.exit_code == 0, told.output
        assert f"已公示的运行 decided run {run.id}" in told.stderr
        [best] = [line for line in json.loads(told.stdout) if line["rank"] == 1]
        assert best["amount_fen"] == 200_000
    async with fresh_database.connection() as connection:
        owner = await connection.fetchval(
            "SELECT run_id FROM subsidy_line WHERE id = $1::text::uuid", best["id"]
        )
    assert owner == run.id
    assert (await typed("replay", "--year", YEAR + 1)).exit_code == 2


async def test_a_line_is_explained_in_both_languages(run: SubsidyRun) -> None:
    told = await typed("explain", run.id, "--clause", "top-ten-turnover")
    assert told.exit_code == 0, told.output
    assert "核定奖励 2,000.00 元" in told.stdout
    assert "award: 2,000.00 yuan" in told.stdout
    assert (await typed("explain", run.id, "--enterprise", "nobody")).exit_code == 2


@pytest.mark.usefixtures("run")
async def test_an_officer_with_an_account_calculates_a_year(fresh_database: Database) -> None:
    nobody = await typed("run", "--year", YEAR, "--as", "nobody")
    assert (nobody.exit_code, "not-found" in nobody.stderr) == (2, True), nobody.output
    username = unique("clerk")
    async with fresh_database.transaction() as session:
        await auth.open_account(
            session,
            username=username,
            password="correct horse battery",  # noqa: S106 - of a test's account
            roles=frozenset({Role.AUTHORITY}),
            participant_id=None,
            now=moment(),
        )
    again = await typed("run", "--year", YEAR, "--as", username)
    assert (again.exit_code, "subsidy.run-calculated-already" in again.stderr) == (2, True), again.output
    on = await world.stage(fresh_database)
    await world.sells(on, await world.enterprise(fresh_database), 10_000_000, at=MARCH)
    told = await typed("run", "--year", YEAR, "--as", username, "--json")
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["total_fen"] == 200_000 + 100_000


async def test_files_are_evaluated_without_a_database(tmp_path: Path) -> None:
    scheme = tmp_path / "scheme.yaml"
    scheme.write_bytes(scheme_files.shipped_scheme(CITY))
    header = "id,name,registered_in_city,suspended,net_platform_turnover\n"
    (tmp_path / "enterprises.csv").write_text(
        header + "A,甲,true,false,1000.55\nB,乙,true,true,9000\n", encoding="utf-8"
    )
    code = (
        "import sys; from typer.testing import CliRunner; from datamarket.commands.main import app\n"
        "told = CliRunner().invoke(app, ['subsidy', 'evaluate', *sys.argv[1:]])\n"
        "print(told.stdout); heavy = {'sqlalchemy', 'sqlmodel', 'asyncpg', 'fastapi'} & set(sys.modules)\n"
        "sys.exit(told.exit_code or bool(heavy))\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        code,
        str(scheme),
        str(tmp_path),
        "--year",
        str(YEAR),
        stdout=asyncio.subprocess.PIPE,
    )
    shown, _ = await process.communicate()
    assert process.returncode == 0, shown.decode()
    assert "10.01" in shown.decode()
    assert "被暂停" in shown.decode()


async def test_who_is_below_the_cut_is_shown_with_rank_and_the_rest_is_counted(tmp_path: Path) -> None:
    scheme = tmp_path / "scheme.yaml"
    scheme.write_bytes(scheme_files.shipped_scheme(CITY))
    facts = tmp_path / "facts"
    facts.mkdir()
    rows = [f"F{n:02},firm {n},true,false,{1000 - n}.00" for n in range(1, 31)]
    header = "id,name,registered_in_city,suspended,net_platform_turnover"
    (facts / "enterprises.csv").write_text(
        "\n".join([header, *rows, "LOW,low,true,false,-7.00"]), encoding="utf-8"
    )
    told = await typed("evaluate", scheme, facts, "--year", YEAR)
    assert told.exit_code == 0, told.output
    assert "F25" in told.stdout
    assert "F26" not in told.stdout
    assert "另有 6 项未列出" in told.stdout
    assert "no projects table: typical-case was not assessed" in told.stdout
    assert "LOW" in told.stdout


async def test_the_demo_shows_the_three_nearest_below_the_cut(fresh_database: Database) -> None:
    on = await world.stage(fresh_database)
    for number in range(14):
        await world.sells(on, await world.enterprise(fresh_database), 20_000_000 - number, at=MARCH)
    run = await world.publicised(fresh_database, Officers())
    async with fresh_database.transaction() as session:
        tables = await dossier.award_tables(session, run.id)
    with report.console.capture() as shown:
        report.print_refused(tables)
    assert [told.line.rank for told in tables.next_in_line] == [11, 12, 13]
    assert f"共 {tables.without_award} 项未获奖励" in shown.get()
    assert "ranks 11–13" in shown.get()
