"""Studies under an address: asked once, kept with their files, cited; the same bytes ever after."""

import io
from typing import Any

import asyncpg
import httpx
import pytest
from openpyxl import load_workbook

from datamarket.auth.terms import Role
from datamarket.foundation.settings import Settings
from datamarket.server.app import create_app
from tests.conftest import client_of
from tests.subsidy.conftest import Market
from tests.world.people import AUDITOR, AUTHORITY, actor

STUDIES = "/subsidy/studies"
FILES = ("study.csv", "study.xlsx", "chart.svg", "chart.png")
TOP = "top-ten-turnover"


async def kept(market: Market, run: str, **question: Any) -> httpx.Response:
    return await market.client(AUTHORITY).post(STUDIES, json={"run_id": run, **question})


async def test_a_study_of_the_eleventh_is_kept_once_cited_and_the_same_after_a_restart(
    shown: tuple[Market, str], settings: Settings
) -> None:
    market, run = shown
    before = await market.get(f"/subsidy/runs/{run}")
    question = {"set": {"facts.left-out": [market.sellers[2].uscc]}}
    made = await kept(market, run, **question)
    assert made.status_code == 201, made.text
    study = made.json()
    moved = {
        row["candidate"]: row["reason"]
        for row in study["comparison"]["changes"]
        if row["move"] != "unchanged"
    }
    assert moved == {market.sellers[2].uscc: "left-out", market.sellers[10].uscc: "rank-in"}
    assert study["citation"]["zh"].count(study["sha256"]) == 1
    assert f"/api/v1{STUDIES}/{study['id']}" in study["citation"]["en"]
    assert (await kept(market, run, **question)).json() == study
    address = f"{STUDIES}/{study['id']}"
    files = [(await market.client(AUDITOR).get(f"{address}/{name}")).content for name in FILES]
    restarted = client_of(
        create_app(settings, market.database, read_clock=lambda: market.now), AUDITOR, market.now
    )
    market.clients.append(restarted)
    assert (await restarted.get(address)).json() == study
    assert [(await restarted.get(f"{address}/{name}")).content for name in FILES] == files
    assert "不再获得 left" in files[0].decode()
    assert "测算，不是决定" in files[2].decode()
    assert files[3].startswith(b"\x89PNG")
    assert load_workbook(io.BytesIO(files[1])).sheetnames == ["测算 study", "变化 changes", "名次 ranks"]
    assert await market.get(f"/subsidy/runs/{run}") == before


async def test_a_range_tells_its_kinks_a_budget_its_rate_and_a_grid_what_is_affordable(
    shown: tuple[Market, str],
) -> None:
    market, run = shown
    over = {"path": f"{TOP}.rate", "first": "20%", "step": "5%", "count": 4}
    curve = (await kept(market, run, range=over)).json()["curve"]
    assert [point["value"] for point in curve["points"]] == ["20%", "25%", "30%", "35%"]
    # 90 million fen at 2/9 is the cap of twenty million.
    assert (curve["kinks"][0]["rate"], curve["kinks"][0]["effect"]) == ("2/9", "cap-bound")
    met = (await kept(market, run, meet={"clause": TOP, "budget": "1000000.00"})).json()["meeting"]
    assert met["cost_fen"] <= met["budget_fen"] < met["next_cost_fen"]
    rates, caps = {"first": "1%", "step": "1%", "count": 3}, {"first": "5000", "step": "5000", "count": 2}
    asked = {"clause": TOP, "rates": rates, "caps": caps, "budget": "1100000"}
    grid = (await kept(market, run, grid=asked)).json()["grid"]
    assert (len(grid["total_fen"]), grid["caps"]) == (3, ["5000.00", "10000.00"])
    page = await market.get(STUDIES, run_id=run, limit=2)
    assert (len(page["items"]), page["next"] is None) == (2, False)
    assert "comparison" not in page["items"][0]
    older = await market.get(STUDIES, run_id=run, limit=2, after=page["next"])
    assert older["items"][0]["id"] < page["items"][1]["id"]


@pytest.mark.parametrize(
    ("question", "code", "said"),
    [
        ({"set": {"facts.weather": "fine"}}, "subsidy.reform-path-unknown", "facts.left-out"),
        ({"set": {"facts.left-out": ["NOBODY"]}}, "subsidy.fact-change-invalid", "NOBODY"),
        ({"set": {"facts.left-out": "X"}}, "subsidy.fact-change-invalid", "facts.left-out"),
        ({"set": {"facts.tax": "six"}}, "subsidy.fact-change-invalid", "6%"),
        ({"set": {"facts.tax": "0%"}}, "subsidy.reform-changes-nothing", ""),
        ({"set": {"facts.party": "both"}}, "subsidy.fact-change-invalid", "buyer"),
        ({}, "subsidy.question-unclear", "meet"),
        ({"range": {"path": f"{TOP}.rate", "first": "1%", "step": "0%", "count": 2}}, "subsidy.question-unclear", "0%"),
        ({"range": {"path": f"{TOP}.rate", "first": "1.00", "step": "1", "count": 3}}, "subsidy.reform-invalid", "100%"),
        ({"range": {"path": f"{TOP}.floor", "first": "1", "step": "1", "count": 2}}, "subsidy.range-path-unknown", "cap"),
        ({"meet": {"clause": "nothing", "budget": "1"}}, "subsidy.range-path-unknown", "nothing"),
        ({"meet": {"clause": TOP, "budget": "1"}}, "subsidy.budget-not-met", "0%"),
    ],
)  # fmt: skip
async def test_what_is_not_declared_or_cannot_be_is_refused_by_its_own_code(
    shown: tuple[Market, str], question: dict[str, Any], code: str, said: str
) -> None:
    market, run = shown
    answer = await kept(market, run, **question)
    assert (answer.json()["code"], said in answer.text) == (code, True), answer.text


async def test_a_study_is_kept_by_those_who_calculate_read_by_overseers_and_never_changed(
    shown: tuple[Market, str],
) -> None:
    market, run = shown
    question = {"set": {f"{TOP}.select.top": {"2030-01-01": 3}}}
    assert (await market.client(AUDITOR).post(STUDIES, json={"run_id": run, **question})).status_code == 403
    study = (await kept(market, run, **question)).json()
    assert study["comparison"]["notice"]["code"] == "no-effect"
    address = f"{STUDIES}/{study['id']}"
    assert (await market.client(actor(Role.PROVIDER)).get(address)).status_code == 403
    owner = await asyncpg.connect(market.database.url)
    forged = (
        "UPDATE subsidy_study_file SET content = content || 'x' WHERE study_id = $1 AND name = 'study.csv'"
    )
    await owner.execute(forged, study["id"])
    await owner.close()
    refused = await market.client(AUDITOR).get(f"{address}/study.csv")
    assert (refused.status_code, refused.json()["code"]) == (409, "subsidy.study-tampered")
