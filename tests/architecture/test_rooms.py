"""Rooms are named by nouns and stay small; each has a page; a class name occurs once; every room is registered."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import datamarket
from datamarket import slices

ROOT = Path(datamarket.__path__[0])
MOST_FILES = 14
LONGEST_PAGE = 25
REGISTERED = {"api", "tables", "rules"}
"""What a registered room is read for; a room without any of these needs no line."""


def rooms() -> list[Path]:
    return sorted(page.parent for page in ROOT.rglob("__init__.py"))


def name_of(room: Path) -> str:
    return ".".join(room.relative_to(ROOT).parts)


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(ROOT.rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("room", rooms(), ids=name_of)
def test_a_room_has_few_doors(room: Path) -> None:
    files = [path.name for path in room.iterdir() if path.is_file() and path.suffix != ".pyc"]
    assert len(files) <= MOST_FILES, sorted(files)


@pytest.mark.parametrize("room", rooms(), ids=name_of)
def test_a_room_has_a_page_that_can_be_read_at_once(room: Path) -> None:
    told = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))
    assert told
    assert len(told.splitlines()) <= LONGEST_PAGE


def test_a_class_name_occurs_once() -> None:
    homes: defaultdict[str, list[str]] = defaultdict(list)
    for source, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(source)
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}


def test_an_alias_means_one_thing() -> None:
    """A name beginning with a capital that a module gives to a type is given by one module."""
    homes: defaultdict[str, list[str]] = defaultdict(list)
    for source, tree in trees():
        for node in tree.body:
            targets = node.targets if isinstance(node, ast.Assign) else []
            for target in targets:
                if isinstance(target, ast.Name) and target.id[0].isupper() and not target.id.isupper():
                    homes[target.id].append(source)
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}


def test_every_room_with_routes_rows_or_lives_is_registered() -> None:
    registered = set(slices.ROOMS)
    holding = {
        name_of(path.parent)
        for name in REGISTERED
        for path in ROOT.rglob(f"{name}.py")
        if name_of(path.parent) not in {"foundation", "simulation"}
    }
    grounds = {
        name for name in holding if name in {"ledger", "catalogue", "subsidy.evaluator", "ledger.reports"}
    }
    assert holding - registered - grounds == set()
    assert len(slices.ROOMS) == len(registered)


@pytest.mark.parametrize("room", slices.ROOMS)
def test_a_registered_room_is_there(room: str) -> None:
    assert (ROOT / room.replace(".", "/") / "__init__.py").is_file()
