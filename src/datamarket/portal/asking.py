"""The API, asked in this process for one visitor: every limit, permission and sentence is that of a call from outside."""

import asyncio
import re
from typing import Any, NamedTuple

import httpx
from fastapi import Request

from datamarket.foundation.http import API_PREFIX

_LOCAL = re.compile(r"/[A-Za-z0-9._~/-]*(\?[^#]*)?")


class Declined(Exception):
    """What the API refused: its problem document (RFC 9457)."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(problem.get("code", status))
        self.status, self.problem = status, problem


class Reply(NamedTuple):
    """What the API answered: its bytes, and what a JSON document says in them."""

    status: int
    body: Any
    headers: httpx.Headers
    content: bytes


class Asker:
    """Asks as the visitor of one request: with their address, language and access token."""

    def __init__(self, request: Request, language: str, access: str | None) -> None:
        address = (request.client.host, request.client.port) if request.client else ("-", 0)
        transport = httpx.ASGITransport(request.app, client=address)
        headers = {"Accept-Language": language, "X-Request-Id": request.scope["request_id"]}
        headers["Accept-Encoding"] = "identity"  # packed and unpacked in one process, it would only take time
        if access and access.isascii():
            headers["Authorization"] = f"Bearer {access}"
        self._client = httpx.AsyncClient(
            transport=transport,
            base_url=f"http://portal{API_PREFIX}",
            headers=headers,
            timeout=None,  # noqa: S113 - each route has its own deadline
            trust_env=False,
        )

    async def send(self, method: str, path: str, /, **more: Any) -> Reply:
        """`more` is what httpx takes. Raises Declined."""
        if not _LOCAL.fullmatch(path) or ".." in path:
            raise Declined(404, {"status": 404})
        response = await self._client.request(method, path, **more)
        is_json = "json" in response.headers.get("content-type", "")
        body = response.json() if is_json and response.content else response.content
        if response.status_code >= 400:
            raise Declined(response.status_code, body if isinstance(body, dict) else {})
        return Reply(response.status_code, body, response.headers, response.content)

    async def get(self, path: str, /, **query: Any) -> Any:
        """The document at `path`; a query of None is left out. Raises Declined."""
        asked = {name: value for name, value in query.items() if value not in (None, "")}
        return (await self.send("GET", path, **({"params": asked} if asked else {}))).body

    async def get_all(self, *paths: str) -> list[Any]:
        """Several at once, in their order. Raises Declined."""
        return await asyncio.gather(*(self.get(path) for path in paths))

    async def find(self, path: str, /, **query: Any) -> Any | None:
        """The document, or none where this caller may not read it."""
        try:
            return await self.get(path, **query)
        except Declined as refused:
            if refused.status in {401, 403, 404}:
                return None
            raise

    async def hear(self, path: str, /, **query: Any) -> tuple[Any | None, dict[str, Any] | None]:
        """The document, or what was wrong with what was asked for. Raises Declined where this caller may not ask."""
        try:
            return await self.get(path, **query), None
        except Declined as refused:
            if refused.status in {401, 403} or refused.status >= 500:
                raise
            return None, refused.problem
