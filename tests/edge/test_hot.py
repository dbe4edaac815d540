"""Hot routes answer as the framework would: the same status, body and headers, whatever is asked."""

import json
from typing import Any
from uuid import UUID

import httpx
import hypothesis
import pytest
from fastapi import FastAPI, Query, Response
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from datamarket.auth.terms import Actor, Role
from datamarket.edge import signpost
from datamarket.foundation.db import Database
from datamarket.foundation.http import SliceRouter
from datamarket.foundation.inputs.hot import HotCall, NotTakenStraight, hot, is_hot
from datamarket.foundation.settings import Settings
from datamarket.server.app import create_app
from datamarket.slices import routers
from tests.conftest import client_of
from tests.world import catalogue, trading
from tests.world.people import ADMIN, NOON, actor, enrol, unique
from tests.world.trading import Agreement

NOBODY = UUID(int=7)
OWN = {"x-request-id", "ratelimit", "date"}
PURPOSE = "industrial_development"
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 10**10),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from([PURPOSE, "public_governance", str(NOBODY), [], {}, [1], {"a": 1}]),
)
FIELDS = st.sampled_from(["contract_id", "purpose", "quantity", "use_id", "buyer_id"])
SPOILED = st.dictionaries(FIELDS, VALUES, min_size=1, max_size=3)
KEYS = st.sampled_from([None, "", "with space", "k" * 201, "ü", "*"])
"""`*` stands for a good one; none at all is a header that is missing."""


class Pair:
    """One market behind two applications, of which the second leaves every route to the framework."""

    def __init__(self, quick: FastAPI, usual: FastAPI) -> None:
        self.apps = quick, usual

    async def answers(
        self, who: Actor | None, method: str, path: str, **asked: Any
    ) -> tuple[httpx.Response, httpx.Response]:
        told = []
        if who is not None:
            await enrol(self.apps[0].state.database, who)
        for app in self.apps:
            async with client_of(app, who, NOON) as client:
                client.event_hooks["request"] = []  # the key is part of what is tried
                told.append(await client.request(method, path, **asked))
        quick, usual = told
        return quick, usual

    async def agree(self, who: Actor | None, method: str, path: str, **asked: Any) -> httpx.Response:
        """Both say the same, but for what is each answer's own."""
        quick, usual = await self.answers(who, method, path, **asked)
        assert (quick.status_code, _plain(quick)) == (usual.status_code, _plain(usual))
        assert {k: v for k, v in quick.headers.items() if k not in OWN} == {
            k: v for k, v in usual.headers.items() if k not in OWN
        }
        return quick


def _plain(answer: httpx.Response) -> Any:
    """The body, without the number of the request."""
    is_problem = answer.headers.get("content-type") == "application/problem+json"
    return answer.json() | {"trace_id": "-"} if is_problem else answer.content


