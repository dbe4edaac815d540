#!/usr/bin/env python3
"""Writes the parts of pages that the code decides: the paths in docs/api.md, the order of the slices in README.md."""

import ast
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute

from datamarket.auth.access import permission_of
from datamarket.edge.docs import TAGS
from datamarket.slices import routers

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "datamarket"
SENT = {"Idempotency-Key": "key", "If-Match": "tag"}
"""Headers that a path takes, as the table calls them."""


def paths() -> str:
    """A table for each tag, in the order of the interactive reference: path, permission, headers, summary."""
    tables = []
    for tag in (tag["name"] for tag in TAGS):
        rows = [_row(route) for router in routers() if tag in router.tags for route in _routes(router.routes)]
        if rows:
            heading = ["| Path | Permission | Sends | What |", "|---|---|---|---|"]
            tables.append("\n".join([f"**{tag}**", "", *heading, *rows]))
    return "\n\n".join(tables)


def order() -> str:
    """The layers of the import contract, top first, each with the first line of its page; rooms below their slice."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layered = {made["containers"][0]: made["layers"] for made in contracts["contracts"] if "layers" in made}
    lines = []
    for layer in layered["datamarket"]:
        for place, name in enumerate(layer.split(" | ")):
            said = _first_line(name)
            lines.append(f"{'| ' * bool(place)}{name}".ljust(16) + said)
            if rooms := layered.get(f"datamarket.{name}"):
                lines.append(" " * 16 + "rooms: " + ", ".join(rooms))
    return "\n".join(["```", *lines, "```"])


BLOCKS = {"docs/api.md": ("paths", paths), "README.md": ("order", order)}


def written(page: str) -> str:
    """The page as it should stand: its block new, the rest as it is."""
    name, make = BLOCKS[page]
    before, opening, rest = (
        (ROOT / page).read_text(encoding="utf-8").partition(f"<!-- {name}: `make docs` -->\n")
    )
    _, closing, after = rest.partition(f"\n<!-- end of {name} -->")
    return before + opening + make() + closing + after


def _first_line(name: str) -> str:
    """Of its page; read, not imported: `__main__` would run the command."""
    file = PACKAGE / f"{name}.py"
    page = ast.parse((file if file.exists() else PACKAGE / name / "__init__.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(page) or "").partition("\n")[0]


def _routes(routes: Sequence[object]) -> Iterator[APIRoute]:
    return (route for route in routes if isinstance(route, APIRoute))


def _row(route: APIRoute) -> str:
    asked = [found for inner in _dependencies(route.dependant) if (found := permission_of(inner.call))]
    taken = [field.alias for field in get_flat_params(route.dependant)]
    sends = " · ".join(short for header, short in SENT.items() if header in taken)
    path = f"{'/'.join(sorted(route.methods or ()))} {route.path_format}"
    return f"| `{path}` | {f'`{asked[0]}`' if asked else 'everyone'} | {sends} | {route.summary} |"


def _dependencies(dependant: Dependant) -> Iterator[Dependant]:
    for inner in dependant.dependencies:
        yield inner
        yield from _dependencies(inner)


if __name__ == "__main__":
    for page in BLOCKS:
        text = written(page)
        (ROOT / page).write_text(text, encoding="utf-8")
