"""Counts by state, and what the lines of a run come to."""

from datamarket.auth.terms import Role
from tests.subsidy.conftest import Market
from tests.world.people import AUTHORITY, actor


async def test_the_desk_is_counted_by_state_and_a_run_by_clause_and_status(shown: tuple[Market, str]) -> None:
    market, run = shown
    tallies = (await market.get("/subsidy/tallies"))["tallies"]
    assert ("run", "publicised", "公示中") in {
        (one["thing"], one["state"], one["state_zh"]) for one in tallies
    }
    totals = (await market.get(f"/subsidy/runs/{run}/totals"))["totals"]
    found = await market.get(f"/subsidy/runs/{run}")
    assert sum(one["amount_fen"] for one in totals) == found["total_fen"]
    lines = (await market.get(f"/subsidy/runs/{run}/lines", limit=100))["items"]
    assert {(one["clause"], one["status"], one["lines"]) for one in totals} == {
        (clause, status, sum((line["clause"], line["status"]) == (clause, status) for line in lines))
        for clause, status in {(line["clause"], line["status"]) for line in lines}
    }
    assert found["next"] == ["authority", "finance"]
    assert (await market.client(actor(Role.PROVIDER)).get("/subsidy/tallies")).status_code == 403
    assert (await market.client(AUTHORITY).get("/subsidy/tallies")).status_code == 200
