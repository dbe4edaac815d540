"""The document says of every operation what it takes, what it answers, and to whom."""

from itertools import product
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from datamarket.auth.terms import Permission
from datamarket.edge.problems import status_of
from datamarket.foundation.errors import MarketError
from datamarket.foundation.http import TagMissing
from datamarket.foundation.idempotency import Replayed
from datamarket.trading.api import TradeIn
from tests.architecture.test_routes import OPEN_TO_EVERYONE, operations, routes
from tests.conftest import ClientFor
from tests.world.document import held_to_the_document
from tests.world.people import AUTHORITY
from tests.world.raised import refusals_of

TOLD_AS_OUTCOMES = {
    "GET /api/v1/orders/{order_id}/allowed-events",
    "POST /api/v1/contracts/{contract_id}/uses/dry-run",
}
"""They ask the rules and catch their refusals: these are what they answer, with 200."""
SIGNING_IN = {f"POST /api/v1/auth/{word}" for word in ("token", "refresh", "revoke")}
SOME_ID = "018fdc6e-0c00-7000-8000-000000000001"


def test_an_operation_declares_every_refusal_that_its_code_can_raise(app: FastAPI) -> None:
    declared = dict(operations(app))
    reachable = 0
    for name, route in routes():
        told_as = getattr(route, "statuses", {})  # by another protocol
        statuses = {
            str(told_as.get(status, status))
            for refusal in refusals_of(route.dependant) - {MarketError, Replayed, TagMissing}
            for status in [status_of(refusal.__new__(refusal))]
        }
        if name in TOLD_AS_OUTCOMES:
            assert "409" in statuses, name
            statuses.discard("409")
        assert statuses <= set(declared[name]["responses"]), name
        reachable += len(statuses)
    assert reachable > 500


async def test_an_answer_beyond_the_document_is_found(app: FastAPI) -> None:
    hold = held_to_the_document(app)
    request = httpx.Request("GET", "http://market/api/v1/zones/" + SOME_ID)
    await hold(httpx.Response(200, request=request, headers={"ETag": '"1"'}))
    with pytest.raises(AssertionError, match="declares no 418"):
        await hold(httpx.Response(418, request=request))
    with pytest.raises(AssertionError, match="set-cookie"):
        await hold(httpx.Response(200, request=request, headers={"Set-Cookie": "a=b"}))


def test_a_token_is_needed_may_be_sent_or_is_asked_for(app: FastAPI) -> None:
    for name, operation in operations(app):
        without = {} in operation.get("security", [{}])
        sent = any(operation.get("security", ()))
        assert without == (name in OPEN_TO_EVERYONE or "/api/" not in name), name
        assert sent == ("/api/" in name and name not in SIGNING_IN), name


def test_every_answer_declares_the_headers_that_callers_read(app: FastAPI) -> None:
    components = app.openapi()["components"]
    for name, operation in operations(app):
        for status, answer in operation["responses"].items():
            if "$ref" in answer:
                continue
            assert {"X-Request-Id", "RateLimit", "RateLimit-Policy"} <= set(answer["headers"]), (name, status)
            assert {
                header.get("$ref", "#/components/headers/").split("/")[2]
                for header in answer["headers"].values()
            } == {"headers"}
    told = {name: set(answer["headers"]) for name, answer in components["responses"].items()}
    assert all("Content-Language" in headers for headers in told.values())
    assert {name[-3:] for name, headers in told.items() if "WWW-Authenticate" in headers} == {"401", "403"}
    assert {name for name, headers in told.items() if "Retry-After" in headers} >= {
        "Problem409",
        "Problem429",
        "Problem503",
    }
    paths = app.openapi()["paths"]
    assert "Link" in paths["/api/v1/trades"]["get"]["responses"]["200"]["headers"]
    assert "Idempotency-Replayed" in paths["/api/v1/trades"]["post"]["responses"]["201"]["headers"]
    assert {"200", "304"} <= set(paths["/api/v1/trades/{trade_id}"]["get"]["responses"])


def test_of_a_day_or_instant_it_is_said_whether_it_is_included(app: FastAPI) -> None:
    seen = 0
    for name, operation in operations(app):
        for taken in operation.get("parameters", ()):
            forms = [taken["schema"], *taken["schema"].get("anyOf", ())]
            for form in forms:
                assert not {"ge", "le", "gt", "lt"} & set(form), name
                if form.get("format") in {"date", "date-time"}:
                    assert taken["description"].startswith(("included", "before", "at ", "of ")), name
                    assert {"formatMinimum", "formatMaximum"} <= set(form)
                    seen += 1
    assert seen > 5


def test_a_trade_has_one_of_two_forms_in_the_document_as_in_the_code(app: FastAPI) -> None:
    schemas = app.openapi()["components"]
    checker = Draft202012Validator(schemas["schemas"]["TradeIn"] | {"components": schemas})
    values: dict[str, tuple[Any, ...]] = {
        "contract_id": ("absent", SOME_ID),
        "purpose": ("absent", None, "research"),
        "quantity": ("absent", None, 1),
        "use_id": ("absent", None, SOME_ID),
    }
    taken = 0
    for chosen in product(*values.values()):
        body = {name: value for name, value in zip(values, chosen, strict=True) if value != "absent"}
        try:
            TradeIn.model_validate(body, strict=False)
            allowed = True
        except ValidationError:
            allowed = False
        assert checker.is_valid(body) == allowed, body
        taken += allowed
    assert taken == 2 + 4
    outcome = schemas["schemas"]["BatchOut"]["properties"]["items"]["items"]
    assert outcome["discriminator"]["propertyName"] == "outcome"
    assert len(outcome["oneOf"]) == len(outcome["discriminator"]["mapping"]) == 2


async def test_a_permission_is_a_scope_that_can_stand_in_a_header(client_for: ClientFor) -> None:
    assert all(permission.isascii() and permission.isidentifier() for permission in Permission)
    refused = await client_for(AUTHORITY).post("/trades", json={"contract_id": SOME_ID, "use_id": SOME_ID})
    assert (refused.status_code, 'scope="record_trade"' in refused.headers["WWW-Authenticate"]) == (403, True)
