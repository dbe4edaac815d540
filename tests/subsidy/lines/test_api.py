"""Lines over HTTP: what everyone, the enterprise and the reviewer may see of them, and why."""

from typing import Any

import pytest

from tests.subsidy.conftest import Market
from tests.world import subsidy as world
from tests.world.participants import acting_for
from tests.world.subsidy import YEAR


@pytest.mark.edge(69)
async def test_everyone_sees_the_publicised_awards_page_by_page(shown: tuple[Market, str]) -> None:
    market, _ = shown
    first = await market.get("/subsidy/awards", None, year=YEAR, limit=6)
    rest = await market.get("/subsidy/awards", None, year=YEAR, limit=6, after=first["next"])
    awards = first["items"] + rest["items"]
    assert rest["next"] is None
    assert [award["rank"] for award in awards] == [None, *range(1, 11)]
    assert awards[0]["amount_fen"] == 100_000_000
    assert awards[0]["project"] == "模拟案例"
    assert awards[1]["uscc"] == market.sellers[0].uscc
    assert not {key for award in awards for key in award if "bank" in key or "account" in key}


async def test_an_enterprise_sees_its_own_lines_and_why_and_nobody_elses(shown: tuple[Market, str]) -> None:
    market, run = shown
    eleventh = acting_for(market.sellers[10])
    [line] = (await market.get(f"/subsidy/runs/{run}/lines", eleventh))["items"]
    assert (line["rank"], line["amount_fen"], line["status"]) == (11, 0, "not_selected")
    told = await market.get(f"/subsidy/lines/{line['id']}/explanation", eleventh)
    assert "排名第 11" in told["zh"]
    assert "1,000,001 fen" not in told["en"]
    assert "10,000.01 yuan short" in told["en"]
    assert told["steps"][-1] == {"step": "final", "amount_fen": 0}
    stranger = market.client(acting_for(market.sellers[11]))
    assert (await stranger.get(f"/subsidy/lines/{line['id']}/explanation")).status_code == 404
    assert (await stranger.get(f"/subsidy/runs/{run}")).status_code == 403


async def test_before_publication_an_enterprise_sees_nothing(market: Market) -> None:
    hidden = await world.opened_run(market.database, market.officers)
    seller = market.client(acting_for(market.sellers[0]))
    assert (await seller.get(f"/subsidy/runs/{hidden.id}/lines")).status_code == 404


async def test_lines_are_filtered_and_paged_in_their_order(shown: tuple[Market, str]) -> None:
    market, run = shown
    path = f"/subsidy/runs/{run}/lines"
    near = await market.get(path, near_cut=True, limit=100)
    assert [line["rank"] for line in near["items"]] == [8, 9, 10, 11, 12, 13]
    clause = "top-ten-turnover"
    first = await market.get(path, clause=clause, limit=5)
    second = await market.get(path, clause=clause, limit=5, after=first["next"])
    assert [line["rank"] for line in first["items"] + second["items"]] == list(range(1, 11))
    held = await market.get(path, status="held")
    assert [line["candidate"] for line in held["items"]] == ["CASE-B"]


async def test_the_reviewer_is_shown_what_is_near_held_or_capped_and_why(shown: tuple[Market, str]) -> None:
    market, run = shown
    page = await market.get(f"/subsidy/runs/{run}/exceptions", limit=100)
    reasons = {
        item["line"]["candidate"]: [reason["flag"] for reason in item["reasons"]] for item in page["items"]
    }
    assert reasons.pop("CASE-A") == ["cap-bound"]
    assert reasons.pop("CASE-B") == ["held"]
    assert reasons == {seller.uscc: ["near_cut"] for seller in market.sellers[7:13]}
    assert page["rings"] == []


async def test_lines_are_found_by_a_part_of_a_name_sorted_by_size_and_handed_out_as_a_table(
    shown: tuple[Market, str],
) -> None:
    market, run = shown
    path = f"/subsidy/runs/{run}/lines"
    named = await market.get(path, text=market.sellers[3].uscc[4:].lower())
    assert {line["uscc"] for line in named["items"]} == {market.sellers[3].uscc}
    assert (await market.get(path, text="%"))["items"] == []
    for sort, figure in (("amount", "amount_fen"), ("base", "base_fen")):
        pages: list[dict[str, Any]] = []
        after = None
        while after or not pages:
            pages.append(await market.get(path, sort=sort, limit=4, **({"after": after} if after else {})))
            after = pages[-1]["next"]
        lines = [line for page in pages for line in page["items"]]
        assert len({line["id"] for line in lines}) == len((await market.get(path, limit=100))["items"])
        figures = [-1 if line[figure] is None else line[figure] for line in lines]
        assert figures == sorted(figures, reverse=True)
    seller = acting_for(market.sellers[10])
    table = await market.client(seller).get(f"{path}.csv", params={"sort": "amount"})
    rows = table.text.splitlines()
    assert table.headers["content-type"].startswith("text/csv")
    assert (len(rows), rows[1].split(",")[1]) == (2, market.sellers[10].uscc)
