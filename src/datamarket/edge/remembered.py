"""What everyone is answered alike is remembered for a moment: it is not routed, solved or read again.

The guards of its route are asked each time who may ask; what one of them refuses goes the whole way, and so does all
that is not remembered. An answer is given again only

- while no transaction of this process that may have written has ended since before it was read: who asks after a
  writer was answered sees what was written;
- for FRESH_MILLISECONDS since before it was read, for that is all that is known of the writes of other processes.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from datamarket.foundation.http import ForEveryone, MarketRoute, unless_known

FRESH_MILLISECONDS = 800
"""Other processes are heard of within a second; the rest is for an answer on its way."""
MOST_ANSWERS = 4096
MOST_OCTETS = 32 * 2**20
"""In each process: pages of twenty are 13 KB, listings 2 KB."""
Key = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Remembered:
    """An answer of a route, read when so many writes had ended; good until that nanosecond of the monotonic clock."""

    response: ForEveryone
    route: APIRoute
    writes: int
    until: int


class RememberingMiddleware:
    """The innermost layer: limits, log, metrics and headers are those of every other answer."""

    def __init__(self, app: ASGIApp, database: Database) -> None:
        self.app = app
        self._database = database
        self._answers: OrderedDict[Key, Remembered] = OrderedDict()
        self._octets = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        key, writes, now = (scope["path"], scope["query_string"]), self._database.writes, time.monotonic_ns()
        known = self._answers.get(key)
        if known is not None and known.writes == writes and now < known.until:
            response = await _given_again(known, scope)
            if response is not None:
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)
        if "for_everyone" in scope:
            answer = scope["for_everyone"]
            self._keep(key, Remembered(answer, scope["route"], writes, now + FRESH_MILLISECONDS * 10**6))

    def _keep(self, key: Key, answer: Remembered) -> None:
        self._forget(key)
        self._answers[key] = answer
        self._octets += _octets(key, answer)
        while len(self._answers) > MOST_ANSWERS or self._octets > MOST_OCTETS:
            self._forget(next(iter(self._answers)))

    def _forget(self, key: Key) -> None:
        forgotten = self._answers.pop(key, None)
        if forgotten is not None:
            self._octets -= _octets(key, forgotten)


def _octets(key: Key, answer: Remembered) -> int:
    return len(key[0]) + len(key[1]) + len(answer.response.body)


async def _given_again(known: Remembered, scope: Scope) -> Response | None:
    """The answer, or that it has not changed, as the route would give it; None to who may not ask."""
    request = Request(scope)
    if isinstance(known.route, MarketRoute):
        try:
            await known.route.reader.admit(request)
        except MarketError:
            return None
    scope["route"] = known.route
    return unless_known(request, known.response)
