"""The subsidy desk over HTTP: a run through all hands, what each caller may see, studies that change nothing."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest_asyncio
from fastapi import FastAPI
from openpyxl import load_workbook

from datamarket.auth.terms import Actor, Role
from datamarket.foundation.db import Database
from datamarket.foundation.money import Fen
from datamarket.foundation.settings import Settings
from datamarket.migrations.apply import create_database, drop_database, migrate
from datamarket.participants.tables import Participant
from datamarket.server.app import create_app
from datamarket.subsidy.register import actions as register_actions
from datamarket.subsidy.scheme import files as scheme_files
from tests.conftest import ClientFor, client_of
from tests.world import subsidy as world
from tests.world.books import assert_books_hold
from tests.world.participants import acting_for
from tests.world.people import ADMIN, AUDITOR, AUTHORITY, FINANCE, actor, unique
from tests.world.subsidy import AFTER_PUBLICITY, AFTER_YEAR, CITY, YEAR, Officers
from tests.world.trading import Agreement, refund

MARCH = datetime(YEAR, 3, 1, 4, tzinfo=UTC)
SELLERS = 13
HASHES = ("X-Scheme-SHA256", "X-Snapshot-SHA256", "X-Engine")


@dataclass
class Market:
    """A market after its year: thirteen sellers, the first richest, and an application whose clock can be set."""

    app: FastAPI
    database: Database
    sellers: list[Participant]
    agreements: list[Agreement]
    officers: Officers = field(default_factory=Officers)
    now: datetime = AFTER_YEAR
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def client(self, who: Actor | None) -> httpx.AsyncClient:
        client = client_of(self.app, who, self.now)
        self.clients.append(client)
        return client

    async def send(self, who: Actor, run: str, event: str, **more: Any) -> httpx.Response:
        return await self.client(who).post(f"/subsidy/runs/{run}/events", json={"event": event, **more})

    async def get(self, path: str, who: Actor | None = AUDITOR, **query: Any) -> Any:
        answer = await self.client(who).get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest_asyncio.fixture(scope="module")
async def server(server_url: str, worker_id: str) -> AsyncIterator[Callable[[str], Any]]:
    """Makes databases for this module, and removes them."""
    names: list[str] = []

    async def make(name: str) -> Database:
        names.append(f"datamarket_{name}_{worker_id}")
        await drop_database(server_url, names[-1])
        url = await create_database(server_url, names[-1])
        await migrate(url)
        return await Database(url, 6).open()

    yield make
    for name in names:
        await drop_database(server_url, name)


async def market_on(database: Database, settings: Settings) -> Market:
    on = await world.stage(database)
    sellers, agreements = [], []
    for place in range(SELLERS):
        seller = await world.enterprise(database)
        agreement, _ = await world.sells(on, seller, 90_000_000 - 1_000_001 * place, at=MARCH)
        sellers.append(seller)
        agreements.append(agreement)
    await world.case(database, sellers[0], code="CASE-A", investment_fen=500_000_000)
    await world.case(database, sellers[12], code="CASE-B", verified=False)
    async with database.transaction() as session:
        await register_actions.load_shipped_schemes(session, AUTHORITY, now=AFTER_YEAR)
    market: Market
    app = create_app(settings, database, read_clock=lambda: market.now)
    market = Market(app, database, sellers, agreements)
    return market


@pytest_asyncio.fixture
async def market(fresh_database: Database, settings: Settings) -> AsyncIterator[Market]:
    """A market of the test's own."""
    made = await market_on(fresh_database, settings)
    yield made
    for client in made.clients:
        await client.aclose()
    await assert_books_hold(fresh_database.url)


@pytest_asyncio.fixture(scope="module")
async def shown(server: Callable[[str], Any], settings: Settings) -> AsyncIterator[tuple[Market, str]]:
    """A market with one publicised run, which no test moves."""
    database = await server("subsidy_shown")
    made = await market_on(database, settings)
    run = await world.publicised(database, made.officers)
    yield made, str(run.id)
    for client in made.clients:
        await client.aclose()
    await database.close()


async def test_a_run_passes_through_all_hands_from_draft_to_bank(market: Market) -> None:
    hands = market.officers
    opened = await market.client(hands.calculator).post("/subsidy/runs", json={"scheme": CITY, "year": YEAR})
    assert opened.status_code == 201, opened.text
    run = opened.json()["id"]
    for event, state in (
        ("snapshot", "snapshotted"),
        ("calculate", "calculated"),
        ("submit", "under_review"),
    ):
        moved = await market.send(hands.calculator, run, event)
        assert (moved.status_code, moved.json().get("state")) == (200, state), moved.text
    assert all(moved.headers[name] for name in HASHES)
    own = await market.send(hands.calculator, run, "publicise")
    assert (own.status_code, own.json()["code"]) == (409, "subsidy.duties-not-separate")
    assert (await market.get("/subsidy/awards", None, year=YEAR))["items"] == []
    publicised = (await market.send(hands.reviewer, run, "publicise")).json()
    assert (publicised["publicity_from"], publicised["publicity_to"]) == ("2025-01-20", "2025-01-27")
    early = await market.send(hands.approver, run, "approve")
    assert (early.status_code, early.json()["code"]) == (409, "subsidy.publicity-running")
    assert "2025-01-27" in early.json()["detail"]
    market.now = AFTER_PUBLICITY
    reviewer_again = await market.send(hands.reviewer, run, "approve")
    assert reviewer_again.json()["code"] == "subsidy.duties-not-separate"
    unpermitted = await market.send(hands.reviewer, run, "post")
    assert (unpermitted.status_code, unpermitted.json()["code"]) == (403, "subsidy.event-not-permitted")
    for who, event, state in (
        (hands.approver, "approve", "approved"),
        (hands.payer, "post", "posted"),
        (hands.payer, "pay", "paid"),
        (hands.payer, "close", "closed"),
    ):
        moved = await market.send(who, run, event)
        assert (moved.status_code, moved.json().get("state")) == (200, state), moved.text
    again = await market.send(hands.payer, run, "post")
    assert (again.status_code, again.json()["code"]) == (409, "state.transition-not-allowed")
    events = await market.get(f"/subsidy/runs/{run}/events")
    assert [event["event"] for event in events["items"]][-3:] == ["post", "pay", "close"]
    lines = await market.get(f"/subsidy/runs/{run}/lines", status="proposed", limit=100)
    assert {line["payment"] for line in lines["items"]} == {"subsidy_paid"}
    seller = acting_for(market.sellers[0])
    accounts = await market.get("/ledger/accounts", seller, kind="subsidy_payable")
    assert [account["balance_fen"] for account in accounts["items"]] == [0]


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


