"""The tests mirror the rooms, and a failure names itself: one journey to a test, no long files."""

import ast
from pathlib import Path

import datamarket
from tests.conftest import BESIDE_THE_ROOMS

TESTS = Path(__file__).parents[1]
ROOT = Path(datamarket.__path__[0])
FILES = sorted(TESTS.rglob("test_*.py"))
MOST_ASSERTIONS = 14
"""In one test; a story that needs more is told by journeys."""
MOST_LINES = 400


def name_of(path: Path) -> str:
    return path.relative_to(TESTS).as_posix()


def test_a_folder_of_tests_is_named_as_a_slice_or_room_or_stands_beside_them() -> None:
    folders = {file.parent for file in FILES}
    assert TESTS not in folders
    rooms = {
        name_of(folder) for folder in folders if name_of(folder).partition("/")[0] not in BESIDE_THE_ROOMS
    }
    assert {name for name in rooms if not (ROOT / name / "__init__.py").is_file()} == set()
    assert {name_of(folder) for folder in folders if not (folder / "__init__.py").is_file()} == set()
    assert {name for name in BESIDE_THE_ROOMS if not (TESTS / name).is_dir()} == set()


def test_a_test_tells_one_journey() -> None:
    told = {
        f"{name_of(file)}::{node.name}": sum(isinstance(inner, ast.Assert) for inner in ast.walk(node))
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }
    assert {name: asserted for name, asserted in told.items() if asserted > MOST_ASSERTIONS} == {}


def test_a_file_of_tests_is_read_at_once() -> None:
    lengths = {name_of(file): len(file.read_text(encoding="utf-8").splitlines()) for file in FILES}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}
