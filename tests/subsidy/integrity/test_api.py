"""/subsidy/integrity: detecting, reading and judging, and who may."""

from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from datamarket.auth.terms import Role
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.server.app import create_app
from tests.conftest import client_of
from tests.world import subsidy
from tests.world.people import AUDITOR, actor
from tests.world.subsidy import AFTER_YEAR, MARCH, YEAR, Officers

OFFICERS = Officers()
REASON = {"reason": "资金当日原路返回"}


@pytest.fixture
async def app(fresh_database: Database, settings: Settings) -> FastAPI:
    on = await subsidy.stage(fresh_database)
    there, back = [await subsidy.enterprise(fresh_database) for _ in range(2)]
    for seller, buyer in ((there, back), (back, there)):
        await subsidy.sells(on, seller, 300_000, 300_000, to=buyer, at=MARCH)
    return create_app(settings, fresh_database, read_clock=lambda: AFTER_YEAR)


def of(app: FastAPI, who: object) -> httpx.AsyncClient:
    return client_of(app, who, AFTER_YEAR)  # type: ignore[arg-type]


async def raised(app: FastAPI) -> str:
    calculator = of(app, OFFICERS.calculator)
    answer = await calculator.post("/subsidy/integrity/detections", json={"year": YEAR})
    assert (answer.status_code, answer.json()["raised"]) == (200, 1)
    [flag] = (await calculator.get("/subsidy/integrity/flags", params={"state": "raised"})).json()["items"]
    assert (flag["detector_zh"], flag["trades"], flag["amount_fen"]) == ("同额往返", 4, 1_200_000)
    return str(flag["id"])


async def test_a_flag_is_judged_with_a_reason_by_another_than_ran_the_detectors(app: FastAPI) -> None:
    flag = f"/subsidy/integrity/flags/{await raised(app)}"
    own, judge = of(app, OFFICERS.calculator), of(app, OFFICERS.reviewer)
    events = f"{flag}/events"
    assert (await own.post(events, json={"event": "confirm"} | REASON)).json()["code"] == "flag.own"
    assert (await judge.post(events, json={"event": "confirm"})).json()["code"] == "flag.reason-missing"
    assert (await judge.post(events, json={"event": "reopen"} | REASON)).status_code == 409
    assert (await judge.post(events, json={"event": "lapse"} | REASON)).status_code == 422
    assert (await own.get(f"{flag}/allowed-events")).json()["events"] == []
    assert (await judge.get(f"{flag}/allowed-events")).json()["events"] == ["confirm", "dismiss"]
    confirmed = (await judge.post(events, json={"event": "confirm"} | REASON)).json()
    assert (confirmed["state_zh"], confirmed["reason"]) == ("已确认", REASON["reason"])
    assert confirmed["judged_by"] == str(OFFICERS.reviewer.account_id)
    assert (await judge.post(events, json={"event": "dismiss"} | REASON)).status_code == 409
    reopened = (await judge.post(events, json={"event": "reopen"} | REASON)).json()
    assert (reopened["state"], reopened["version"]) == ("raised", 3)


async def test_only_overseers_see_flags_and_find_them_by_member(app: FastAPI) -> None:
    flag_id = await raised(app)
    shown = (await of(app, AUDITOR).get(f"/subsidy/integrity/flags/{flag_id}")).json()
    path, member = "/subsidy/integrity/flags", shown["members"][0]
    assert len((await of(app, AUDITOR).get(path, params={"participant": member})).json()["items"]) == 1
    sold = (await of(app, AUDITOR).get(f"{path}/{flag_id}/evidence")).json()["sold"]
    assert [(one["trades"], one["amount_fen"]) for one in sold] == [(2, 600_000)] * 2
    assert {one["provider_id"] for one in sold} == {one["buyer_id"] for one in sold} == set(shown["members"])
    assert (await of(app, AUDITOR).get(path, params={"participant": flag_id})).json()["items"] == []
    seller = actor(Role.PROVIDER, organisation=UUID(member))
    assert [(await of(app, seller).get(asked)).status_code for asked in (path, f"{path}/{flag_id}")] == [
        403,
        403,
    ]
    assert (
        await of(app, AUDITOR).post("/subsidy/integrity/detections", json={"year": YEAR})
    ).status_code == 403
    ahead = await of(app, OFFICERS.calculator).post("/subsidy/integrity/detections", json={"year": 2026})
    assert ahead.json()["code"] == "flag.year-not-begun"