async def test_what_if_needs_no_key_changes_nothing_and_says_who_moves(shown: tuple[Market, str]) -> None:
    market, run = shown
    client = market.client(AUDITOR)
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


async def test_a_scheme_version_is_proposed_by_one_and_approved_by_another(market: Market) -> None:
    editor, approver = market.client(market.officers.calculator), market.client(market.officers.reviewer)
    path = f"/subsidy/schemes/{CITY}/versions"
    text = scheme_files.shipped_scheme(CITY).decode()
    faulty = await editor.post(path, json={"content": text.replace('"30%"', "0.3", 1)})
    line = text[: text.index('"30%"')].count("\n") + 1
    assert (faulty.status_code, faulty.json()["code"]) == (422, "subsidy.scheme-invalid")
    assert f"line {line} " in faulty.json()["detail"]
    other = await editor.post(path, json={"content": text.replace(f"id: {CITY}", "id: another", 1)})
    assert other.json()["code"] == "subsidy.scheme-id-differs"
    same = await editor.post(path, json={"content": text})
    assert (same.status_code, same.json()["code"]) == (409, "subsidy.version-taken")
    changed = text.replace('{2024-01-01: "1%"}', '{2024-01-01: "1.5%"}')
    drafted = await editor.post(path, json={"content": changed})
    assert (drafted.status_code, drafted.json()["n"]) == (201, 2), drafted.text
    twice = await editor.post(path, json={"content": changed + "# again\n"})
    assert (twice.status_code, twice.json()["code"]) == (409, "subsidy.draft-open")
    own = await editor.post(f"{path}/2/events", json={"event": "approve"})
    assert (own.status_code, own.json()["code"]) == (409, "subsidy.own-scheme")
    approved = await approver.post(f"{path}/2/events", json={"event": "approve"})
    assert approved.json()["state"] == "approved", approved.text
    versions = (await approver.get(path)).json()["items"]
    assert [(version["n"], version["state"]) for version in versions] == [(2, "approved"), (1, "retired")]
    assert (await approver.get(f"{path}/2/file")).text == changed
    assert (await approver.get(f"{path}/2/schema")).json()["title"] == "Scheme"
    opened = await editor.post("/subsidy/runs", json={"scheme": CITY, "year": YEAR})
    assert opened.json()["scheme_version"] == 2


async def test_a_budget_is_set_by_finance_and_shown(market: Market) -> None:
    path = f"/subsidy/schemes/{CITY}/budgets"
    assert (await market.client(AUTHORITY).post(f"{path}/{YEAR}", json={"amount_fen": 1})).status_code == 403
    answer = await market.client(FINANCE).post(f"{path}/{YEAR}", json={"amount_fen": 500_000_000})
    assert answer.status_code == 201
    [budget] = (await market.get(path))["items"]
    assert (budget["amount_fen"], budget["committed_fen"]) == (500_000_000, 0)


async def test_a_case_is_registered_once_verified_once_and_seen_by_its_own_enterprise(
    database: Database, client_for: ClientFor
) -> None:
    owner, stranger = await world.enterprise(database), await world.enterprise(database)
    authority = client_for(AUTHORITY)
    body = {
        "code": unique("CASE"),
        "enterprise_id": str(owner.id),
        "title_zh": "海洋气象数据",
        "title_en": "Ocean weather",
        "field": "ocean",
        "level": "national",
        "listed_on": "2024-05-24",
        "investment_fen": 333_333_333,
    }
    made = await authority.post("/subsidy/cases", json=body)
    assert made.status_code == 201, made.text
    again = await authority.post("/subsidy/cases", json=body | {"enterprise_id": str(stranger.id)})
    assert (again.status_code, again.json()["code"]) == (409, "subsidy.case-code-taken")
    path = f"/subsidy/cases/{made.json()['id']}"
    assert (await client_for(acting_for(owner)).get(path)).json()["verified_by"] is None
    assert (await client_for(acting_for(stranger)).get(path)).status_code == 404
    assert (await authority.get(f"{path}/allowed-events")).json()["events"] == ["verify"]
    event = {"event": "verify", "investment_fen": 300_000_000}
    verified = await authority.post(f"{path}/events", json=event)
    assert verified.json()["verified_by"] == str(AUTHORITY.account_id)
    twice = await authority.post(f"{path}/events", json=event)
    assert (twice.status_code, twice.json()["code"]) == (409, "subsidy.verified-already")
    listed = await authority.get("/subsidy/cases", params={"enterprise": str(owner.id)})
    assert [case["investment_fen"] for case in listed.json()["items"]] == [300_000_000]
    missing = await authority.post(
        "/subsidy/cases",
        json=body | {"code": unique("CASE"), "investment_fen": None, "verified": True},
    )
    assert (missing.status_code, missing.json()["code"]) == (422, "subsidy.investment-missing")
