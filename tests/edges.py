"""Which test proves which of the seventy edge cases of the subsidy: `python -m tests.edges` lists them.

The numbers are those of the design; a test says `@pytest.mark.edge(13)`, or of a case with several halves which `part`.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).parent
LAST = 70


class Proof(NamedTuple):
    test: str
    part: str | None


def proofs() -> dict[int, list[Proof]]:
    """Every mark of every test, by number."""
    found: defaultdict[int, list[Proof]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for number, part in _marked(node):
                    found[number].append(Proof(f"{path.relative_to(TESTS).as_posix()}::{node.name}", part))
    return dict(found)


def _marked(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[int, str | None]]:
    for mark in node.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.edge":
            part = next((ast.literal_eval(one.value) for one in mark.keywords if one.arg == "part"), None)
            yield ast.literal_eval(mark.args[0]), part


if __name__ == "__main__":
    proved = proofs()
    for number in range(1, LAST + 1):
        for test, part in proved.get(number, []):
            print(f"{number:2} {test}{f' ({part})' if part else ''}")  # noqa: T201 - a command
