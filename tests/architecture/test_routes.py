"""What holds for every route: who may call it, how it lists, how it writes, what it says of itself."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from datamarket.auth.access import permission_of, visitor
from datamarket.auth.terms import PERMISSIONS_OF, Permission, Role
from datamarket.foundation.http import API_PREFIX
from datamarket.slices import routers
from tests.conftest import ClientFor
from tests.world.people import actor

OPEN_TO_EVERYONE = {
    "GET /api/v1/evidence/checkpoints",
    "GET /api/v1/evidence/checkpoints/latest",
    "GET /api/v1/evidence/checkpoints/latest/note",
    "GET /api/v1/evidence/consistency",
    "GET /api/v1/evidence/key",
    "GET /api/v1/evidence/proofs/{row_id}",
    "GET /api/v1/listings",
    "GET /api/v1/listings/facets",
    "GET /api/v1/listings/{listing_id}",
    "GET /api/v1/names",
    "GET /api/v1/prices/list",
    "GET /api/v1/products/{product_id}/measurements",
    "GET /api/v1/resources",
    "GET /api/v1/resources/{resource_id}",
    "GET /api/v1/resources/{resource_id}/filings",
    "GET /api/v1/resources/{resource_id}/level-assessments",
    "GET /api/v1/statistics/league-table",
    "GET /api/v1/statistics/overview",
    "GET /api/v1/statistics/turnover",
    "GET /api/v1/subsidy/awards",
    "GET /api/v1/subsidy/runs/{run_id}/notice.html",
    "GET /api/v1/venues",
    "GET /api/v1/venues/{venue_id}",
    "GET /api/v1/zones",
    "GET /api/v1/zones/{zone_id}",
    "GET /api/v1/zones/{zone_id}/allowed-events",
    "GET /api/v1/zones/{zone_id}/mandates",
    "GET /api/v1/zones/{zone_id}/scenarios",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/revoke",
    "POST /api/v1/auth/token",
    "POST /api/v1/evidence/verify",
}
"""On purpose: names of what one may read, listings, prices and measured quality, zones, venues, registered resources, public figures, awards and their notice, proofs, signing in."""
CHANGES_NOTHING = {
    "POST /api/v1/accounts/{account_id}/password",
    "POST /api/v1/auth/password",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/revoke",
    "POST /api/v1/auth/token",
    "POST /api/v1/contracts/{contract_id}/uses/dry-run",
    "POST /api/v1/dsp/2025-1/catalog/request",
    "POST /api/v1/dsp/2025-1/negotiations/request",
    "POST /api/v1/dsp/2025-1/negotiations/{provider_pid}/agreement/verification",
    "POST /api/v1/dsp/2025-1/negotiations/{provider_pid}/events",
    "POST /api/v1/dsp/2025-1/negotiations/{provider_pid}/request",
    "POST /api/v1/dsp/2025-1/negotiations/{provider_pid}/termination",
    "POST /api/v1/dsp/2025-1/transfers/request",
    "POST /api/v1/dsp/2025-1/transfers/{transfer_pid}/completion",
    "POST /api/v1/dsp/2025-1/transfers/{transfer_pid}/start",
    "POST /api/v1/dsp/2025-1/transfers/{transfer_pid}/suspension",
    "POST /api/v1/dsp/2025-1/transfers/{transfer_pid}/termination",
    "POST /api/v1/evidence/verify",
    "POST /api/v1/subscriptions/{subscription_id}/secret",
    "POST /api/v1/subsidy/what-if",
    "POST /api/v1/subsidy/what-if/grid",
}
"""Writes that need no Idempotency-Key: they move neither money nor state, a token or the pid of a message names the write, or the answer is a secret."""
IN_PLACE_OF_A_TOKEN = {f"POST /api/v1/auth/{word}" for word in ("token", "refresh", "revoke")}
"""What one does because the token is no good any more: it is not looked at."""
WHOLE_TABLES = {
    "GET /api/v1/listings/facets",  # as many values as there are of each filter
    "GET /api/v1/names",  # one a given id
    "GET /api/v1/statistics/league-table",  # takes limit; ranks are no rows to page through
    "GET /api/v1/statistics/turnover",  # as many rows as there are zones, venues, categories or months
}
SOME_ID = "018fdc6e-0c00-7000-8000-000000000001"
_MANGLED = re.compile(r"[^A-Za-z0-9]|^Body|__")


def routes() -> Iterator[tuple[str, APIRoute]]:
    for router in routers():
        for route in router.routes:
            assert isinstance(route, APIRoute)
            for method in route.methods or ():
                yield f"{method} {API_PREFIX}{route.path_format}", route


def dependencies(dependant: Dependant) -> Iterator[Dependant]:
    for inner in dependant.dependencies:
        yield inner
        yield from dependencies(inner)


def operations(app: FastAPI) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_a_route_names_exactly_one_permission_or_is_open_to_everyone_on_purpose() -> None:
    opened = set()
    for name, route in routes():
        calls = [inner.call for inner in dependencies(route.dependant)]
        asked = [permission for permission in map(permission_of, calls) if permission is not None]
        assert len(asked) + calls.count(visitor) == 1, name
        if not asked:
            opened.add(name)
    assert opened == OPEN_TO_EVERYONE


def test_no_dependency_is_sent_to_a_thread() -> None:
    """As the framework does with what is no coroutine: a hop there and back for every request."""
    for name, route in routes():
        for inner in dependencies(route.dependant):
            call = inner.call if inspect.isfunction(inner.call) else getattr(inner.call, "__call__", None)  # noqa: B004 - it is asked what it is
            assert inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call), (name, inner.call)


def test_every_permission_is_asked_for_somewhere() -> None:
    asked = {permission_of(inner.call) for _, route in routes() for inner in dependencies(route.dependant)}
    unused = set(Permission) - asked
    by_rules = {
        Permission.REVIEW_PRODUCT,
        Permission.REVIEW_INCOME,
        Permission.LIST_PRODUCT,
        Permission.PAY_SUBSIDY,
        Permission.DECIDE_DISPUTE,
    }
    assert unused <= by_rules, unused


def test_two_routes_never_share_a_method_and_a_path() -> None:
    names = [re.sub(r"\{[^}]*\}", "{}", name) for name, _ in routes()]
    assert len(names) == len(set(names))


def test_a_list_takes_a_limit_and_a_cursor_and_answers_items_and_next(app: FastAPI) -> None:
    schemas = app.openapi()["components"]["schemas"]
    seen = 0
    for name, operation in operations(app):
        answer = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
        schema = answer.get("schema", {})
        assert schema.get("type") != "array", name
        fields = schemas[schema["$ref"].rsplit("/", 1)[1]]["properties"] if "$ref" in schema else {}
        if not name.startswith("GET") or "items" not in fields or name in WHOLE_TABLES:
            continue
        taken = {parameter["name"] for parameter in operation["parameters"]}
        assert {"limit", "after"} <= taken, name
        assert "next" in fields, name
        seen += 1
    assert seen > 25


def test_a_write_takes_an_idempotency_key_and_a_read_takes_none(app: FastAPI) -> None:
    for name, operation in operations(app):
        required = {item["name"] for item in operation.get("parameters", ()) if item["required"]}
        writes = not name.startswith("GET") and name not in CHANGES_NOTHING
        assert ("Idempotency-Key" in required) == writes, name


def test_a_patch_and_an_event_take_the_tag_of_what_was_read(app: FastAPI) -> None:
    for name, operation in operations(app):
        if name.startswith("PATCH"):
            taken = {parameter["name"] for parameter in operation["parameters"]}
            assert "If-Match" in taken, name


def test_what_has_events_says_which_are_allowed(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    moved = {
        path.removesuffix("/events") for path in paths if path.endswith("/events") and "post" in paths[path]
    }
    without = {thing for thing in moved if f"{thing}/allowed-events" not in paths}
    assert (
        without
        == {
            "/api/v1/dsp/2025-1/negotiations/{provider_pid}",  # a message of the Dataspace Protocol, which has no such question
            "/api/v1/accounts/{account_id}",  # open or closed; one event, told by `active`
            "/api/v1/participants/{participant_id}/affiliations/{affiliation_id}",  # one event, told by `to_on`
        }
    )


def test_the_document_is_valid_openapi(app: FastAPI) -> None:
    assert list(OpenAPIV31SpecValidator(app.openapi()).iter_errors()) == []


def test_every_operation_is_named_summarised_and_tagged(app: FastAPI) -> None:
    described = {tag["name"] for tag in app.openapi()["tags"]}
    used = set()
    ids = []
    for name, operation in operations(app):
        assert operation["summary"].strip(), name
        assert len(operation["tags"]) == 1, name
        used.add(operation["tags"][0])
        ids.append(operation["operationId"])
    assert used == described
    assert len(ids) == len(set(ids))


def test_shapes_are_called_as_in_the_code(app: FastAPI) -> None:
    schemas = app.openapi()["components"]["schemas"]
    assert [name for name in schemas if _MANGLED.search(name)] == []
    assert {name for name in schemas if schemas[name].get("title") != name} == set()


def test_every_body_shows_an_example_that_it_would_accept(app: FastAPI) -> None:
    components = app.openapi()["components"]
    for name, operation in operations(app):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            schema = content["schema"] | {"components": components}
            faults = [error.message for error in Draft202012Validator(schema).iter_errors(content["example"])]
            assert faults == [], name


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic YTpi"}]
)
async def test_without_a_good_token_only_what_is_open_to_everyone_answers(
    client_for: ClientFor, header: dict[str, str]
) -> None:
    client = client_for(None)
    for name, _ in routes():
        method, path = name.split(" ")
        answer = await client.request(
            method, f"http://market{re.sub(r'{[^}]*}', SOME_ID, path)}", headers=header
        )
        if name not in OPEN_TO_EVERYONE or (header and name not in IN_PLACE_OF_A_TOKEN):
            assert answer.status_code == 401, name
            assert answer.headers["www-authenticate"].startswith('Bearer realm="datamarket"')
        else:
            assert answer.status_code != 401, name


async def test_a_route_refuses_every_role_that_lacks_its_permission(client_for: ClientFor) -> None:
    clients = {role: client_for(actor(role)) for role in Role}
    refused = 0
    for name, route in routes():
        for permission in filter(
            None, (permission_of(inner.call) for inner in dependencies(route.dependant))
        ):
            method, path = name.split(" ")
            for role in (role for role in Role if permission not in PERMISSIONS_OF[role]):
                answer = await clients[role].request(
                    method, f"http://market{re.sub(r'{[^}]*}', SOME_ID, path)}"
                )
                assert answer.status_code == 403, (name, role)
                assert answer.json()["code"] == "auth.not-permitted"
                refused += 1
    assert refused > 200
