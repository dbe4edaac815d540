"""What every answer carries: who may keep it and in which coding it travels; a HEAD is a GET without the body."""

import re
import zlib
from functools import partial

from anyio import to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from datamarket.foundation.http import API_PREFIX

Headers = list[tuple[bytes, bytes]]
GZIP_FROM = 1024
"""Bytes: less than this travels in one packet anyhow."""
GZIP_IN_LOOP = 256 * 1024
"""Bytes: at level 1, under 2 microseconds a KiB, they take half a millisecond; more is packed in a thread."""
_GZIP = re.compile(rb"(?:^|,)\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[\d.]+\s*)?(?:,|$)", re.IGNORECASE)
_PACKED_KINDS = (b"application/json", b"application/problem+json", b"text/")
_PERSONAL = (f"{API_PREFIX}/auth/", f"{API_PREFIX}/accounts")
"""Tokens and accounts: kept by nobody, and never packed, for the size of what is packed tells of secrets in it."""


class AnswerMiddleware:
    """The outermost layer: what other layers answer by themselves is marked as well."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        without_body = scope["method"] == "HEAD"
        if without_body:
            scope = {**scope, "method": "GET", "asked_method": "HEAD"}
        start: Message = {}

        async def send_marked(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if start:
                start["headers"] = marked(scope, start["status"], start["headers"])
                if len(message.get("body", b"")) > GZIP_FROM and not message.get("more_body"):
                    await _pack(scope, start, message)
                await send(start)
                start = {}
            await send({**message, "body": b""} if without_body else message)

        await self.app(scope, receive, send_marked)


def marked(scope: Scope, status: int, headers: Headers) -> Headers:
    """The headers of an answer, and what is common to all.

    Kept by nobody: refusals, answers to writes, tokens, accounts, and what a token was shown for. What
    carries a tag may be kept by the caller alone, and is asked for again. What everyone may read says
    nothing, but that it is another answer to who signs in.
    """
    said = {name for name, _ in headers}
    path: str = scope["path"]
    varies = b"Accept-Encoding"
    if path.startswith(API_PREFIX):
        varies += b", Authorization"
    if b"content-language" in said:
        varies += b", Accept-Language"
    added = [(b"x-content-type-options", b"nosniff"), (b"vary", varies)]
    if status >= 400 or scope["method"] != "GET" or path.startswith(_PERSONAL):
        added.append((b"cache-control", b"no-store"))
    elif any(name == b"authorization" for name, _ in scope["headers"]):
        added.append((b"cache-control", b"private, no-cache" if b"etag" in said else b"no-store"))
    return [*headers, *added]


def takes_gzip(scope: Scope) -> bool:
    """Whether the caller names gzip, with a weight above zero."""
    return any(name == b"accept-encoding" and _GZIP.search(value) for name, value in scope["headers"])


async def _pack(scope: Scope, start: Message, message: Message) -> None:
    """Text goes packed to who takes it; its tag is weak then: another coding, the same version."""
    said = dict(start["headers"])
    if (
        b"content-encoding" in said
        or not said.get(b"content-type", b"").startswith(_PACKED_KINDS)
        or scope["path"].startswith(_PERSONAL)
        or not takes_gzip(scope)
    ):
        return
    body = message["body"]
    pack = partial(zlib.compress, body, level=1, wbits=31)
    message["body"] = pack() if len(body) <= GZIP_IN_LOOP else await to_thread.run_sync(pack)
    changed = {b"content-length": str(len(message["body"])).encode()}
    if said.get(b"etag", b"").startswith(b'"'):
        changed[b"etag"] = b"W/" + said[b"etag"]
    kept = [(name, changed.get(name, value)) for name, value in start["headers"]]
    start["headers"] = [*kept, (b"content-encoding", b"gzip")]
