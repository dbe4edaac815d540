"""What is deployed by hand: the compose file reads, and the books are cut by city as docs/scale.md says."""

import re
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml

from datamarket.foundation.db import Database
from tests.architecture.test_ledger_keys import BOOKS
from tests.world import trading

ROOT = Path(__file__).parents[2]
CUT = (ROOT / "deploy" / "citus.sql").read_text(encoding="utf-8")
_DISTRIBUTED = re.compile(r"create_distributed_table\('(\w+)', '(\w+)'")
_STAND_IN = """
CREATE TABLE cut (relation regclass PRIMARY KEY);
CREATE FUNCTION create_distributed_table(p_table regclass, p_column text, colocate_with text DEFAULT 'default',
                                         shard_count integer DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    given smallint := (SELECT attnum FROM pg_attribute WHERE attrelid = p_table AND attname = p_column);
BEGIN
    IF EXISTS (SELECT FROM pg_index WHERE indrelid = p_table AND indisunique AND NOT given = ANY (indkey)) THEN
        RAISE EXCEPTION '%: a unique key without %', p_table, p_column;
    END IF;
    IF EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND conrelid = p_table AND NOT given = ANY (conkey)) THEN
        RAISE EXCEPTION '%: a foreign key without %', p_table, p_column;
    END IF;
    IF EXISTS (SELECT FROM pg_constraint c WHERE contype = 'f' AND conrelid = p_table
                AND NOT EXISTS (SELECT FROM cut WHERE relation = c.confrelid)) THEN
        RAISE EXCEPTION '%: refers to a table that is not distributed yet', p_table;
    END IF;
    IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = p_table AND NOT tgisinternal AND tgtype & 1 = 0) THEN
        RAISE EXCEPTION '%: a statement trigger', p_table;
    END IF;
    IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = p_table AND NOT tgisinternal)
       AND current_setting('citus.enable_unsafe_triggers', true) IS DISTINCT FROM 'on' THEN
        RAISE EXCEPTION '%: a row trigger', p_table;
    END IF;
    IF colocate_with <> 'default' AND NOT EXISTS (SELECT FROM cut WHERE relation = colocate_with::regclass) THEN
        RAISE EXCEPTION '%: nothing to stand beside', p_table;
    END IF;
    INSERT INTO cut VALUES (p_table);
END
$$;
"""
"""Stands in for Citus: it moves nothing, and refuses what Citus is documented to refuse."""


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
    assert citus == nodes | {"citus-schema", "citus-books"}
    for name in nodes:
        assert "ports" not in compose["services"][name]
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


def test_every_table_of_the_books_is_cut_by_its_ledger_and_no_other() -> None:
    named = _DISTRIBUTED.findall(CUT)
    assert sorted(table for table, _ in named) == sorted(BOOKS)
    assert {column for _, column in named} == {"ledger_id"}


async def test_the_cut_asks_nothing_that_citus_is_known_to_refuse(fresh_database: Database) -> None:
    deal = await trading.active_contract(fresh_database)
    await trading.trade(fresh_database, deal)
    connection = await asyncpg.connect(fresh_database.url)
    try:
        await connection.execute(_STAND_IN)
        await connection.execute(CUT)
        cut = {row["name"] for row in await connection.fetch("SELECT relation::text AS name FROM cut")}
        left = await connection.fetch(
            "SELECT conname FROM pg_constraint c WHERE contype = 'f' AND confrelid IN (SELECT relation FROM cut)"
            " AND NOT EXISTS (SELECT FROM cut WHERE relation = c.conrelid)"
            " AND NOT (SELECT relispartition FROM pg_class WHERE oid = c.conrelid)"
        )
    finally:
        await connection.close()
    assert cut == BOOKS
    assert [row["conname"] for row in left] == []
