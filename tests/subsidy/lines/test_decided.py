"""The decided run: one public list a year and scheme, which a year is answered from until another supersedes it."""

import pytest

from datamarket.auth.terms import Role
from tests.subsidy.conftest import Market
from tests.world import subsidy as world
from tests.world.participants import acting_for, suspend
from tests.world.people import actor
from tests.world.subsidy import AFTER_PUBLICITY, CITY, MARCH, YEAR

CLAUSE = "top-ten-turnover"


async def reviewed(market: Market, **more: object) -> str:
    """A second run, of books in which the eleventh has overtaken all, up to its reviewer."""
    on = await world.stage(market.database)
    await world.sells(on, market.sellers[10], 90_000_000, at=MARCH)
    body = {"scheme": CITY, "year": YEAR, **more}
    opened = await market.client(market.officers.calculator).post("/subsidy/runs", json=body)
    assert opened.status_code == 201, opened.text
    run: str = opened.json()["id"]
    for event in ("snapshot", "calculate", "submit"):
        moved = await market.send(market.officers.calculator, run, event)
        assert moved.status_code == 200, moved.text
    return run


async def test_a_second_run_of_a_year_is_a_study_and_the_year_is_answered_from_the_public_list(
    market: Market,
) -> None:
    decided = str((await world.publicised(market.database, market.officers)).id)
    tenth, eleventh = acting_for(market.sellers[9]), acting_for(market.sellers[10])
    study = await reviewed(market)
    refused = await market.send(market.officers.reviewer, study, "publicise")
    assert (refused.status_code, refused.json()["code"]) == (409, "subsidy.run-decided-already")
    runs = await market.get("/subsidy/runs", year=YEAR, decided=True)
    assert [run["id"] for run in runs["items"]] == [decided]
    [paid] = (await market.get("/subsidy/lines", tenth, year=YEAR))["items"]
    assert (paid["line"]["rank"], paid["line"]["status"]) == (10, "proposed")
    [left_out] = (await market.get("/subsidy/lines", eleventh))["items"]
    assert (left_out["line"]["rank"], "排名第 11" in left_out["zh"]) == (11, True)
    told = await market.get(f"/subsidy/lines/{left_out['line']['id']}/explanation", eleventh)
    assert told["zh"] == left_out["zh"]
    for hidden in ({"run": study}, {"year": YEAR - 1}):
        answer = await market.client(tenth).get("/subsidy/lines", params=hidden)
        assert answer.status_code == 404
    assert len((await market.get("/subsidy/awards", None, year=YEAR, limit=100))["items"]) == 11


async def test_an_ineligible_enterprise_is_given_its_line_and_the_reason(market: Market) -> None:
    async with market.database.transaction() as session:
        await suspend(session, market.sellers[0].id)
    await world.publicised(market.database, market.officers)
    own = await market.get("/subsidy/lines", acting_for(market.sellers[0]), year=YEAR)
    assert {item["line"]["status"] for item in own["items"]} == {"ineligible"}
    assert all("资格未被暂停" in item["zh"] for item in own["items"])
    asked = await market.get("/subsidy/lines", year=YEAR, enterprise=market.sellers[0].uscc)
    assert [item["line"]["id"] for item in asked["items"]] == [item["line"]["id"] for item in own["items"]]


async def test_a_list_takes_the_place_of_the_public_one_with_a_reason_and_the_old_one_names_it(
    market: Market,
) -> None:
    old = str((await world.publicised(market.database, market.officers)).id)
    new = await reviewed(market, supersedes=old)
    awards = await market.get("/subsidy/awards", None, year=YEAR, limit=100)
    assert {award["superseded_by"] for award in awards["items"]} == {None}
    silent = await market.send(market.officers.reviewer, new, "publicise")
    assert (silent.status_code, silent.json()["code"]) == (422, "subsidy.reason-missing")
    shown = await market.send(market.officers.reviewer, new, "publicise", reason="异议成立，补记一笔交易")
    assert (shown.status_code, shown.json()["supersedes_id"]) == (200, old), shown.text
    was = await market.get(f"/subsidy/runs/{old}")
    assert (was["state"], was["superseded_by_id"]) == ("superseded", new)
    [*_, last] = (await market.get(f"/subsidy/runs/{old}/events"))["items"]
    assert (last["event"], last["reason"]) == ("supersede", "异议成立，补记一笔交易")
    public = await market.get("/subsidy/awards", None, year=YEAR, limit=100)
    assert market.sellers[10].uscc in {award["uscc"] for award in public["items"]}
    gone = await market.get("/subsidy/awards", None, year=YEAR, limit=100, superseded=True)
    assert {award["superseded_by"] for award in gone["items"]} == {new}
    paid = await market.client(market.officers.calculator).post(
        "/subsidy/runs", json={"scheme": CITY, "year": YEAR, "supersedes": old}
    )
    assert (paid.status_code, paid.json()["code"]) == (409, "state.transition-not-allowed")


@pytest.mark.parametrize("event", ["release", "forgo"])
async def test_a_held_award_says_why_and_who_acts_next_and_is_released_or_forgone(
    market: Market, event: str
) -> None:
    hands, seller = market.officers, market.sellers[1]
    run = str((await world.publicised(market.database, hands)).id)
    async with market.database.transaction() as session:
        await suspend(session, seller.id)
    market.now = AFTER_PUBLICITY
    assert (await market.send(hands.approver, run, "approve")).status_code == 200
    [line] = (await market.get("/subsidy/lines", acting_for(seller), year=YEAR))["items"]
    hold = line["line"]["hold"]
    assert (hold["state_zh"], hold["cause_zh"], hold["next"]) == ("已暂缓", "主体已暂停", "finance")
    path = f"/subsidy/runs/{run}/holds/{hold['id']}"
    assert (await market.get(f"{path}/allowed-events", hands.payer))["events"] == ["release", "forgo"]
    assert (await market.get(f"{path}/allowed-events", hands.approver))["events"] == []
    client = market.client(hands.payer)
    stale = await client.post(f"{path}/events", json={"event": event}, headers={"If-Match": '"9"'})
    assert stale.status_code == 412
    done = await client.post(f"{path}/events", json={"event": event, "reason": "核查完毕"})
    if event == "release":
        assert (done.status_code, done.json()["code"]) == (409, "subsidy.awardee-suspended")
    else:
        assert (done.json()["state"], done.json()["next"]) == ("forgone", None)
    [held] = (await market.get(f"/subsidy/runs/{run}/holds"))["items"]
    assert held["line_id"] == line["line"]["id"]
    held_award = [
        a for a in (await market.get("/subsidy/awards", None, year=YEAR, limit=100))["items"] if a["held"]
    ]
    assert [award["uscc"] for award in held_award] == [seller.uscc]
    other = await market.client(actor(Role.AUTHORITY)).post(f"{path}/events", json={"event": "release"})
    assert other.status_code == 403
