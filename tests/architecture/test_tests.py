"""The tests mirror the rooms, and a failure names itself: one journey to a test, no long files."""

import ast
from pathlib import Path

import pytest

import datamarket
from tests.conftest import BESIDE_THE_ROOMS

TESTS = Path(__file__).parents[1]
ROOT = Path(datamarket.__path__[0])
FILES = sorted(TESTS.rglob("test_*.py"))
MOST_ASSERTIONS = 14
"""In one test; a story that needs more is told by journeys."""
MOST_LINES = 400
LONGER = {"e2e/test_subsidy_run.py"}
"""To be split; nothing joins it."""


def name_of(path: Path) -> str:
    return path.relative_to(TESTS).as_posix()


def folders() -> set[Path]:
    """Whatever leads to a module of a room's tests."""
    inside = {
        parent.relative_to(TESTS)
        for file in TESTS.rglob("*.py")
        for parent in file.parents[:-1]
        if parent.is_relative_to(TESTS)
    }
    return {TESTS / folder for folder in inside if folder.parts and folder.parts[0] not in BESIDE_THE_ROOMS}


@pytest.mark.parametrize("folder", sorted(folders()), ids=name_of)
def test_a_folder_of_tests_is_named_as_a_slice_or_room(folder: Path) -> None:
    assert (ROOT / name_of(folder) / "__init__.py").is_file()
    assert (folder / "__init__.py").is_file()


def test_no_test_stands_outside_a_room_and_the_folders_beside_them() -> None:
    assert [path.name for path in TESTS.glob("test_*.py")] == []
    assert {name for name in BESIDE_THE_ROOMS if not (TESTS / name).is_dir()} == set()


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_a_test_tells_one_journey(file: Path) -> None:
    told = {
        node.name: sum(isinstance(inner, ast.Assert) for inner in ast.walk(node))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }
    assert {name: asserted for name, asserted in told.items() if asserted > MOST_ASSERTIONS} == {}


def test_a_file_of_tests_is_read_at_once() -> None:
    long = {name_of(file) for file in FILES if len(file.read_text("utf-8").splitlines()) > MOST_LINES}
    assert long == LONGER