@pytest.fixture
async def both(database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Pair:
    quick = create_app(settings, database, read_clock=lambda: NOON)
    monkeypatch.setattr(signpost, "is_hot", lambda _route: False)
    return Pair(quick, create_app(settings, database, read_clock=lambda: NOON))


@pytest.fixture
async def deal(database: Database) -> Agreement:
    return await trading.active_contract(database)


def test_these_are_hot() -> None:
    routes = (route for router in routers() for route in router.routes if isinstance(route, APIRoute))
    marked = {(route.path, *(route.methods or ())) for route in routes if is_hot(route)}
    assert marked == {
        ("/trades", "POST"),
        ("/contracts/{contract_id}/uses", "POST"),
        ("/listings/{listing_id}", "GET"),
    }


async def test_a_write_answered_on_the_spot_is_replayed_by_the_framework(both: Pair, deal: Agreement) -> None:
    use, trade = (
        {"purpose": PURPOSE},
        {"contract_id": str(deal.contract.id), "purpose": PURPOSE, "quantity": 2},
    )
    for path, body in ((f"/contracts/{deal.contract.id}/uses", use), ("/trades", trade)):
        headers = {"Idempotency-Key": unique("hot")}
        quick, usual = await both.answers(deal.buyer_account, "POST", path, json=body, headers=headers)
        assert (quick.status_code, usual.status_code) == (201, 201), quick.text
        assert quick.content == usual.content
        assert "Idempotency-Replayed" in usual.headers
        assert "Idempotency-Replayed" not in quick.headers


async def test_refusals_of_who_asks_are_the_same(both: Pair, deal: Agreement, database: Database) -> None:
    stranger = (await trading.active_contract(database)).buyer_account
    path, asked = f"/contracts/{deal.contract.id}/uses", {"json": {"purpose": PURPOSE}}
    statuses = []
    for who in (None, deal.provider_account, ADMIN, actor(Role.BUYER), stranger):
        headers = {"Idempotency-Key": unique("hot")}
        statuses.append((await both.agree(who, "POST", path, headers=headers, **asked)).status_code)
    forged = {"Authorization": "Bearer made.up.token", "Idempotency-Key": unique("hot")}
    statuses.append((await both.agree(None, "POST", path, headers=forged, **asked)).status_code)
    assert statuses == [401, 403, 403, 403, 404, 401]


async def test_faults_of_what_is_asked_are_the_same(both: Pair, deal: Agreement) -> None:
    path, key = f"/contracts/{deal.contract.id}/uses", {"Idempotency-Key": unique("hot")}
    typed = key | {"Content-Type": "application/json"}
    good = {"purpose": PURPOSE}
    statuses = [
        (await both.agree(deal.buyer_account, "POST", where, **asked)).status_code
        for where, asked in (
            (path, {"headers": key}),
            (path, {"headers": typed, "content": b"{"}),
            (path, {"headers": typed, "content": b'{"purpose": 1, "purpose": 2}'}),
            (path, {"headers": key | {"Content-Type": "text/plain"}, "content": b"{}"}),
            (path, {"headers": typed, "content": b"[" * 100}),
            (path, {"headers": typed, "content": b" " * 2**22}),
            (f"{path}?dry=1", {"headers": key, "json": good}),
            (f"/contracts/{NOBODY}/uses", {"headers": key, "json": good}),
            ("/contracts/none/uses", {"headers": key, "json": good}),
            (path, {"headers": key | {"Accept-Language": "zh"}, "json": {"purpose": "war"}}),
        )
    ]
    assert statuses == [422, 400, 422, 415, 400, 413, 422, 404, 422, 422]


@hypothesis.settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spoiled=SPOILED, key=KEYS)
async def test_spoiled_trades_are_refused_alike(
    both: Pair, deal: Agreement, spoiled: dict[str, object], key: str | None
) -> None:
    body = {"contract_id": str(deal.contract.id), "purpose": PURPOSE, "quantity": 1} | spoiled
    told = unique("hot") if key == "*" else key
    headers = {} if told is None else {"Idempotency-Key": told.encode()}
    if key == "*":
        quick, usual = await both.answers(deal.buyer_account, "POST", "/trades", json=body, headers=headers)
        assert (quick.status_code, _plain(quick)) == (usual.status_code, _plain(usual))
    else:
        refused = await both.agree(deal.buyer_account, "POST", "/trades", json=body, headers=headers)
        assert refused.status_code in {400, 422}


async def test_a_listing_is_the_same_to_everyone(both: Pair, database: Database) -> None:
    async with database.transaction() as session:
        listed = await catalogue.published_listing(session)
    path = f"/listings/{listed.listing.id}"
    shown = await both.agree(None, "GET", path)
    assert json.loads(shown.content)["id"] == str(listed.listing.id)
    tags = ({"If-None-Match": tag} for tag in (shown.headers["ETag"], "*", '"0"'))
    assert [(await both.agree(None, "GET", path, headers=tag)).status_code for tag in tags] == [304, 304, 200]
    assert (await both.agree(None, "HEAD", path)).content == b""
    for missing in (f"/listings/{NOBODY}", "/listings/none", f"{path}?full=1", f"{path}/"):
        assert (await both.agree(None, "GET", missing)).status_code in {404, 422}


async def test_a_failure_that_nobody_foresaw_is_an_internal_error(
    both: Pair, deal: Agreement, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_given: object) -> None:
        raise RuntimeError

    for app in both.apps:
        monkeypatch.setattr(app.state.use_desk, "ask", fail)
    headers = {"Idempotency-Key": unique("hot")}
    path = f"/contracts/{deal.contract.id}/uses"
    failed = await both.agree(deal.buyer_account, "POST", path, json={"purpose": PURPOSE}, headers=headers)
    assert (failed.status_code, failed.json()["code"]) == (500, "internal")


def test_what_only_the_framework_can_solve_is_not_hot() -> None:
    router = SliceRouter(prefix="/probe", tags=["meta"])

    @router.get("")
    @hot
    async def probe(limit: int = Query(default=1)) -> Response:
        return Response(str(limit))

    [route] = router.routes
    assert isinstance(route, APIRoute)
    with pytest.raises(NotTakenStraight):
        HotCall(route)
