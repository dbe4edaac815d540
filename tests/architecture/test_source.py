"""What the source itself must not hold, read from its syntax trees."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import datamarket

ROOT = Path(datamarket.__path__[0])
LONGEST_MODULE = 400
LONGEST_FUNCTION = 45
FLOATS_ALLOWED = {
    "edge/middleware.py": "bounds of a histogram, in seconds",
}
"""Everywhere else no float is written, made or rounded: money might meet it."""
AT_HOME = {
    "datetime.now": {"foundation/clock.py"},
    "commit": {"migrations/apply.py"},
}
"""What may stand in one place only; sessions are committed by leaving their transaction."""
NOWHERE = {"utcnow", "uuid1", "uuid4", "HTTPException", "Relationship"}
"""Starlette's own refusals are met in edge, under a name that says whose they are."""
FORBIDDEN_NAMES = {
    "service",
    "services",
    "utils",
    "helpers",
    "common",
    "constants",
    "crud",
    "manager",
    "core",
}


def sources() -> list[str]:
    return sorted(
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if not path.relative_to(ROOT).as_posix().startswith("migrations/versions/")
    )


@cache
def tree_of(source: str) -> ast.Module:
    return ast.parse((ROOT / source).read_text(encoding="utf-8"))


def called(node: ast.AST) -> str:
    """The dotted name of what a node calls; empty for anything else."""
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def names_in(source: str) -> Iterator[str]:
    for node in ast.walk(tree_of(source)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield name
            case ast.ImportFrom(names=aliases):
                yield from (alias.asname or alias.name for alias in aliases)


@pytest.mark.parametrize("source", sources())
def test_no_float_is_written_made_or_rounded(source: str) -> None:
    if source in FLOATS_ALLOWED:
        return
    for node in ast.walk(tree_of(source)):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), ast.unparse(node)
        assert called(node) not in {"float", "round"}, (source, ast.unparse(node))
        if isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None:
            assert "float" not in ast.unparse(node.annotation).split(), (source, ast.unparse(node))


@pytest.mark.parametrize("source", sources())
def test_clocks_commits_and_chance_have_one_home(source: str) -> None:
    for node in ast.walk(tree_of(source)):
        name = called(node)
        for word, homes in AT_HOME.items():
            assert not name.endswith(word) or source in homes, (source, name)
    assert not set(names_in(source)) & NOWHERE, source


@pytest.mark.parametrize("source", sources())
def test_a_module_and_its_functions_can_be_read_at_once(source: str) -> None:
    assert len((ROOT / source).read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE
    for node in ast.walk(tree_of(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < LONGEST_FUNCTION, (source, node.name)


def test_a_file_is_named_by_a_word_of_its_domain() -> None:
    words = {
        word
        for source in sources()
        for part in source.removesuffix(".py").split("/")
        for word in part.split("_")
    }
    assert words & FORBIDDEN_NAMES == set()


def test_every_slice_has_a_page() -> None:
    """What it is, its words, its invariants, what it uses; at most 25 lines."""
    for page in ROOT.glob("*/__init__.py"):
        told = ast.get_docstring(ast.parse(page.read_text(encoding="utf-8")))
        assert told, page
        assert len(told.splitlines()) <= 25, page
        assert page.parent.name in {"foundation", "migrations"} or "Uses:" in told, page
