"""What everyone is answered alike is remembered until it changes: it is not routed, solved or read again.

The guards of its route are asked each time who may ask; what one of them refuses goes the whole way, and so does all
that is not remembered. An answer is given again until something that everyone is shown has changed, in whichever
process: the database tells of it (`tell_shown`), and `server/listening.py` hears it. To be sure of that, only

- while no transaction of this process that may have written has ended since before it was read, or since before all
  that was told was heard: who asks after a writer was answered sees what was written;
- for FRESH_MILLISECONDS since before it was read, or since before all that was told was heard: where nobody listens,
  or the database is silent, that is all that is known of the writes of other processes;
- for LONGEST_SECONDS since before it was read, whatever was heard: nobody is told of rows that are restored from a
  backup, nor of what the clock alone would change, which is nothing that everyone is shown.

Figures change with every trade, and nobody is told: those are given again only until this process has written, for
FRESH_MILLISECONDS at most.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from datamarket.foundation.http import ForAMoment, ForEveryone, MarketRoute, unless_known

FRESH_MILLISECONDS = 800
"""Other processes are heard of within a second; the rest is for an answer on its way."""
LONGEST_SECONDS = 60
"""Soon enough after a restoration, and seldom enough: a thousand answers are read in a third of a second."""
MOST_ANSWERS = 4096
MOST_OCTETS = 32 * 2**20
"""In each process: pages of twenty are 13 KB, listings 2 KB."""
Key = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Remembered:
    """An answer of a route, read after so many writes, changes and transactions, and after that nanosecond of the monotonic clock."""

    response: ForEveryone
    route: APIRoute
    writes: int
    changes: int
    ended: int
    read_at: int


@dataclass(slots=True)
class Heard:
    """How many changes of what everyone is shown this process was told of.

    None is missing of what the first `writes` of this process changed, and of what others did before the nanosecond `at`.
    """

    changes: int = 0
    writes: int = 0
    at: int = 0


class RememberingMiddleware:
    """The innermost layer: limits, log, metrics and headers are those of every other answer."""

    def __init__(self, app: ASGIApp, database: Database, heard: Heard) -> None:
        self.app = app
        self._database = database
        self._heard = heard
        self._answers: OrderedDict[Key, Remembered] = OrderedDict()
        self._octets = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        key, now = (scope["path"], scope["query_string"]), time.monotonic_ns()
        writes, changes, ended = self._database.writes, self._heard.changes, self._database.ended
        known = self._answers.get(key)
        if known is not None and self._is_good(known, writes, now):
            response = await _given_again(known, scope)
            if response is not None:
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)
        if "for_everyone" in scope:
            answer = scope["for_everyone"]
            as_of = scope.get("as_of", (writes, changes, ended, now))  # a replica's is older than its reading
            self._keep(key, Remembered(answer, scope["route"], *as_of))

    def _is_good(self, known: Remembered, writes: int, now: int) -> bool:
        heard = self._heard
        if isinstance(known.response, ForAMoment):
            return self._database.ended == known.ended and now < known.read_at + FRESH_MILLISECONDS * 10**6
        return (
            known.changes == heard.changes
            and writes in {known.writes, heard.writes}
            and now < max(known.read_at, heard.at) + FRESH_MILLISECONDS * 10**6
            and now < known.read_at + LONGEST_SECONDS * 10**9
        )

    def _keep(self, key: Key, answer: Remembered) -> None:
        self._forget(key)
        self._answers[key] = answer
        self._octets += _octets(key, answer)
        while self._answers and self._is_too_much(next(iter(self._answers.values())), answer.read_at):
            self._forget(next(iter(self._answers)))

    def _is_too_much(self, oldest: Remembered, now: int) -> bool:
        """Too many are kept, or the oldest will not be given again: memory is that of what was asked for in a minute."""
        return (
            len(self._answers) > MOST_ANSWERS
            or self._octets > MOST_OCTETS
            or oldest.changes != self._heard.changes
            or oldest.read_at + LONGEST_SECONDS * 10**9 < now
        )

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
