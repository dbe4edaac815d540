"""The application's own document, against which every answer of every test is held."""

import re
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

import httpx
from fastapi import FastAPI

UNSAID = {
    *(
        "cache-control",
        "content-encoding",
        "content-length",
        "content-type",
        "vary",
        "x-content-type-options",
    ),
    *("access-control-allow-origin", "access-control-expose-headers"),
}
"""What HTTP itself explains, and what is for browsers."""
BEFORE_ANY_ROUTE = {405, 500}
"""A method that the path does not know; what nobody foresaw."""
Operations = dict[str, dict[str, Any]]


_documents: list[dict[str, Any]] = []
"""Of the first application that is asked; making it takes a second, and all have the same routes."""


def _document(app: FastAPI) -> dict[str, Any]:
    if not _documents:
        _documents.append(app.openapi())
    return _documents[0]


@cache
def _named() -> list[tuple[re.Pattern[str], Operations]]:
    """Each path of the document as a pattern, the plain ones first."""
    paths = sorted(_documents[0]["paths"].items(), key=lambda item: item[0].count("{"))
    return [(re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path))), known) for path, known in paths]


def held_to_the_document(app: FastAPI) -> Callable[[httpx.Response], Awaitable[None]]:
    """Fails where an operation answers with a status or a header that it does not declare."""

    async def hold(answer: httpx.Response) -> None:
        document = _document(app)
        request = answer.request
        method = "get" if request.method == "HEAD" else request.method.lower()
        matching = (known for path, known in _named() if path.fullmatch(request.url.path))
        operation = next(matching, {}).get(method)
        if operation is None or answer.status_code in BEFORE_ANY_ROUTE:
            return
        declared = operation["responses"].get(str(answer.status_code))
        assert declared is not None, f"{operation['operationId']} declares no {answer.status_code}"
        if "$ref" in declared:
            declared = document["components"]["responses"][declared["$ref"].rsplit("/", 1)[1]]
        undeclared = set(answer.headers) - UNSAID - {name.lower() for name in declared["headers"]}
        assert not undeclared, f"{operation['operationId']} declares no {undeclared}"

    return hold
