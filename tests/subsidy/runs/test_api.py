"""A run over HTTP: through all hands, once, and never by the wrong one."""

import asyncio

from datamarket.auth.terms import Role
from tests.subsidy.conftest import HASHES, Market
from tests.world import subsidy as world
from tests.world.participants import acting_for
from tests.world.people import ADMIN, AUDITOR, actor, unique
from tests.world.subsidy import AFTER_PUBLICITY, CITY, YEAR


async def reviewed(market: Market) -> str:
    """A run that waits for its reviewer."""
    hands = market.officers
    opened = await market.client(hands.calculator).post("/subsidy/runs", json={"scheme": CITY, "year": YEAR})
    assert opened.status_code == 201, opened.text
    run: str = opened.json()["id"]
    for event, state in (
        ("snapshot", "snapshotted"),
        ("calculate", "calculated"),
        ("submit", "under_review"),
    ):
        moved = await market.send(hands.calculator, run, event)
        assert (moved.status_code, moved.json().get("state")) == (200, state), moved.text
    assert all(moved.headers[name] for name in HASHES)
    return run


async def test_a_run_passes_through_all_hands_from_draft_to_bank(market: Market) -> None:
    hands, run = market.officers, await reviewed(market)
    assert (await market.get("/subsidy/awards", None, year=YEAR))["items"] == []
    publicised = (await market.send(hands.reviewer, run, "publicise")).json()
    assert (publicised["publicity_from"], publicised["publicity_to"]) == ("2025-01-20", "2025-01-26")
    market.now = AFTER_PUBLICITY
    for who, event, state in (
        (hands.approver, "approve", "approved"),
        (hands.payer, "post", "posted"),
        (hands.payer, "pay", "paying"),
        (hands.payer, "close", "closed"),
    ):
        if event == "close":
            refused = await market.send(who, run, event)
            assert "11 awards are on their way" in refused.json()["detail"], refused.text
            assert refused.json()["code"] == "subsidy.awards-unpaid"
            await market.bank_answers(run)
        moved = await market.send(who, run, event)
        assert (moved.status_code, moved.json().get("state")) == (200, state), moved.text
    again = await market.send(hands.payer, run, "post")
    assert (again.status_code, again.json()["code"]) == (409, "state.transition-not-allowed")
    events = await market.get(f"/subsidy/runs/{run}/events")
    assert [event["event"] for event in events["items"]][-3:] == ["pay", "settle", "close"]
    lines = await market.get(f"/subsidy/runs/{run}/lines", status="paid", limit=100)
    assert {line["payment"] for line in lines["items"]} == {"subsidy_paid"}
    seller = acting_for(market.sellers[0])
    accounts = await market.get("/ledger/accounts", seller, kind="subsidy_payable")
    assert [account["balance_fen"] for account in accounts["items"]] == [0]


async def test_no_hand_does_the_work_of_the_next_and_nobody_approves_before_the_publicity_is_over(
    market: Market,
) -> None:
    hands, run = market.officers, await reviewed(market)
    own = await market.send(hands.calculator, run, "publicise")
    assert (own.status_code, own.json()["code"]) == (409, "subsidy.duties-not-separate")
    assert (await market.send(hands.reviewer, run, "publicise")).status_code == 200
    early = await market.send(hands.approver, run, "approve")
    assert (early.status_code, early.json()["code"]) == (409, "subsidy.publicity-running")
    assert "2025-01-26" in early.json()["detail"]
    market.now = AFTER_PUBLICITY
    reviewer_again = await market.send(hands.reviewer, run, "approve")
    assert reviewer_again.json()["code"] == "subsidy.duties-not-separate"
    unpermitted = await market.send(hands.reviewer, run, "post")
    assert (unpermitted.status_code, unpermitted.json()["code"]) == (403, "subsidy.event-not-permitted")


async def test_two_approvals_at_once_over_http_approve_once(market: Market) -> None:
    run = str((await world.publicised(market.database, market.officers)).id)
    market.now = AFTER_PUBLICITY
    officers = [market.officers.approver, actor(Role.FINANCE), actor(Role.AUTHORITY)]
    answers = await asyncio.gather(*(market.send(officer, run, "approve") for officer in officers))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]


async def test_a_stale_tag_moves_nothing(market: Market) -> None:
    client = market.client(market.officers.calculator)
    opened = await client.post("/subsidy/runs", json={"scheme": CITY, "year": YEAR})
    path = f"/subsidy/runs/{opened.json()['id']}/events"
    tag = {"If-Match": opened.headers["ETag"]}
    assert (await client.post(path, json={"event": "snapshot"}, headers=tag)).status_code == 200
    stale = await client.post(path, json={"event": "calculate"}, headers=tag)
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition.stale")


async def test_the_same_key_calculates_once_and_answers_twice(market: Market) -> None:
    client = market.client(market.officers.calculator)
    run = (await client.post("/subsidy/runs", json={"scheme": CITY, "year": YEAR})).json()["id"]
    await market.send(market.officers.calculator, run, "snapshot")
    key = {"Idempotency-Key": unique("calc")}
    path = f"/subsidy/runs/{run}/events"
    first, second = [await client.post(path, json={"event": "calculate"}, headers=key) for _ in range(2)]
    assert first.status_code == 200, first.text
    assert first.content == second.content
    assert second.headers["Idempotency-Replayed"] == "true"


async def test_a_rejection_needs_a_reason_and_ends_the_run(market: Market) -> None:
    run = str((await world.publicised(market.database, market.officers)).id)
    unfounded = await market.send(market.officers.reviewer, run, "reject")
    assert (unfounded.status_code, unfounded.json()["code"]) == (422, "subsidy.reason-missing")
    rejected = await market.send(market.officers.reviewer, run, "reject", reason="公示期收到实名异议")
    assert rejected.json()["state"] == "rejected"
    assert (await market.get("/subsidy/awards", None, year=YEAR))["items"] == []
    assert (await market.get(f"/subsidy/runs/{run}/allowed-events"))["events"] == []


async def test_runs_are_listed_for_overseers_only(shown: tuple[Market, str]) -> None:
    market, run = shown
    listed = await market.get("/subsidy/runs", scheme=CITY, year=YEAR, state="publicised")
    assert [item["id"] for item in listed["items"]] == [run]
    assert listed["items"][0]["state_zh"] == "公示中"
    for who, status in ((ADMIN, 403), (acting_for(market.sellers[0]), 403), (None, 401)):
        assert (await market.client(who).get("/subsidy/runs")).status_code == status


async def test_allowed_events_are_those_this_actor_may_cause(shown: tuple[Market, str]) -> None:
    market, run = shown
    path = f"/subsidy/runs/{run}/allowed-events"
    assert (await market.get(path, market.officers.approver))["events"] == ["approve", "reject"]
    assert (await market.get(path, market.officers.calculator))["events"] == []
    assert (await market.get(path, AUDITOR))["events"] == []


async def test_a_run_of_an_unknown_scheme_or_year_is_refused(shown: tuple[Market, str]) -> None:
    market, _ = shown
    client = market.client(market.officers.calculator)
    unknown = await client.post("/subsidy/runs", json={"scheme": "no-such", "year": YEAR})
    assert unknown.status_code == 404
    before = await client.post("/subsidy/runs", json={"scheme": CITY, "year": 2023})
    assert (before.status_code, before.json()["code"]) == (409, "subsidy.year-not-covered")
    by_hand = await market.send(market.officers.calculator, str(unique_run()), "supersede")
    assert by_hand.status_code == 422


def unique_run() -> object:
    return actor(Role.AUDITOR).account_id
