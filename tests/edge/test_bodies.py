"""A body is read after its caller is known, in bounds, whole, and one way only."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from hypothesis import given
from hypothesis import strategies as st

from datamarket.auth.access import permission_of
from datamarket.auth.terms import PERMISSIONS_OF, Actor, Role
from datamarket.foundation.db import Database
from datamarket.foundation.http import API_PREFIX
from datamarket.foundation.inputs.bodies import BodyTooComplex, BodyUnreadable, NameRepeated, value_of
from datamarket.slices import routers
from tests.conftest import ClientFor
from tests.world import trading
from tests.world.people import AUTHORITY, FINANCE, NOON, actor

BUYER = actor(Role.BUYER)
SOME_ID = "018fdc6e-0c00-7000-8000-000000000001"
TRADE = {"contract_id": SOME_ID, "purpose": "research", "quantity": 1}
JSON = {"Content-Type": "application/json"}
ZONE_EVENTS = f"/zones/{SOME_ID}/events"
FORM = "application/x-www-form-urlencoded"


def names(count: int) -> bytes:
    return b",".join(b'"field%d":1' % number for number in range(count))


HOSTILE = {
    "fields": b'{"items":[{' + names(500_000) + b"}]}",
    "some fields": b'{"items":[{' + names(101) + b"}]}",
    "objects": b'{"items":[' + b",".join([b"{}"] * 500_000) + b"]}",
    "nulls": b'{"items":[' + b",".join([b"null"] * 500_000) + b"]}",
    "texts": b'{"items":[' + b",".join([b'""'] * 500_000) + b"]}",
    "lists in lists": b'{"items":' + b"[" * 33 + b"]" * 33 + b"}",
    "a million brackets": b"[" * 1_000_000,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
async def test_a_body_of_too_many_parts_is_refused_before_it_is_looked_at(
    client_for: ClientFor, body: bytes
) -> None:
    answer = await client_for(BUYER).post("/trades/batch", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (422, "request.body-too-complex")


async def test_of_a_batch_all_faults_are_counted_and_twenty_told(client_for: ClientFor) -> None:
    wrong = [TRADE | {"quantity": "1", "colour": "red"}, None, {}]
    sent = {"items": [TRADE, *wrong * 10], "atomic": 3}
    answer = await client_for(BUYER).post("/trades/batch", json=sent, headers={"Accept-Language": "en"})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "request.invalid")
    assert problem["detail"].startswith("The request has 41 fault(s)")
    assert len(problem["errors"]) == 20
    assert [fault["pointer"] for fault in problem["errors"][:4]] == [
        "/body/items/1/quantity",
        "/body/items/1/colour",
        "/body/items/2",
        "/body/items/3/contract_id",
    ]


async def test_of_any_body_all_faults_are_counted(client_for: ClientFor) -> None:
    sent = {f"field{number}": 1 for number in range(30)}
    answer = await client_for(FINANCE).post("/ledger/deposits", json=sent, headers={"Accept-Language": "en"})
    known = {fault["pointer"] for fault in answer.json()["errors"]}
    assert int(answer.json()["detail"].split()[3]) > 30
    assert len(known) == 20


async def test_the_items_of_a_batch_are_as_strict_as_one_trade(client_for: ClientFor) -> None:
    client = client_for(BUYER)
    for fault in ({"quantity": 1.0}, {"quantity": True}, {"use_id": SOME_ID}, {"x": 1}, {"contract_id": 1}):
        one = (await client.post("/trades", json=TRADE | fault)).json()["errors"]
        many = (await client.post("/trades/batch", json={"items": [TRADE | fault]})).json()["errors"]
        assert [error["code"] for error in one] == [error["code"] for error in many]


async def test_the_name_of_an_unknown_field_is_told_in_short(client_for: ClientFor) -> None:
    answer = await client_for(BUYER).post("/trades", json=TRADE | {"x" * 100_000: 1})
    [fault] = answer.json()["errors"]
    assert fault["pointer"] == "/body/" + "x" * 200


def writing() -> Iterator[tuple[str, str, APIRoute]]:
    for router in routers():
        for route in router.routes:
            assert isinstance(route, APIRoute)
            for method in (route.methods or set()) - {"GET"}:
                yield method, API_PREFIX + route.path_format.replace("{", "").replace("}", ""), route


async def asked_without_body(app: FastAPI, method: str, path: str, caller: Actor | None) -> int:
    """The status of a request whose body never comes: who waits for it fails."""
    token = app.state.tokens.sign(caller, now=NOON) if caller else ""
    headers = [(b"authorization", f"Bearer {token}".encode()), (b"content-length", b"999999")]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": headers if caller else headers[1:],
        "state": {},
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        raise AssertionError(path)

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    status: int = sent[0]["status"]
    return status


async def test_who_calls_and_whether_they_may_is_asked_before_the_body_is_read(app: FastAPI) -> None:
    asked = 0
    for method, path, route in writing():
        calls = [inner.call for inner in route.dependant.dependencies]
        for permission in filter(None, map(permission_of, calls)):
            assert await asked_without_body(app, method, path, None) == 401, path
            for stranger in [role for role in Role if permission not in PERMISSIONS_OF[role]][:1]:
                assert await asked_without_body(app, method, path, actor(stranger)) == 403, path
            asked += 1
    assert asked > 40


async def test_how_large_a_body_may_be_is_said_by_its_path(app: FastAPI, client_for: ClientFor) -> None:
    buyer = client_for(BUYER)
    large = json.dumps({"items": [TRADE], "note": "x" * 2**21})
    read = await buyer.post("/trades/batch", content=large, headers=JSON)
    assert (read.status_code, read.json()["code"]) == (422, "request.invalid")
    refused = await buyer.post("/trades", content=large, headers=JSON)
    assert (refused.status_code, refused.json()["code"]) == (413, "request.body-too-large")
    form = await client_for(None).post(
        "/auth/token", content="a=" + "x" * 2**14, headers={"Content-Type": FORM}
    )
    assert (form.status_code, form.json()["code"]) == (413, "request.body-too-large")


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "application/jsonp",
        "application/json; charset=gbk",
        "application/json;a=b; Charset = utf-16",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ],
)
async def test_a_body_of_another_kind_is_refused_for_its_kind(client_for: ClientFor, kind: str) -> None:
    answer = await client_for(AUTHORITY).post(
        ZONE_EVENTS, content=b'{"event": "open"}', headers={"Content-Type": kind}
    )
    assert (answer.status_code, answer.json()["code"]) == (415, "request.media-type-unknown")
    assert "application/json" in answer.json()["detail"]


@pytest.mark.parametrize(
    "kind",
    [
        "application/json; charset=utf-8",
        'Application/JSON;charset="UTF-8"; v=1',
        "application/merge-patch+json",
        "application/json ; charset=utf8",
    ],
)
async def test_a_kind_may_be_written_in_several_ways(client_for: ClientFor, kind: str) -> None:
    answer = await client_for(AUTHORITY).post(
        ZONE_EVENTS, content=b'{"event": "open"}', headers={"Content-Type": kind}
    )
    assert answer.status_code == 404  # it was read


async def test_a_form_is_a_form(client_for: ClientFor) -> None:
    visitor = client_for(None)
    sent = json.dumps({"grant_type": "password", "username": "a", "password": "b"})
    for kind in ("application/json", "multipart/form-data; boundary=x", f"{FORM}; charset=gbk"):
        answer = await visitor.post("/auth/token", content=sent, headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["code"]) == (415, "request.media-type-unknown")


@pytest.mark.parametrize(
    "body",
    [
        b'{"event": NaN}',
        b'{"event": Infinity}',
        b'{"event": -Infinity}',
        b'{"event": "op\xffen"}',
        b'{"event": "\xed\xa0\x80"}',
        b'\xef\xbb\xbf{"event": "open"}',
        '{"event": "open"}'.encode("utf-16"),
        b'{"event": "open",}',
    ],
)
async def test_what_is_no_json_in_utf_8_is_not_guessed_at(client_for: ClientFor, body: bytes) -> None:
    answer = await client_for(AUTHORITY).post(ZONE_EVENTS, content=body, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, "request.unreadable")


@pytest.mark.parametrize(
    "body",
    [
        b'{"event": "close", "event": "open"}',
        b'{"event": "open", "reason": "a:b", "reason": "c"}',
        b'{"event": "open", "ev\\u0065nt": "open"}',
        b'{"event": [{"a": 1, "a": 1}]}',
    ],
)
async def test_a_name_that_stands_twice_is_refused(client_for: ClientFor, body: bytes) -> None:
    answer = await client_for(AUTHORITY).post(ZONE_EVENTS, content=body, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (422, "request.name-repeated")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text('a":\\,{}[]\U0001f600\n'),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text('a":\\,{}'), inner, max_size=5),
    max_leaves=20,
)


@given(_VALUES, st.booleans())
def test_any_value_is_read_as_it_was_written(value: Any, ascii_only: bool) -> None:
    assert value_of(json.dumps(value, ensure_ascii=ascii_only).encode(), 10_000) == value


def test_marks_inside_of_texts_are_no_parts() -> None:
    body = json.dumps({"csv": '1,2:[{"\\' * 100}).encode()
    assert value_of(body, 3) == json.loads(body)
    with pytest.raises(BodyTooComplex):
        value_of(b'{"a":1,"b":2}', 4)
    assert value_of(b'{"a":1,"b":2}', 5) == {"a": 1, "b": 2}
    with pytest.raises(NameRepeated):
        value_of(b'{"a":"' + b":" * 100 + b'","a":1}', 5)
    with pytest.raises(BodyUnreadable):
        value_of(b"9" * 400, 5)
    assert value_of(b"[" * 32 + b"1" + b"]" * 32, 100)


async def test_a_query_is_bounded_and_told_in_short(client_for: ClientFor) -> None:
    visitor = client_for(None)
    answer = await visitor.get("/listings?" + "a&" * 5000)
    assert (answer.status_code, answer.json()["code"]) == (414, "request.query-too-long")


async def test_a_body_that_ends_before_its_end_is_refused_and_nothing_is_done(app: FastAPI) -> None:
    parts = iter(
        [
            {"type": "http.request", "body": b'{"event"', "more_body": True},
            {"type": "http.disconnect"},
        ]
    )
    sent: list[Any] = []

    async def receive() -> Any:
        return next(parts)

    async def send(message: Any) -> None:
        sent.append(message)

    token = app.state.tokens.sign(AUTHORITY, now=NOON)
    headers = [(b"authorization", f"Bearer {token}".encode()), (b"content-type", b"application/json")]
    path = API_PREFIX + ZONE_EVENTS
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    await app(scope | {"state": {}}, receive, send)
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["code"] == "request.body-incomplete"


async def test_a_key_still_names_the_very_bytes_of_its_body(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.active_contract(database)
    buyer = client_for(deal.buyer_account)
    key = {"Idempotency-Key": "the-very-bytes"} | JSON
    body = json.dumps({"contract_id": str(deal.contract.id), "purpose": deal.purpose, "quantity": 2})
    first, again = [await buyer.post("/trades", content=body, headers=key) for _ in range(2)]
    assert (first.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert again.content == first.content
    other = await buyer.post("/trades", content=f" {body}", headers=key)
    assert other.json()["code"] == "idempotency.key-reused"


def test_the_document_says_how_a_body_may_be_refused(app: FastAPI) -> None:
    told = 0
    for path, methods in app.openapi()["paths"].items():
        for operation in methods.values():
            if "requestBody" in operation:
                assert {"408", "413", "415"} <= set(operation["responses"]), path
                told += 1
    assert told > 40
