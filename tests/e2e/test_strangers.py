"""To a stranger a thing is not there: every route, for every kind of caller, with the ids of others."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from datamarket.auth.terms import Actor, Role
from datamarket.foundation.db import Database
from datamarket.foundation.ids import new_id
from datamarket.foundation.settings import Settings
from datamarket.server.app import create_app
from tests.architecture.test_routes import OPEN_TO_EVERYONE
from tests.conftest import client_of
from tests.world import catalogue, subsidy, trading, zones
from tests.world.market import every_book_written, market_in_use
from tests.world.people import ADMIN, NOON, actor, moment

Things = Mapping[str, str]
Said = tuple[int, Any]
SEEN_BY_VISITORS = OPEN_TO_EVERYONE
SEEN_BY_WHO_SIGNED_IN = {
    "GET /api/v1/dsp/2025-1/catalog/datasets/{dataset_id}",
    "GET /api/v1/ledger/periods/{period}",
    "GET /api/v1/listings/{listing_id}/allowed-events",
    "GET /api/v1/participants/{participant_id}",
    "GET /api/v1/participants/{participant_id}/affiliations",
    "GET /api/v1/participants/{participant_id}/allowed-events",
    "GET /api/v1/participants/{participant_id}/standings",
    "GET /api/v1/prices/ceilings",
    "GET /api/v1/prices/ceilings/{ceiling_id}",
    "GET /api/v1/prices/ceilings/{ceiling_id}/allowed-events",
    "GET /api/v1/prices/list",
    "GET /api/v1/products",
    "GET /api/v1/products/{product_id}",
    "GET /api/v1/products/{product_id}/allowed-events",
    "GET /api/v1/products/{product_id}/versions",
    "GET /api/v1/resources/{resource_id}/allowed-events",
    "GET /api/v1/subsidy/calls/{call_id}",
    "GET /api/v1/zones/{zone_id}/mandates/{mandate_id}/allowed-events",
    "GET /api/v1/zones/{zone_id}/mandates/{mandate_id}/undertakings",
}
"""On purpose: who is admitted, what has been approved, which months are open."""
ABOUT_WHAT_ALL_SEE = {
    "PATCH /api/v1/listings/{listing_id}",
    "PATCH /api/v1/products/{product_id}",
    "PATCH /api/v1/resources/{resource_id}",
    "POST /api/v1/contracts",
    "POST /api/v1/listings",
    "POST /api/v1/listings/{listing_id}/events",
    "POST /api/v1/prices/ceilings",
    "POST /api/v1/prices/permitted-incomes",
    "POST /api/v1/products/{product_id}/events",
    "POST /api/v1/products/{product_id}/measurements",
    "POST /api/v1/products/{product_id}/versions",
    "POST /api/v1/quotes",
    "POST /api/v1/resources",
    "POST /api/v1/resources/{resource_id}/events",
    "POST /api/v1/subsidy/calls/{call_id}/applications",
    "POST /api/v1/zones/{zone_id}/mandates/{mandate_id}/undertakings",
}
"""What all may see is refused to a stranger as not theirs; the rest is not there."""
REVIEWED = "/prices/"
"""Incomes and reports are the reviewer's office: no stranger to them."""
OPEN_TO_STRANGERS = {
    "POST /api/v1/contracts",  # asking for a contract on a published listing
    "POST /api/v1/quotes",  # and for its price
    "POST /api/v1/trades/batch",  # refuses item by item
}
NAMED = {
    "account": "account_id",
    "batch": "batch_id",
    "call": "call_id",
    "contract": "contract_id",
    "enterprise": "participant_id",
    "owner": "participant_id",
    "participant": "participant_id",
    "subject": "trade_id",
    "venue": "venue_id",
    "zone": "zone_id",
}
"""Filters of lists, and the thing that each names."""
ONE_OF = {
    "affiliation_id": "affiliation",
    "bank_line_id": "bank_line",
    "row_id": "ledger_entry",
    "city_transfer_id": "city_transfer",
    "transfer_id": "transfer_process",
    "transfer_pid": "transfer_process",
}


