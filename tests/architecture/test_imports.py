"""What may import what: the contracts of pyproject.toml, and two that hold for every slice alike."""

import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
ADMINISTERS = ("datamarket.accounts.actions", "datamarket.auth.tables")
"""Accounts are rows of auth, administered above it because that is told to evidence."""


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("datamarket", include_external_packages=True, cache_dir=None)


def slice_of(module: str) -> str:
    return module.split(".")[1]


def test_every_import_contract_is_kept() -> None:
    """In a process of its own: the linter's logging set-up silences every logger that is there before it."""
    linter = Path(sys.executable).with_name("lint-imports")
    linted = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    assert linted.returncode == 0, linted.stdout


def test_a_slice_talks_to_another_through_everything_but_its_tables(graph: grimp.ImportGraph) -> None:
    """slices alone reads them all, for what their constraints mean."""
    tables = [module for module in graph.modules if module.endswith(".tables")]
    foreign = {
        (importer, table)
        for table in tables
        for importer in graph.find_modules_that_directly_import(table)
        if slice_of(importer) != slice_of(table) and slice_of(table) != "foundation"
    }
    assert foreign <= {ADMINISTERS}


def test_only_shapes_routes_and_the_edge_know_http(graph: grimp.ImportGraph) -> None:
    """The contract names rows, reading and writing; here is everything else."""
    knowing = {
        importer
        for framework in ("fastapi", "starlette")
        for importer in graph.find_modules_that_directly_import(framework)
    }
    elsewhere = {
        module
        for module in knowing
        if not module.endswith((".api", ".shapes")) and slice_of(module) not in {"edge", "portal"}
    }
    assert elsewhere == {
        "datamarket.server.app",
        "datamarket.slices",
        "datamarket.auth.access",
        "datamarket.foundation.http",
        "datamarket.foundation.inputs.hot",
        "datamarket.foundation.inputs.requests",
        "datamarket.foundation.replicas.lagging",
    }


def test_only_tokens_know_jose(graph: grimp.ImportGraph) -> None:
    assert graph.find_modules_that_directly_import("jose") == {"datamarket.auth.tokens"}
