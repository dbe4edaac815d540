"""The decision letter of an award: of approved lines only, to its enterprise and the offices, in figures and capitals."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from datamarket.commands.main import app
from datamarket.subsidy.runs.terms import RunEvent
from tests.subsidy.conftest import Market
from tests.world import subsidy as world
from tests.world.participants import acting_for, suspend
from tests.world.people import AUDITOR
from tests.world.subsidy import AFTER_PUBLICITY, YEAR


async def test_an_approved_award_has_a_letter_for_its_enterprise_and_the_offices(
    market: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await world.publicised(market.database, market.officers)
    market.now = AFTER_PUBLICITY
    winner, other, eleventh = (market.sellers[place] for place in (0, 1, 10))
    found = await market.get("/subsidy/lines", run=str(run.id))
    lines = {(one["line"]["uscc"], one["line"]["clause"]): one["line"]["id"] for one in found["items"]}
    addresses = [
        f"/subsidy/lines/{lines[who.uscc, clause]}/letter"
        for who, clause in (
            (winner, "typical-case"),
            (other, "top-ten-turnover"),
            (eleventh, "top-ten-turnover"),
        )
    ]
    mine = market.client(acting_for(winner))
    early = await mine.get(addresses[0])
    assert (early.status_code, early.json()["code"]) == (409, "subsidy.award-undecided")
    async with market.database.transaction() as session:
        await suspend(session, other.id)
    await world.moved(market.database, market.officers, run, RunEvent.APPROVE, now=AFTER_PUBLICITY)
    letter = await mine.get(addresses[0])
    assert letter.status_code == 200, letter.text
    assert "金额为人民币1,000,000.00元（大写：壹佰万元整）" in letter.text
    assert f"你单位项目“模拟案例”获得{YEAR}年度" in letter.text
    assert "编号：" in letter.text
    assert letter.text.count("2025年1月27日") == 1
    assert (await market.client(AUDITOR).get(addresses[0])).content == letter.content
    assert (await mine.get(addresses[1])).status_code == 404
    for nothing in addresses[1:]:  # held, and not selected
        refused = await market.client(AUDITOR).get(nothing)
        assert (refused.status_code, refused.json()["code"]) == (409, "subsidy.award-undecided")
    monkeypatch.setenv("DATABASE_URL", market.database.url)
    out = tmp_path / "award.html"
    words = ["subsidy", "decision", lines[winner.uscc, "typical-case"], "--out", str(out)]
    told = await asyncio.to_thread(CliRunner().invoke, app, words)
    assert (told.exit_code, out.read_bytes()) == (0, letter.content), told.output