async def rows_of(database: Database) -> Mapping[str, frozenset[str]]:
    """Every row of the market, by its table."""
    tables = """SELECT oid::regclass::text FROM pg_class
                 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"""
    found = {}
    async with database.connection() as connection:
        for [name] in await connection.fetch(tables):
            rows = await connection.fetch(f"SELECT t::text FROM {name} t")  # noqa: S608 - from the catalogue
            found[name] = frozenset(text for [text] in rows)
    return found


def nothing(name: str, thing: str) -> str:
    """What stands for a thing that is not there."""
    named = {"n": "999", "period": "209901", "scheme": "no-scheme", "scheme_id": "no-scheme"}
    return named.get(name, str(new_id(moment())) if len(thing) == 36 else thing)


@pytest_asyncio.fixture(scope="module")
async def markets(
    module_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, tuple[Things, Things]]:
    """One of everything, by the name that paths give it; the same with drafts; each beside what is not there."""
    market = await market_in_use(module_database)
    await every_book_written(module_database, tmp_path_factory.mktemp("key"))
    groups = [await subsidy.enterprise(module_database) for _ in range(2)]
    await subsidy.controls(module_database, *groups, since=NOON.date())
    traded = dict(market.things) | {"year": "2024", "number": "1"}
    async with module_database.connection() as connection:
        for name, table in ONE_OF.items():
            traded[name] = str(await connection.fetchval(f"SELECT id FROM {table} LIMIT 1"))  # noqa: S608 - a name above
        mandates = "SELECT id::text FROM mandate WHERE zone_id::text = $1"
        traded["mandate_id"] = str(await connection.fetchval(mandates, traded["zone_id"]))
    async with module_database.transaction() as session:
        within = await zones.open_zone(session)
        drafts = {
            "listing_id": (
                await catalogue.list_made(session, await catalogue.approved_product(session))
            ).listing.id,
            "product_id": (await catalogue.draft_product(session)).product.id,
            "resource_id": (await zones.draft_resource(session, within)).id,
        }
    drafted = traded | {name: str(row) for name, row in drafts.items()}
    return {
        "traded": (traded, traded | {name: nothing(name, thing) for name, thing in traded.items()}),
        "drafted": (drafted, drafted | {name: str(new_id(moment())) for name in drafts}),
    }


@pytest_asyncio.fixture(scope="module")
async def strangers(
    module_database: Database, markets: Mapping[str, tuple[Things, Things]]
) -> Mapping[str, Actor | None]:
    """The parties to another deal, the same roles for nobody, and offices that oversee nothing."""
    deal = await trading.active_contract(module_database, of_zone=True)
    return {
        "visitor": None,
        "buyer": actor(Role.BUYER, organisation=deal.buyer.id),
        "provider": actor(Role.PROVIDER, organisation=deal.provider.id),
        "operator": actor(Role.OPERATOR, organisation=deal.provider.id),
        "newcomer": actor(Role.BUYER, organisation=new_id(moment())),
        "buyer of nobody": actor(Role.BUYER),
        "provider of nobody": actor(Role.PROVIDER),
        "operator of nobody": actor(Role.OPERATOR),
        "reviewer": actor(Role.REVIEWER),
        "admin": ADMIN,
    }


@pytest.fixture(scope="module")
def walked(module_database: Database, settings: Settings) -> FastAPI:
    return create_app(settings, module_database, read_clock=lambda: NOON)


@dataclass(frozen=True)
class Asked:
    """A request in which each thing stands as its name in braces."""

    name: str
    method: str
    path: str
    query: Mapping[str, str]
    body: Any

    def about(self, things: Things) -> dict[str, Any]:
        """What the client sends: these things in the place of their names."""
        text = json.dumps([self.path, self.query, self.body], ensure_ascii=False)
        path, query, body = json.loads(re.sub(r"\{(\w+)\}", lambda found: things[found[1]], text))
        return {"url": f"http://market{path}", "params": query, "json": body}


def named(value: Any, things: Things, key: str = "") -> Any:
    """An example, in which ids are the names of what they stand for."""
    if isinstance(value, dict):
        return {inner: named(part, things, inner) for inner, part in value.items()}
    if isinstance(value, list):
        return [named(part, things, key) for part in value]
    if key.endswith("_id"):
        return f"{{{key if key in things else 'participant_id'}}}"
    return value


