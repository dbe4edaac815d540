"""Every hot statement finds its rows by an index: no plan reads a big table from end to end.

Each request is made in two sessions, one that plans for the values given and one that plans once for all
values. Every statement it sends is explained; what database functions do inside is counted by PostgreSQL.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import asyncpg
import orjson
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import event

from datamarket.auth.terms import Role
from datamarket.foundation.db import Database, PoolConnection
from datamarket.foundation.settings import Settings
from datamarket.ledger.terms import AccountKey, AccountKind
from datamarket.migrations.apply import create_database, drop_database, migrate
from datamarket.server.app import create_app
from datamarket.server.sealing import seal_all
from tests.conftest import Client, client_of
from tests.world import trading
from tests.world.crowd import crowd, multiply
from tests.world.market import OTHER_CITY
from tests.world.people import FINANCE, NOON, actor, moment, unique
from tests.world.trading import Agreement

LEDGER = trading.LEDGER_ID
BIG = 1_000
"""Rows from which a table is read by index; smaller ones are read whole for less."""
OVERSEER = actor(Role.AUTHORITY, Role.AUDITOR, Role.FINANCE)
MODES = ("force_custom_plan", "force_generic_plan")
READS_ALL = {
    "trial balance": {"ledger_account", "ledger_balance"},
    "trial balance at a date": {"ledger_account", "ledger_day", "ledger_balance"},
}
"""A sum over all accounts reads all accounts; it reads no entry and no leg."""


class Watched(Database):
    """A database that remembers the statements sent to it; one connection a pool, so that they share plans."""

    heard: list[tuple[str, tuple[Any, ...]]]

    def __init__(self, url: str) -> None:
        super().__init__(url, 1)
        self.heard = []
        event.listen(self.engine.sync_engine, "before_cursor_execute", self._sent)

    def _sent(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        self.heard.append((statement, tuple(parameters)))

    def _logged(self, query: Any) -> None:
        self.heard.append((query.query, tuple(query.args or ())))

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[PoolConnection]:
        async with super().connection() as connection:
            connection.add_query_logger(self._logged)
            try:
                yield connection
            finally:
                connection.remove_query_logger(self._logged)

    async def tell_counts(self) -> None:
        """Both sessions hand in what they counted."""
        async with self.transaction() as session:
            await (await session.connection()).exec_driver_sql("SELECT pg_stat_force_next_flush()")
        async with super().connection() as connection:
            await connection.execute("SELECT pg_stat_force_next_flush()")


@dataclass
class Crowd:
    """A market with many rows, and what the requests need to name."""

    url: str
    agreement: Agreement
    things: dict[str, Any]
    superuser: "asyncpg.Connection[asyncpg.Record]"
    clients: dict[str, tuple[Watched, Callable[[Any], Client]]] = field(default_factory=dict)

    async def big(self) -> set[str]:
        rows = await self.superuser.fetch(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND reltuples > $1", BIG
        )
        return {row["relname"] for row in rows}

    async def scanned(self) -> dict[str, int]:
        """How often each table was read from end to end."""
        rows = await self.superuser.fetch("SELECT relname, seq_scan FROM pg_stat_user_tables")
        return {row["relname"]: row["seq_scan"] for row in rows}


async def _named(connection: "asyncpg.Connection[asyncpg.Record]", agreement: Agreement) -> dict[str, Any]:
    """Ids of the agreement's own things, and a month in which there is much."""
    ids = dict(
        await connection.fetchrow(
            "SELECT t.id AS trade, e.id AS entry, l.id AS listing FROM trade t"
            " JOIN ledger_entry e ON e.ledger_id = t.ledger_id AND e.source_id = t.id"
            " JOIN contract c ON c.id = t.contract_id JOIN listing l ON l.id = c.listing_id"
            " WHERE t.contract_id = $1 AND t.refunded_fen = 0 LIMIT 1",
            agreement.contract.id,
        )
        or {}
    )
    ids["contract"] = agreement.contract.id
    ids["transfer"] = await connection.fetchval("SELECT id FROM city_transfer LIMIT 1")
    ids["hold"] = await connection.fetchval("SELECT id FROM ledger_hold LIMIT 1")
    for kind, owner in ((AccountKind.BUYER_FUNDS, agreement.buyer.id), (AccountKind.BANK, None)):
        ids[kind.value] = AccountKey(LEDGER, owner, kind).id
    return ids


