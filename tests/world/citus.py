"""The suite on Citus: `CITUS_URL` names a coordinator and its workers, as a URL of several hosts.

Each database is on every node, with one city as a schema of the last worker; tests work on that worker, as a city's processes do.
"""

import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from datamarket.foundation.db import owner_connection, with_database
from datamarket.foundation.waiting.servers import Servers
from datamarket.migrations.apply import migrate
from tests.world.psql import psql

URL = os.environ.get("CITUS_URL", "")
CITY = "city_370200"
CUT = Path(__file__).parents[2] / "deploy" / "citus.sql"


def nodes() -> list[str]:
    """One URL a node, the coordinator first."""
    parts = urlsplit(URL)
    login = parts.netloc.rpartition("@")[0]
    places = [f"{login}@{host}:{port}" for host, port in Servers.of(URL).places]
    return [urlunsplit(parts._replace(netloc=place)) for place in places]


def of_the_city(url: str) -> str:
    return f"{url}?search_path={CITY}"


def server() -> str:
    """The worker that has the city, as the application names it."""
    return of_the_city(nodes()[-1])


async def make_city(name: str) -> None:
    """A database on all nodes, migrated and then given to the last worker by the script that is deployed.

    One after another: the role is the whole cluster's, and two who alter it at once refuse each other.
    """
    coordinator = with_database(nodes()[0], name)
    async with owner_connection(nodes()[0]) as alone:
        await alone.execute("SELECT pg_advisory_lock(1)")
        await _make(coordinator, name)


async def _make(coordinator: str, name: str) -> None:
    for node in nodes():
        async with owner_connection(node) as connection:
            await connection.execute(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'")
        async with owner_connection(with_database(node, name)) as connection:
            await connection.execute("CREATE EXTENSION citus")
    async with owner_connection(coordinator) as connection:
        [(head, head_port), *places] = Servers.of(URL).places
        await connection.execute("SELECT citus_set_coordinator_host($1, $2)", head, head_port)
        for host, port in places:
            await connection.execute("SELECT citus_add_node($1, $2)", host, port)
        for host, port in places[:-1]:
            keep = "SELECT citus_set_node_property($1, $2, 'shouldhaveshards', false)"
            await connection.execute(keep, host, port)
    await migrate(coordinator)
    await psql(coordinator, CUT, city=CITY)
    await migrate(of_the_city(coordinator))


async def copy_city(empty: str, name: str) -> str:
    """The same database on every node; the daemon of a database keeps others from copying it, and is sent away."""
    for node in nodes():
        await _alone(node, empty, f'CREATE DATABASE "{name}" TEMPLATE "{empty}"')
    return with_database(server(), name)


async def drop_city(name: str) -> None:
    """From every node."""
    for node in nodes():
        await _alone(node, name, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def _alone(node: str, database: str, statement: str) -> None:
    async with owner_connection(node) as connection:
        for _ in range(50):
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", database
            )
            with suppress(asyncpg.ObjectInUseError):
                await connection.execute(statement)
                return
    pytest.fail(f"others stay in the database {database}")
