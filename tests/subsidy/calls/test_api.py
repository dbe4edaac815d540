"""Calls and applications over HTTP: who asks, with which papers, until when, and who decides."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest_asyncio

from datamarket.auth.terms import Actor, Role
from datamarket.participants.tables import Participant
from datamarket.subsidy.runs.terms import RunEvent
from tests.subsidy.cases.test_api import paper, project, refused
from tests.subsidy.conftest import Market
from tests.world import subsidy as world
from tests.world.participants import acting_for
from tests.world.people import AUTHORITY, actor, unique

ASKED = "项目投资额专项审计报告"
IN_TIME, TOO_LATE = datetime(2025, 2, 28, 15, 59, tzinfo=UTC), datetime(2025, 2, 28, 16, 0, tzinfo=UTC)
"""The last minute of 28 February in Qingdao, and the first instant after it."""


@dataclass
class Desk:
    """A call of the market's year, and one enterprise with its own case."""

    market: Market
    call: str
    case: str
    owner: Participant

    def as_(self, who: Actor) -> httpx.AsyncClient:
        return self.market.client(who)

    @property
    def mine(self) -> httpx.AsyncClient:
        return self.as_(acting_for(self.owner))

    async def begun(self) -> str:
        made = await self.mine.post(f"/subsidy/calls/{self.call}/applications", json={"case_id": self.case})
        assert made.status_code == 201, made.text
        return f"/subsidy/applications/{made.json()['id']}"

    async def moved(self, who: Actor, path: str, event: str, **more: Any) -> httpx.Response:
        return await self.as_(who).post(f"{path}/events", json={"event": event, **more})

    async def submitted(self) -> str:
        path = await self.begun()
        answer = await self.moved(acting_for(self.owner), path, "submit", papers=[await self.sent()])
        assert (answer.status_code, answer.json()["state"]) == (200, "submitted"), answer.text
        return path

    async def sent(self, who: Actor | None = None) -> dict[str, str]:
        content = unique("report").encode()
        made = await self.as_(who or acting_for(self.owner)).post("/subsidy/papers", json=paper(content))
        return {"name": ASKED, "paper_id": made.json()["id"]}


async def desk_on(market: Market, *, district_step: bool) -> Desk:
    market.now = IN_TIME
    authority = market.client(AUTHORITY)
    body = {
        "scheme": world.CITY,
        "version": 1,
        "year": 2024,
        "opens_on": "2025-01-06",
        "closes_on": "2025-02-28",
        "papers": [ASKED],
        "district_step": district_step,
    }
    made = await authority.post("/subsidy/calls", json=body)
    assert made.status_code == 201, made.text
    case = await authority.post("/subsidy/cases", json=project(market.sellers[3]))
    return Desk(market, made.json()["id"], case.json()["id"], market.sellers[3])


@pytest_asyncio.fixture
async def desk(market: Market) -> Desk:
    return await desk_on(market, district_step=False)


async def test_an_application_is_returned_submitted_again_and_verified_with_its_case(desk: Desk) -> None:
    officer = actor(Role.AUTHORITY)
    path = await desk.submitted()
    assert refused(await desk.moved(officer, path, "return")) == (422, "application.reason-missing")
    returned = await desk.moved(officer, path, "return", reason="审计报告缺页")
    assert (returned.json()["state"], returned.json()["reason"]) == ("returned", "审计报告缺页")
    waiting = (await desk.mine.get("/inbox")).json()["items"]
    assert [item["until"] for item in waiting if item["kind"] == "application_to_mend"] == [
        "2025-02-28T16:00:00Z"
    ]
    mended = [await desk.sent()]
    again = await desk.moved(acting_for(desk.owner), path, "submit", papers=mended)
    assert again.json()["papers"] == {ASKED: mended[0]["paper_id"]}
    audit = {"investment_fen": 100, "paper_id": mended[0]["paper_id"]}
    own = await desk.moved(AUTHORITY, path, "verify", **audit)
    assert refused(own) == (409, "subsidy.case-hands-not-separate")
    assert (await desk.moved(officer, path, "verify", **audit)).json()["state"] == "verified"
    case = (await desk.mine.get(f"/subsidy/cases/{desk.case}")).json()
    assert (case["state"], case["investment_fen"]) == ("verified", 100)
    assert refused(await desk.moved(officer, path, "reject", reason="x")) == (
        409,
        "state.transition-not-allowed",
    )


async def test_after_the_last_day_nothing_is_submitted_and_the_day_is_named(desk: Desk) -> None:
    path, report = await desk.begun(), await desk.sent()
    for now in (TOO_LATE, datetime(2025, 1, 5, 15, 59, tzinfo=UTC)):
        desk.market.now = now
        late = await desk.moved(acting_for(desk.owner), path, "submit", papers=[report])
        assert refused(late) == (409, "application.outside-window")
        assert "2025-02-28" in late.json()["detail"]
    assert (await desk.mine.get(path)).json()["state"] == "draft"


