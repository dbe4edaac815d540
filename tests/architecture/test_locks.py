"""A read that holds a row says so in its name, and no GET holds one."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import datamarket

ROOT = Path(datamarket.__path__[0])
HOLDS = (
    "with_for_update",
    "FOR UPDATE",
    "FOR NO KEY UPDATE",
    "FOR SHARE",
    "FOR KEY SHARE",
    "pg_advisory_xact_lock",
)


def functions(pattern: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path in sorted(ROOT.rglob(pattern)):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path.relative_to(ROOT).as_posix(), node


def test_a_read_that_holds_a_row_is_called_lock() -> None:
    holding = {
        f"{source}:{node.name}"
        for source, node in functions("queries.py")
        if any(word in ast.unparse(node) for word in (*HOLDS, "lock_row("))
    }
    assert len(holding) > 15
    assert {name for name in holding if not name.partition(":")[2].startswith("lock_")} == set()


def test_no_read_takes_a_lock_as_a_flag() -> None:
    flags = {
        f"{source}:{node.name}"
        for source, node in functions("*.py")
        if {"lock", "to_change", "for_update"} & {argument.arg for argument in node.args.kwonlyargs}
    }
    assert flags == set()


@pytest.mark.parametrize("source", sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("api.py")))
def test_no_get_holds_a_row(source: str) -> None:
    for _, node in functions(source):
        routes = [ast.unparse(decorator) for decorator in node.decorator_list]
        if any(route.startswith("router.get(") for route in routes):
            assert ".lock_" not in ast.unparse(node), node.name
