"""What is deployed by hand: the compose file reads, and a city moves into a schema of its own as docs/scale.md says."""

from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml

from datamarket.foundation.db import Database
from datamarket.migrations.apply import migrate
from tests.world import trading
from tests.world.books import assert_books_hold
from tests.world.psql import psql

ROOT = Path(__file__).parents[2]
CUT = ROOT / "deploy" / "citus.sql"
CITY = "city_370200"
_STAND_IN = """
CREATE SCHEMA stand_in;
CREATE VIEW stand_in.citus_shards AS SELECT 'nowhere' AS nodename, 0 AS nodeport, NULL AS table_name;
CREATE FUNCTION stand_in.citus_schema_distribute(p_schema regnamespace) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class r ON r.oid = c.confrelid
                WHERE (t.relnamespace = p_schema) <> (r.relnamespace = p_schema)) THEN
        RAISE EXCEPTION 'a foreign key leaves the schema';
    END IF;
    IF EXISTS (SELECT FROM pg_class WHERE relnamespace = p_schema AND relkind = 'S') THEN
        RAISE EXCEPTION 'a number that is counted is counted on one node';
    END IF;
END
$$;
"""
"""Stands in for Citus: it moves nothing."""


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return read


def test_services_volumes_and_networks_of_the_compose_file_fit_together(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or (ROOT / source).exists(), name
        for network in service.get("networks", []):
            assert network == "default" or network in compose["networks"], name
        assert ("image" in service) != ("build" in service), name


def test_the_citus_profile_is_one_coordinator_two_workers_and_the_cut(compose: dict[str, Any]) -> None:
    citus = {name for name, service in compose["services"].items() if "citus" in service.get("profiles", [])}
    nodes = {"citus-coordinator", "citus-worker-1", "citus-worker-2"}
    assert citus == nodes | {"citus-schema", "citus-books", "citus-city"}
    for name in nodes:
        assert "ports" not in compose["services"][name]
        assert "citus.enable_unsafe_triggers=on" in compose["services"][name]["command"]
    assert compose["services"]["citus-city"]["environment"]["DATABASE_URL"].endswith(f"?search_path={CITY}")
    assert f"--set=city={CITY}" in compose["services"]["citus-books"]["entrypoint"]
    cutting = compose["services"]["citus-books"]
    told = " ".join(cutting["entrypoint"])
    assert all(name in told for name in nodes)
    assert "--file=/deploy/citus.sql" in cutting["entrypoint"]
    assert set(cutting["depends_on"]) == {"citus-worker-1", "citus-worker-2", "citus-schema"}


def test_the_load_profile_is_a_master_and_as_many_workers_as_it_expects(compose: dict[str, Any]) -> None:
    services = compose["services"]
    load = {name for name, service in services.items() if "load" in service.get("profiles", [])}
    assert load == {"city", "locust", "locust-worker"}
    master, worker = services["locust"], services["locust-worker"]
    expected = next(part for part in master["command"] if part.startswith("--expect-workers="))
    assert expected.partition("=")[2] == worker["deploy"]["replicas"] == "${LOCUST_WORKERS:-1}"
    assert {"--worker", "--master-host=locust"} <= set(worker["command"])
    for service in (master, worker):
        assert service["build"] == {"context": ".", "target": "load"}
        assert "--locustfile=loadtests/locustfile.py" in service["command"]


async def test_a_city_lives_in_a_schema_of_its_own(fresh_database: Database) -> None:
    """The script on a migrated market, the second `migrate`, and then trades, refunds and every check in that schema."""
    owner = await asyncpg.connect(fresh_database.url)
    await owner.execute(_STAND_IN)
    tables = set(await owner.fetch(_TABLES, "public"))
    also = f"{fresh_database.url}{'&' if '?' in fresh_database.url else '?'}"
    await psql(f"{also}options=-csearch_path%3Dpublic,stand_in", CUT, city=CITY)
    url = f"{also}search_path={CITY}"
    await migrate(url)
    city = await Database(url, 4).open()
    deal = await trading.active_contract(city)
    await trading.refund(city, deal, (await trading.trade(city, deal)).id)
    await city.close()
    await assert_books_hold(url)
    assert set(await owner.fetch(_TABLES, CITY)) == tables
    assert await owner.fetch(_TABLES, "public") == []
    paths = {row["proconfig"] for row in await owner.fetch(_PATHS)}
    assert paths == {f"search_path={CITY}, pg_temp"}
    await owner.close()


_TABLES = (
    "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v') AND relnamespace = $1::text::regnamespace"
)
_PATHS = "SELECT unnest(proconfig) AS proconfig FROM pg_proc WHERE array_to_string(proconfig, ' ') LIKE '%search_path%'"