async def _alone(superuser: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Until who loaded the market is gone: a session hands in what it counted at its very end."""
    others = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                 AND backend_type = 'client backend' AND pid <> pg_backend_pid()"""
    async with asyncio.timeout(30):
        while await superuser.fetchval(others):  # noqa: ASYNC110 - another process ends
            await asyncio.sleep(0.05)


def _caller_of(app: FastAPI) -> Callable[[Any], Client]:
    return lambda who: client_of(app, who, NOON)


@pytest_asyncio.fixture(scope="module")
async def crowded(
    server_url: str,
    worker_id: str,
    settings: Settings,
    database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Crowd]:
    name = f"datamarket_crowd_{worker_id}"
    await drop_database(server_url, name)
    url = await create_database(server_url, name)
    await migrate(url)
    made = await Database(url, 4).open()
    agreement = await crowd(made)
    await made.close()
    await multiply(url)
    sealed = await Database(url, 2).open()
    await seal_all(sealed, settings.model_copy(update={"var": tmp_path_factory.mktemp("crowd")}), moment)
    await sealed.close()
    superuser = await asyncpg.connect(url)
    await superuser.execute("ANALYZE seal_leaves, seal_block")
    await _alone(superuser)
    found = Crowd(url, agreement, await _named(superuser, agreement), superuser)
    for mode in MODES:
        await superuser.execute(f'ALTER DATABASE "{name}" SET plan_cache_mode = {mode}')
        watched = Watched(url)
        await watched.open()
        await watched.tell_counts()
        app = create_app(settings, watched, read_clock=lambda: NOON)
        found.clients[mode] = (watched, _caller_of(app))
    yield found
    for watched, _ in found.clients.values():
        await watched.close()
    await superuser.close()
    await drop_database(server_url, name)


Send = Callable[[Callable[[Any], Client], dict[str, Any], Agreement], Any]


def _filled(query: dict[str, str], things: dict[str, Any]) -> dict[str, str]:
    return {name: value.format(**things) for name, value in query.items()}


def _get(path: str, **query: Any) -> Send:
    """What an overseer reads."""
    return lambda client, things, _: client(OVERSEER).get(
        path.format(**things), params=_filled(query, things)
    )


def _mine(path: str, **query: Any) -> Send:
    """What the buyer reads."""
    return lambda client, things, deal: client(deal.buyer_account).get(
        path.format(**things), params=_filled(query, things)
    )


def _theirs(path: str, **query: Any) -> Send:
    """What the seller reads."""
    return lambda client, things, deal: client(deal.provider_account).get(
        path.format(**things), params=_filled(query, things)
    )


def _order(deal: Agreement) -> dict[str, Any]:
    return {"contract_id": str(deal.contract.id), "purpose": deal.purpose, "quantity": 1}


REQUESTS: dict[str, Send] = {
    "single trade": lambda client, _, deal: client(deal.buyer_account).post("/trades", json=_order(deal)),
    "batch": lambda client, _, deal: client(deal.buyer_account).post(
        "/trades/batch", json={"items": [_order(deal)] * 40}
    ),
    "use": lambda client, things, deal: client(deal.buyer_account).post(
        f"/contracts/{things['contract']}/uses", json={"purpose": deal.purpose, "quantity": 1}
    ),
    "use, dry run": lambda client, things, deal: client(deal.buyer_account).post(
        f"/contracts/{things['contract']}/uses/dry-run", json={"purpose": deal.purpose, "quantity": 1}
    ),
    "refund": lambda client, things, deal: client(deal.provider_account).post(
        f"/trades/{things['trade']}/refunds", json={"amount_fen": 1, "reason": "quality"}
    ),
    "order": lambda client, _, deal: client(deal.buyer_account).post(
        "/orders", json=_order(deal) | {"deliver_by": "2024-06-20T00:00:00Z", "acceptance_days": 7}
    ),
    "deposit": lambda client, _, deal: client(FINANCE).post(
        "/ledger/deposits",
        json={"owner_id": str(deal.buyer.id), "amount_fen": 5, "reference": unique("advice")},
    ),
    "city transfer": lambda client, _, deal: client(FINANCE).post(
        "/ledger/city-transfers",
        json={
            "owner_id": str(deal.buyer.id),
            "to_ledger": OTHER_CITY,
            "amount_fen": 5,
            "reference": unique("order"),
        },
    ),
    "listings": _mine("/listings"),
    "listings by price": _mine("/listings", sort="price_asc"),
    "listings searched": _mine("/listings", text="w77"),
    "own listings": _theirs("/listings", mine="true"),
    "listing": _mine("/listings/{listing}"),
    "unpriced uses": _theirs("/trades/unpriced"),
    "unpriced uses of a contract": _theirs("/trades/unpriced", contract="{contract}"),
    "trade by id": _mine("/trades/{trade}"),
    "trades of the buyer": _mine("/trades"),
    "trades of the seller": _theirs("/trades"),
    "trades of a contract": _mine("/trades", contract="{contract}"),
    "trades of all": _get("/trades"),
    "trades of a day": _get("/trades", since="2024-02-01T00:00:00Z", until="2024-02-02T00:00:00Z"),
    "refunds of a trade": _mine("/trades/{trade}/refunds"),
    "certificate": _mine("/trades/{trade}/certificate"),
    "contracts of the buyer": _mine("/contracts"),
    "contract": _theirs("/contracts/{contract}"),
    "uses of a contract": _mine("/contracts/{contract}/uses"),
    "orders of the buyer": _mine("/orders"),
    "orders awaited": _theirs("/orders/awaited"),
    "accounts of the buyer": _mine("/ledger/accounts"),
    "accounts of all": _get("/ledger/accounts"),
    "account": _mine("/ledger/accounts/{buyer_funds}"),
    "movements": _mine("/ledger/accounts/{buyer_funds}/legs"),
    "movements of the bank": _get("/ledger/accounts/{bank}/legs"),
    "statement": _mine("/ledger/accounts/{buyer_funds}/statement"),
    "entry": _mine("/ledger/entries/{entry}"),
    "trial balance": _get("/ledger/trial-balance"),
    "trial balance at a date": _get("/ledger/trial-balance", at="2024-06-02"),
    "holds of the buyer": _mine("/ledger/holds"),
    "holds of all": _get("/ledger/holds"),
    "hold": _get("/ledger/holds/{hold}"),
    "city transfers of the buyer": _mine("/ledger/city-transfers"),
    "city transfers of all": _get("/ledger/city-transfers"),
    "city transfer by id": _get("/ledger/city-transfers/{transfer}"),
    "feed of the buyer": _mine("/events"),
    "feed of all": _get("/events"),
    "inbox of the buyer": _mine("/inbox"),
    "inbox of the seller": _theirs("/inbox"),
    "inbox of an office": _get("/inbox"),
    "subscriptions of the buyer": _mine("/subscriptions"),
    "audit events": _get("/audit-events"),
    "audit events of a trade": _get("/audit-events", subject="{trade}"),
    "audit events of the commonest kind": _get("/audit-events", action="trading.record"),
    "audit events of a rare kind": _get("/audit-events", action="contracts.sign"),
}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


def read_whole(plan: Any, big: set[str]) -> set[str]:
    """The big tables that a plan reads from end to end."""
    top = orjson.loads(plan)[0]["Plan"]
    return {node["Relation Name"] for node in nodes(top) if node["Node Type"] == "Seq Scan"} & big


async def explained(crowd: Crowd, mode: str, statement: str, arguments: tuple[Any, ...]) -> str:
    """The plan of a statement, for these arguments or for any: EXECUTE keeps to the mode, on every version."""
    connection = await asyncpg.connect(crowd.url, server_settings={"plan_cache_mode": mode})
    try:
        prepared = await connection.prepare(statement)
        slots = enumerate(prepared.get_parameters(), 1)
        quoted = ", ".join(f"quote_nullable(${slot}::{type_.name}::text)" for slot, type_ in slots)
        values = await connection.fetchval(f"SELECT concat_ws(', ', {quoted})", *arguments) if quoted else ""
        execute = f'EXECUTE "{prepared.get_name()}"' + f"({values})" * bool(values)
        return cast("str", await connection.fetchval(f"EXPLAIN (FORMAT JSON) {execute}"))
    finally:
        await connection.close()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("request_name", REQUESTS)
async def test_a_hot_request_reads_no_big_table_from_end_to_end(
    crowded: Crowd, mode: str, request_name: str
) -> None:
    watched, client = crowded.clients[mode]
    allowed = READS_ALL.get(request_name, set())
    big = await crowded.big() - allowed
    await watched.tell_counts()
    before = await crowded.scanned()
    watched.heard.clear()
    answer = await REQUESTS[request_name](client, crowded.things, crowded.agreement)
    assert answer.is_success, answer.text
    statements = [heard for heard in watched.heard if _PLANNED.match(heard[0])]
    await watched.tell_counts()
    after = await crowded.scanned()
    assert statements
    found = {
        statement: whole
        for statement, arguments in statements
        if (whole := read_whole(await explained(crowded, mode, statement, arguments), big))
    }
    assert found == {}
    assert {table for table in big if after.get(table, 0) > before.get(table, 0)} == set()


_PLANNED = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH(?! RECURSIVE typeinfo_tree))\b", re.IGNORECASE)
"""The driver learns the types of arrays by a question of its own, once a connection."""


@pytest.mark.parametrize("mode", MODES)
async def test_a_plan_that_reads_a_whole_table_would_be_seen(crowded: Crowd, mode: str) -> None:
    statement = "SELECT count(*) FROM ledger_leg WHERE amount_fen = $1"
    assert read_whole(await explained(crowded, mode, statement, (7,)), await crowded.big()) == {
        "ledger_leg_p2024"
    }
    before = await crowded.scanned()
    await crowded.superuser.fetchval(statement, 7)
    await crowded.superuser.execute("SELECT pg_stat_force_next_flush()")
    assert (await crowded.scanned())["ledger_leg_p2024"] == before["ledger_leg_p2024"] + 1
