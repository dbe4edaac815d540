"""Objections over HTTP: one that changes ranks and supersedes the list, one that is rejected twice, and what is refused."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from datamarket.auth.terms import Actor, Role
from datamarket.subsidy.runs.terms import RunEvent
from tests.subsidy.cases.test_api import paper, refused
from tests.subsidy.conftest import Market
from tests.world import subsidy as world
from tests.world.participants import acting_for, admitted
from tests.world.people import AUDITOR, AUTHORITY, actor
from tests.world.subsidy import AFTER_PUBLICITY, CITY, MARCH, YEAR
from tests.world.trading import trade

REPORT = b"three trades of December"
TWO_DAYS_ON = datetime(2025, 1, 22, 2, 0, tzinfo=UTC)
LAST_AGAIN = "2025-02-05"
"""Five working days after 22 January 2025: two, the worked Sunday, Monday, and after the Spring Festival the fifth."""
AFTER_ALL = datetime(2025, 2, 20, 2, 0, tzinfo=UTC)
CALCULATED = (RunEvent.SNAPSHOT, RunEvent.CALCULATE, RunEvent.SUBMIT)


async def publicised(market: Market) -> str:
    return str((await world.publicised(market.database, market.officers)).id)


async def line_of(market: Market, run: str, place: int) -> dict[str, Any]:
    """The seller's own line among the top ten's."""
    found = await market.get("/subsidy/lines", acting_for(market.sellers[place]), run=run)
    line: dict[str, Any] = next(
        item["line"] for item in found["items"] if item["line"]["clause"] == "top-ten-turnover"
    )
    return line


async def objects(market: Market, who: Actor, run: str, **more: Any) -> httpx.Response:
    body = {"grounds": "三笔交易未计入"} | more
    return await market.client(who).post(f"/subsidy/runs/{run}/objections", json=body)


async def moves(
    market: Market, who: Actor, objection: str, event: str, reason: str | None = "已核对"
) -> httpx.Response:
    path = f"/subsidy/objections/{objection}/events"
    moved = await market.client(who).post(path, json={"event": event, "reason": reason})
    assert moved.status_code < 500, moved.text
    return moved


async def waiting(market: Market, who: Actor) -> list[str]:
    kinds = [item["kind"] for item in (await market.get("/inbox", who, limit=100))["items"]]
    return sorted(kind for kind in kinds if kind.startswith(("objection", "run_to")))


async def superseded(market: Market, old: str) -> dict[str, Any]:
    """Everyone calculated again, and the new list public in the place of the old."""
    hands = market.officers
    body = {"scheme": CITY, "year": YEAR, "supersedes": old}
    run = (await market.client(hands.calculator).post("/subsidy/runs", json=body)).json()
    for event in CALCULATED:
        assert (await market.send(hands.calculator, run["id"], event)).status_code == 200
    public = await market.send(hands.reviewer, run["id"], "publicise", reason="异议成立，重新测算")
    assert (public.status_code, public.json()["publicity_to"]) == (200, LAST_AGAIN), public.text
    shown: dict[str, Any] = public.json()
    return shown


@pytest.mark.edge(59)
async def test_an_upheld_objection_leads_to_a_list_for_everyone_and_says_what_changed(market: Market) -> None:
    run, hands = await publicised(market), market.officers
    eleventh = acting_for(market.sellers[10])
    sent = await market.client(eleventh).post("/subsidy/papers", json=paper(REPORT))
    stated = [{"paper_id": sent.json()["id"], "sha256": hashlib.sha256(REPORT).hexdigest()}]
    line = await line_of(market, run, 10)
    filed = await objects(market, eleventh, run, line_id=line["id"], papers=stated)
    assert (filed.status_code, filed.json()["decide_by"]) == (201, "2025-02-08"), filed.text
    objection = filed.json()["id"]
    assert await waiting(market, hands.reviewer) == ["objection_to_decide"]
    assert await waiting(market, hands.calculator) == []
    assert await waiting(market, eleventh) == ["objection_to_watch"]
    market.now = AFTER_PUBLICITY
    assert refused(await market.send(hands.approver, run, "approve")) == (409, "subsidy.objections-open")
    market.now = TWO_DAYS_ON
    await trade(market.database, market.agreements[10], 2_000_003, at=MARCH)
    assert (await moves(market, hands.reviewer, objection, "uphold")).json()["state"] == "upheld"
    assert await waiting(market, hands.calculator) == ["run_to_supersede"]
    market.now = AFTER_PUBLICITY
    assert refused(await market.send(hands.approver, run, "approve")) == (409, "subsidy.objections-unheeded")
    market.now = TWO_DAYS_ON
    path = f"/subsidy/objections/{objection}/outcome"
    assert (await market.client(eleventh).get(path)).status_code == 404
    after = await superseded(market, run)
    assert after["objection_id"] == objection
    outcome = await market.get(path, eleventh)
    ranks = {item["uscc"]: (item["before_rank"], item["after_rank"]) for item in outcome["items"]}
    codes = [seller.uscc for seller in market.sellers]
    assert ranks == {codes[8]: (9, 10), codes[9]: (10, None), codes[10]: (11, 9)}
    assert (outcome["after_run_id"], outcome["publicity_to"]) == (after["id"], LAST_AGAIN)


async def test_a_rejected_objection_is_appealed_once_and_decided_by_somebody_else(market: Market) -> None:
    run, hands = await publicised(market), market.officers
    tenth, first, second = acting_for(market.sellers[9]), actor(Role.AUTHORITY), actor(Role.AUTHORITY)
    award = next(
        item
        for item in (await market.get("/subsidy/awards", None, year=YEAR, limit=100))["items"]
        if item["rank"] == 1
    )
    objection = (await objects(market, tenth, run, line_id=award["line_id"])).json()["id"]
    assert (await moves(market, hands.calculator, objection, "answer", "交易额属实")).json()[
        "state"
    ] == "answered"
    rejected = (await moves(market, first, objection, "reject", "无依据")).json()
    assert (rejected["state"], rejected["appeal_by"], rejected["decision"]) == (
        "rejected",
        "2025-01-26",
        "无依据",
    )
    assert await waiting(market, tenth) == ["objection_to_appeal"]
    appealed = await market.client(tenth).post(
        f"/subsidy/objections/{objection}/appeals", json={"grounds": "不服"}
    )
    assert (appealed.status_code, appealed.json()["appeal_of_id"]) == (201, objection), appealed.text
    appeal = appealed.json()["id"]
    again = await market.client(tenth).post(
        f"/subsidy/objections/{objection}/appeals", json={"grounds": "不服"}
    )
    assert refused(again) == (409, "objection.appealed-already")
    assert refused(await moves(market, first, appeal, "uphold")) == (409, "objection.decided-twice")
    allowed = await market.get(f"/subsidy/objections/{appeal}/allowed-events", first)
    assert allowed["events"] == ["answer"]
    market.now = AFTER_PUBLICITY
    assert refused(await market.send(hands.approver, run, "approve")) == (409, "subsidy.objections-open")
    assert (await moves(market, second, appeal, "reject")).json()["appeal_by"] is None
    assert refused(
        await market.client(tenth).post(f"/subsidy/objections/{appeal}/appeals", json={"grounds": "仍不服"})
    ) == (
        409,
        "objection.nothing-to-appeal",
    )
    approved = await market.send(hands.approver, run, "approve")
    assert (approved.status_code, approved.json()["state"]) == (200, "approved"), approved.text


async def test_who_may_not_object_or_comes_too_late_is_told_why(market: Market) -> None:
    run, hands = await publicised(market), market.officers
    one, other = acting_for(market.sellers[0]), acting_for(market.sellers[1])
    async with market.database.transaction() as session:
        stranger = await admitted(session)
    sent = (await market.client(one).post("/subsidy/papers", json=paper(REPORT))).json()
    named = [{"paper_id": sent["id"], "sha256": "0" * 64}]
    differs = await objects(market, one, run, papers=named)
    assert refused(differs) == (422, "objection.paper-digest-differs")
    assert sent["sha256"] in differs.json()["detail"]
    assert refused(await objects(market, other, run, papers=named)) == (404, "objection.paper-not-yours")
    assert refused(await objects(market, acting_for(stranger), run)) == (403, "objection.not-concerned")
    unclear = await objects(market, AUTHORITY, run)
    assert refused(unclear) == (422, "objection.objector-unclear")
    below = await line_of(market, run, 12)
    assert refused(await objects(market, one, run, line_id=below["id"])) == (404, "not-found")
    filed = await objects(market, one, run)
    assert refused(await objects(market, one, run)) == (409, "objection.filed-already")
    assert refused(await moves(market, hands.calculator, filed.json()["id"], "reject")) == (
        409,
        "objection.duties-not-separate",
    )
    assert refused(await moves(market, one, filed.json()["id"], "uphold")) == (403, "objection.not-your-move")
    assert refused(await moves(market, one, filed.json()["id"], "withdraw", None)) == (
        422,
        "objection.reason-missing",
    )
    market.now = AFTER_PUBLICITY
    late = await objects(market, other, run)
    assert refused(late) == (409, "objection.list-closed")
    assert "2025-01-26" in late.json()["detail"]


async def test_an_officer_records_an_objection_which_nobody_else_sees(market: Market) -> None:
    run, clerk = await publicised(market), actor(Role.AUTHORITY)
    owner, other = market.sellers[11], acting_for(market.sellers[1])
    filed = await objects(market, clerk, run, enterprise_id=str(owner.id))
    path = f"/subsidy/objections/{filed.json()['id']}"
    assert (await market.get(path, acting_for(owner)))["state"] == "filed"
    assert [item["id"] for item in (await market.get("/subsidy/objections", AUDITOR, run=run))["items"]] == [
        filed.json()["id"]
    ]
    assert (await market.get("/subsidy/objections", other))["items"] == []
    for answer in (
        await market.client(other).get(path),
        await market.client(other).get(f"{path}/allowed-events"),
        await moves(market, other, filed.json()["id"], "withdraw"),
    ):
        assert refused(answer) == (404, "not-found")
    assert refused(await moves(market, clerk, filed.json()["id"], "reject")) == (
        409,
        "objection.duties-not-separate",
    )
    gone = await moves(market, acting_for(owner), filed.json()["id"], "withdraw")
    assert (gone.json()["state"], gone.json()["decided_at"]) == ("withdrawn", None)
    market.now = AFTER_PUBLICITY
    assert (await market.send(market.officers.approver, run, "approve")).status_code == 200


async def test_an_appeal_after_its_last_day_is_refused_and_the_run_is_approved(market: Market) -> None:
    run, one = await publicised(market), acting_for(market.sellers[0])
    objection = (await objects(market, one, run)).json()["id"]
    rejected = await moves(market, market.officers.reviewer, objection, "reject")
    assert rejected.json()["appeal_by"] == "2025-01-26"
    market.now = AFTER_PUBLICITY
    late = await market.client(one).post(f"/subsidy/objections/{objection}/appeals", json={"grounds": "不服"})
    assert refused(late) == (409, "objection.appeal-closed")
    assert "2025-01-26" in late.json()["detail"]
    assert (await market.send(market.officers.approver, run, "approve")).status_code == 200


async def test_the_notice_says_who_how_much_until_when_and_how_to_object(shown: tuple[Market, str]) -> None:
    market, run = shown
    page = await market.client(None).get(f"/subsidy/runs/{run}/notice.html")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    said = page.text
    assert "2025年1月20日起，至2025年1月26日止（含）" in said
    first = market.sellers[0]
    assert f'<td>1</td><td>{first.name_zh}</td><td>{first.uscc}</td><td class="n">9,000.00</td>' in said
    assert "<td>模拟案例</td>" in said
    assert market.sellers[10].uscc not in said
    assert "异议的，包括认为应列入而未列入的" in said
    assert "5个工作日内申诉一次" in said
    assert "<script" not in said
    draft = (
        await market.client(market.officers.calculator).post(
            "/subsidy/runs", json={"scheme": CITY, "year": YEAR}
        )
    ).json()
    assert (await market.client(None).get(f"/subsidy/runs/{draft['id']}/notice.html")).status_code == 404
