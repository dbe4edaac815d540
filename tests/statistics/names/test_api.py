"""What an id is called is told to whoever may read the thing, and to nobody else: names and reading are held together."""

from collections.abc import AsyncIterator

import pytest_asyncio

from datamarket.auth.terms import Actor, Role
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.server.app import create_app
from datamarket.statistics.names import queries
from tests.conftest import Client, client_of
from tests.world import catalogue, subsidy, trading
from tests.world.participants import admitted
from tests.world.people import ADMIN, AUDITOR, AUTHORITY, FINANCE, NOON, REVIEWER, actor, enrol

EXACT = {"contract": "contract", "trade": "trade", "quote": "quote", "listing": "listing", "resource": "resource",
         "product": "product", "subsidy_case": "case", "subsidy_paper": "paper"}  # fmt: skip
"""Table → kind of what is named if and only if its caller may read it."""
OPEN = {"participant": "participant", "zone": "zone", "mandate": "mandate", "scenario": "scenario", "venue": "venue",
        "subsidy_run": "run", "account": "account", "scheme": "scheme"}  # fmt: skip
"""Of these too some are named to who reads their name elsewhere: a seller's in the catalogue, a run's in its public list."""
UNLINKED = {("product", "visitor"), ("product", "admin")}
"""They read a product's name on its listing."""
PATHS = {"case": "/subsidy/cases", "paper": "/subsidy/papers"}


@pytest_asyncio.fixture(scope="module")
async def people(module_database: Database, settings: Settings) -> AsyncIterator[dict[str, Client]]:
    """A market in which each kind has things of several owners, and who may ask for them."""
    deal = await trading.active_contract(module_database, of_zone=True)
    other = await trading.active_contract(module_database)
    await trading.trade(module_database, deal)
    await trading.trade(module_database, other)
    await trading.quoted(module_database, other)
    async with module_database.transaction() as session:
        await catalogue.draft_product(session)
        stranger = await admitted(session)
    officers = subsidy.Officers()
    await subsidy.two_sellers_and_a_case(module_database)
    await subsidy.publicised(module_database, officers)
    buyer_elsewhere = actor(Role.BUYER, organisation=stranger.id)
    asking: dict[str, Actor | None] = {
        "visitor": None, "buyer": deal.buyer_account, "provider": deal.provider_account, "stranger": buyer_elsewhere,
        "authority": AUTHORITY, "finance": FINANCE, "auditor": AUDITOR, "reviewer": REVIEWER, "admin": ADMIN,
    }  # fmt: skip
    await enrol(module_database, *(who for who in asking.values() if who))
    app = create_app(settings, module_database, read_clock=lambda: NOON)
    clients = {name: client_of(app, who, NOON) for name, who in asking.items()}
    yield clients
    for client in clients.values():
        await client.aclose()


async def ids_of(database: Database, table: str) -> list[str]:
    async with database.connection() as connection:
        return [row[0] for row in await connection.fetch(f"SELECT id::text FROM {table} LIMIT 12")]  # noqa: S608 - a name that stands here


async def named(client: Client, ids: list[str]) -> dict[str, dict[str, str]]:
    answer = await client.get("/names", params={"id": ids})
    assert answer.status_code == 200, answer.text
    return {item["id"]: item for item in answer.json()["items"]}


async def test_what_is_named_can_be_read_and_what_can_be_read_is_named(
    people: dict[str, Client], module_database: Database
) -> None:
    for table, kind in (EXACT | OPEN).items():
        ids = await ids_of(module_database, table)
        assert ids, table
        for who, client in people.items():
            told = await named(client, ids)
            assert {item["kind"] for item in told.values()} <= {kind}
            assert all(item["name_zh"] and item["name_en"] for item in told.values())
            for one in ids:
                path = f"{PATHS.get(kind, f'/{kind}s')}/{one}"
                if table in EXACT and (kind, who) not in UNLINKED:
                    may = (await client.get(path)).status_code == 200
                    assert (one in told) == may, (who, kind, may)
            if told and who in {"authority", "auditor"}:
                first = next(iter(told.values()))
                assert (await client.get(first["path"])).status_code == 200, first


async def test_a_visitor_is_told_what_stands_in_public_lists_alone(
    people: dict[str, Client], module_database: Database
) -> None:
    visitor, auditor = people["visitor"], people["auditor"]
    for table in ("contract", "trade", "quote", "subsidy_case", "account"):
        assert await named(visitor, await ids_of(module_database, table)) == {}
    parties = await ids_of(module_database, "participant")
    public, all_of_them = await named(visitor, parties), await named(auditor, parties)
    assert set() < set(public) < set(all_of_them)
    runs = await named(visitor, await ids_of(module_database, "subsidy_run"))
    [run] = runs.values()
    assert (await visitor.get(run["path"])).status_code == 200
    assert "publicised" in run["name_en"]


async def test_a_connection_plans_the_question_once(module_database: Database) -> None:
    asking = await Database(module_database.url, 1).open()
    try:
        ids = await ids_of(module_database, "participant")
        for who in (None, AUDITOR, AUTHORITY):
            assert await queries.names_of(asking, ids, visible_to=who)
        async with asking.connection() as connection:
            [plans] = await connection.fetch(
                "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE '%subsidy_paper t%' AND statement NOT LIKE '%pg_prepared%'"
            )
        assert tuple(plans) == (3, 0)
    finally:
        await asking.close()


async def test_ids_of_nothing_are_left_out_and_a_hundred_is_the_most(people: dict[str, Client]) -> None:
    visitor = people["visitor"]
    assert await named(visitor, ["018fdc6e-0c00-7000-8000-000000000001", "no id' OR 1=1", "…"]) == {}
    assert (await visitor.get("/names")).status_code == 422
    assert (await visitor.get("/names", params={"id": ["x"] * 101})).status_code == 422
