"""Which methods a path knows: several routers share one, and a router knows only its own."""

import re
from collections.abc import Iterator

from fastapi import FastAPI


def methods_of(app: FastAPI, path: str) -> list[str]:
    """Every method that a documented path knows, whichever of its routes is asked first."""
    found: set[str] = set()
    for pattern, methods in _paths(app):
        if pattern.fullmatch(path):
            found.update(methods)
    return sorted(found)


def _paths(app: FastAPI) -> Iterator[tuple[re.Pattern[str], list[str]]]:
    for template, operations in app.openapi()["paths"].items():
        literal = re.split(r"\{[^}]*\}", template)
        yield re.compile("[^/]+".join(map(re.escape, literal))), [method.upper() for method in operations]
