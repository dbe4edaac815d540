"""Which methods a path knows: several routers share one, and a router knows only its own."""

import functools
import re

from fastapi import FastAPI


def methods_of(app: FastAPI, path: str) -> list[str]:
    """Every method that a documented path knows, whichever of its routes is asked first."""
    paths = app.openapi()["paths"]
    matching = [path] if path in paths else [known for known in paths if _pattern(known).fullmatch(path)]
    methods = {method.upper() for known in matching for method in paths[known]}
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)


@functools.cache
def _pattern(template: str) -> re.Pattern[str]:
    literal = re.split(r"\{[^}]*\}", template)
    return re.compile("[^/]+".join(map(re.escape, literal)))