async def test_papers_that_are_asked_for_are_named_and_the_enterprises_own(desk: Desk) -> None:
    path, mine = await desk.begun(), acting_for(desk.owner)
    assert refused(await desk.moved(mine, path, "submit")) == (422, "application.papers-missing")
    foreign = await desk.sent(acting_for(desk.market.sellers[4]))
    assert refused(await desk.moved(mine, path, "submit", papers=[foreign])) == (404, "not-found")
    assert (await desk.mine.get(path)).json()["papers"] == {}


async def test_an_enterprise_applies_for_its_own_case_and_once(desk: Desk) -> None:
    path = f"/subsidy/calls/{desk.call}/applications"
    stranger = desk.as_(acting_for(desk.market.sellers[4]))
    for who in (stranger, desk.as_(AUTHORITY)):
        answer = await who.post(path, json={"case_id": desk.case})
        assert refused(answer) == (404, "application.case-not-yours")
    first = await desk.begun()
    again = await desk.mine.post(path, json={"case_id": desk.case})
    assert refused(again) == (409, "application.applied-already")
    assert (await stranger.get(first)).status_code == 404
    assert (await stranger.get("/subsidy/applications")).json()["items"] == []
    withdrawn = await desk.moved(acting_for(desk.owner), first, "withdraw")
    assert withdrawn.json()["state"] == "withdrawn"
    assert (await desk.mine.post(path, json={"case_id": desk.case})).status_code == 201


async def test_who_passes_for_the_district_does_not_decide_again(market: Market) -> None:
    desk = await desk_on(market, district_step=True)
    district, officer = actor(Role.AUTHORITY), actor(Role.AUTHORITY)
    path = await desk.submitted()
    audit = {"investment_fen": 100, "paper_id": (await desk.sent())["paper_id"]}
    first = await desk.moved(officer, path, "verify", **audit)
    assert refused(first) == (409, "state.transition-not-allowed")
    own = await desk.moved(acting_for(desk.owner), path, "endorse")
    assert refused(own) == (403, "application.not-your-move")
    assert (await desk.moved(district, path, "endorse")).json()["state"] == "district_passed"
    for event, more in (("verify", audit), ("reject", {"reason": "否"})):
        twice = await desk.moved(district, path, event, **more)
        assert refused(twice) == (409, "application.decided-twice")
    waiting = [(await desk.as_(who).get("/inbox")).json()["items"] for who in (district, officer)]
    told = [
        [item["subject_id"] for item in items if item["kind"] == "application_to_decide"] for items in waiting
    ]
    assert told == [[], [path.rsplit("/", 1)[1]]]
    assert (await desk.as_(district).get(f"{path}/allowed-events")).json()["events"] == ["return"]
    rejected = await desk.moved(officer, path, "reject", reason="不属支持范围")
    assert rejected.json()["state"] == "rejected"


async def test_what_a_run_would_award_is_proposed_and_the_enterprise_only_confirms(desk: Desk) -> None:
    market, officers = desk.market, desk.market.officers
    path, authority = f"/subsidy/calls/{desk.call}/proposals", desk.as_(AUTHORITY)
    run = await world.opened_run(market.database, officers)
    early = await authority.post(path, json={"run_id": str(run.id)})
    assert refused(early) == (409, "application.run-not-of-call")
    await world.moved(market.database, officers, run, RunEvent.SNAPSHOT, RunEvent.CALCULATE)
    made = [(await authority.post(path, json={"run_id": str(run.id)})).json() for _ in range(2)]
    assert [answer["proposed"] for answer in made] == [10, 0]
    first = acting_for(market.sellers[0])
    [mine] = (await desk.as_(first).get("/subsidy/applications")).json()["items"]
    assert (mine["state"], mine["clause_id"]) == ("proposed", "top-ten-turnover")
    item = f"/subsidy/applications/{mine['id']}"
    assert refused(await desk.moved(AUTHORITY, item, "confirm")) == (403, "application.not-your-move")
    market.now = IN_TIME + timedelta(days=1)
    assert refused(await desk.moved(first, item, "confirm")) == (409, "application.outside-window")
    market.now = IN_TIME
    confirmed = await desk.moved(first, item, "confirm")
    assert (confirmed.status_code, confirmed.json()["state"]) == (200, "confirmed")


async def test_of_a_scheme_version_and_year_there_is_one_call_and_its_window_has_a_day(desk: Desk) -> None:
    authority = desk.as_(AUTHORITY)
    [call] = (await desk.mine.get("/subsidy/calls", params={"year": 2024})).json()["items"]
    kept = {name: call[name] for name in ("scheme", "opens_on", "closes_on", "papers")}
    body = {**kept, "version": 1, "year": 2024}
    again = await authority.post("/subsidy/calls", json=body)
    assert refused(again) == (409, "application.call-open-already")
    turned = body | {"year": 2023, "closes_on": "2025-01-05"}
    empty = await authority.post("/subsidy/calls", json=turned)
    assert refused(empty) == (422, "application.window-empty")