def bodies(operation: dict[str, Any], schemas: dict[str, Any], things: Things) -> Iterator[Any]:
    """The example of the document; of an event, each event that there is."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        yield None
        return
    body = named(content["example"], things)
    if "event" not in body:
        yield body
        return
    events = schemas[content["schema"]["$ref"].rsplit("/", 1)[1]]["properties"]["event"]
    known = schemas[events["$ref"].rsplit("/", 1)[1]] if "$ref" in events else events
    for event in known.get("enum", [known.get("const")]):
        yield body | {"event": event}


def asked(app: FastAPI, things: Things, *, reads: bool) -> Iterator[Asked]:
    """Every request of the document that names a thing of somebody."""
    document = app.openapi()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if (method == "get") is not reads:
                continue
            for body in bodies(operation, document["components"]["schemas"], things):
                whole = Asked(f"{method.upper()} {path}", method.upper(), path, {}, body)
                if "{" in json.dumps([path, body]).replace("{}", "").replace('{"', ""):
                    yield whole
                for item in operation.get("parameters", ()):
                    if item["in"] == "query" and item["name"] in NAMED:
                        yield replace(whole, query={item["name"]: f"{{{NAMED[item['name']]}}}"})


def said(answer: httpx.Response) -> tuple[int, Any]:
    """What an answer tells: not which path was asked, nor when."""
    if answer.headers.get("content-type", "").endswith("json"):
        told = answer.json()
        return answer.status_code, {
            key: told[key] for key in told if key not in {"instance", "trace_id", "providerPid"}
        }
    return answer.status_code, answer.text


async def each_answer(
    app: FastAPI, caller: Actor | None, market: tuple[Things, Things], *, reads: bool
) -> AsyncIterator[tuple[Asked, Said, Said]]:
    """Every request of the document that names a thing: what it is told, and what it would be told of nothing."""
    headers = {} if reads else {"If-Match": "*"}
    async with client_of(app, caller, NOON) as client:
        for request in asked(app, market[0], reads=reads):
            found, missed = [
                said(await client.request(request.method, headers=headers, **request.about(of)))
                for of in market
            ]
            yield request, found, missed


@pytest.mark.parametrize("kind", ["traded", "drafted"])
async def test_who_reads_what_is_not_theirs_reads_what_there_is_of_nothing(
    walked: FastAPI,
    markets: Mapping[str, tuple[Things, Things]],
    strangers: Mapping[str, Actor | None],
    kind: str,
) -> None:
    compared = 0
    for who, caller in strangers.items():
        open_to_them = SEEN_BY_VISITORS if caller is None else SEEN_BY_VISITORS | SEEN_BY_WHO_SIGNED_IN
        async for request, found, missed in each_answer(walked, caller, markets[kind], reads=True):
            if kind == "traded" and (
                request.name in open_to_them or (who == "reviewer" and REVIEWED in request.name)
            ):
                continue
            assert found == missed, (who, request)
            compared += 1
    assert compared > 450


@pytest.mark.parametrize("kind", ["traded", "drafted"])
async def test_who_writes_to_what_is_not_theirs_is_refused_and_nothing_changes(
    walked: FastAPI,
    markets: Mapping[str, tuple[Things, Things]],
    strangers: Mapping[str, Actor | None],
    kind: str,
) -> None:
    compared = 0
    before = await rows_of(walked.state.database)
    for who, caller in strangers.items():
        async for request, found, missed in each_answer(walked, caller, markets[kind], reads=False):
            of_office = who == "reviewer" and REVIEWED in request.name
            if not of_office and (kind == "drafted" or request.name not in ABOUT_WHAT_ALL_SEE):
                assert found == missed, (who, request)
            assert found[0] >= 400 or request.name in OPEN_TO_STRANGERS, (who, request)
            compared += 1
    after = await rows_of(walked.state.database)
    assert {name for name in before if before[name] - after[name]} == set()
    assert compared > 700
