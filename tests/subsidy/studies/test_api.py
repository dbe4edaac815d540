"""Studies over HTTP: what if, drift, comparison, the workbook; none of them changes a run."""

import io
from datetime import timedelta

from openpyxl import load_workbook

from datamarket.foundation.money import Fen
from tests.subsidy.conftest import HASHES, SELLERS, Market
from tests.world import subsidy as world
from tests.world.people import AUDITOR, enrol
from tests.world.subsidy import AFTER_YEAR
from tests.world.trading import refund


async def test_a_late_refund_drifts_and_leaves_the_run_as_it_was(market: Market) -> None:
    run = str((await world.publicised(market.database, market.officers)).id)
    before = await market.get(f"/subsidy/runs/{run}")
    calm = await market.get(f"/subsidy/runs/{run}/drift")
    assert calm["drifted"] is False
    leader = market.agreements[0]
    trades = await market.get("/trades", leader.provider_account)
    late = AFTER_YEAR + timedelta(days=1)
    await refund(market.database, leader, trades["items"][0]["id"], Fen(80_000_000), at=late)
    market.now = late + timedelta(days=1)
    drift = await market.get(f"/subsidy/runs/{run}/drift")
    assert drift["drifted"] is True
    [base] = drift["bases"]
    assert (base["candidate"], base["before_fen"], base["after_fen"]) == (
        market.sellers[0].uscc,
        90_000_000,
        10_000_000,
    )
    moves = {change["candidate"]: change["move"] for change in drift["comparison"]["changes"]}
    assert moves == {market.sellers[0].uscc: "left", market.sellers[10].uscc: "entered"}
    assert await market.get(f"/subsidy/runs/{run}") == before


async def test_what_if_needs_no_key_changes_nothing_and_says_who_moves(shown: tuple[Market, str]) -> None:
    market, run = shown
    client = market.client(AUDITOR)
    await enrol(market.database, AUDITOR)
    client.event_hooks["request"] = []
    body = {"run_id": run, "set": {"top-ten-turnover.select.top": 11}}
    answer = await client.post("/subsidy/what-if", json=body)
    assert answer.status_code == 200, answer.text
    comparison = answer.json()["comparison"]
    [change] = comparison["changes"]
    assert (change["candidate"], change["move"], change["reason"]) == (
        market.sellers[10].uscc,
        "entered",
        "rank-in",
    )
    assert comparison["delta_fen"] == change["after_fen"] == 800_000
    assert comparison["moves"]["unchanged"] == SELLERS + 2
    unknown = await client.post("/subsidy/what-if", json={"run_id": run, "set": {"valid.from": "2020-01-01"}})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "subsidy.reform-path-unknown")
    dated = {"typical-case.rate": {"2024-01-01": 0.4}}
    floating = await client.post("/subsidy/what-if", json={"run_id": run, "set": dated})
    assert (floating.status_code, floating.json()["code"]) == (422, "subsidy.reform-invalid")


async def test_a_run_compared_with_itself_moves_nobody(shown: tuple[Market, str]) -> None:
    market, run = shown
    same = await market.get(f"/subsidy/runs/{run}/compare/{run}")
    assert (same["delta_fen"], same["notice"], same["changes"]) == (0, "no-effect", [])


async def test_the_workbook_holds_every_line_to_the_fen(shown: tuple[Market, str]) -> None:
    market, run = shown
    answer = await market.client(AUDITOR).get(f"/subsidy/runs/{run}/export.xlsx")
    assert answer.status_code == 200
    assert all(answer.headers[name] for name in HASHES)
    book = load_workbook(io.BytesIO(answer.content), read_only=True)
    rows = list(book["明细 lines"].iter_rows(values_only=True))
    first = next(row for row in rows if row[1] == market.sellers[0].uscc)
    assert (first[6], first[11]) == (900000, 9000)


async def test_a_grid_gives_in_each_cell_what_its_single_study_gives(shown: tuple[Market, str]) -> None:
    market, run = shown
    client = market.client(AUDITOR)
    rates, caps = {"first": "0.5%", "step": "0.5%", "count": 3}, {"first": "7000", "step": "500", "count": 2}
    body = {"run_id": run, "clause": "top-ten-turnover", "rates": rates, "caps": caps}
    answer = await client.post("/subsidy/what-if/grid", json=body)
    assert answer.status_code == 200, answer.text
    grid = answer.json()
    assert (grid["rates"], grid["caps_fen"]) == (["0.5%", "1%", "1.5%"], [700_000, 750_000])
    for row, rate in enumerate(grid["rates"]):
        for column, cap in enumerate(("7000.00", "7500.00")):
            changes = {"top-ten-turnover.rate": rate, "top-ten-turnover.cap": cap}
            arm = (await client.post("/subsidy/what-if", json={"run_id": run, "set": changes})).json()
            arm = arm["comparison"]
            bound = sum(clause["cap_bound_after"] for clause in arm["clauses"] if "top" in clause["clause"])
            figures = [grid[name][row][column] for name in ("total_fen", "recipients", "cap_bound")]
            assert figures == [arm["after_fen"], arm["recipients_after"], bound]
    unknown = await client.post("/subsidy/what-if/grid", json=body | {"clause": "nothing"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "subsidy.reform-path-unknown")
    beyond = await client.post("/subsidy/what-if/grid", json=body | {"rates": rates | {"first": "100%"}})
    assert (beyond.status_code, beyond.json()["code"]) == (422, "subsidy.reform-invalid")
