"""Clients that want things and do not give up: each wish under one key, until an answer decides it."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from itertools import count

import orjson

from datamarket.foundation.clock import read_clock
from loadtests import wire
from loadtests.bench_works import API, USE
from loadtests.faults.oracle import Intent, Journal, Kind, Verdict, effects_of
from loadtests.faults.stand import Trading
from loadtests.market import HOST
from tests.world.trading import Agreement

PATIENCE_SECONDS = 4
PAUSE_SECONDS = 0.05
BATCH = 5
MIX = {Kind.TRADE: 60, Kind.USE: 25, Kind.BATCH: 5, Kind.REFUND: 10}
LAST_SECONDS = 30
"""For what is undecided when the time is over."""
REMEMBERED = 200
"""Own trades that a client may still refund."""


@dataclass
class Traffic:
    """So many clients on one market; `new_key_on_retry` is the mistake that the control makes."""

    stand: Trading
    port: int
    journal: Journal
    seed: int
    clients: int = 8
    new_key_on_retry: bool = False
    clock: Callable[[], datetime] = read_clock
    """By which the clients' tokens are signed."""
    answered: list[float] = field(default_factory=list)
    """When each 2xx came, on the monotonic clock."""
    patience: float = PATIENCE_SECONDS
    heard: list[tuple[float, float, int]] = field(default_factory=list)
    """Of each request: when it was sent, how long its client waited, the status; 0 where none came."""

    def __post_init__(self) -> None:
        now = self.clock()
        market = self.stand.exchange
        self._buyers = [(deal, self.stand.bearer(deal.buyer_account, now=now)) for deal in market.deals]
        self._provider = self.stand.bearer(market.provider, now=now)
        self._numbers = count()

    async def run(self, going: Callable[[], bool]) -> None:
        """All clients for as long as it goes on; what is undecided then stays so in the journal."""
        await asyncio.gather(*(self._client(number, going) for number in range(self.clients)))

    async def settle_unknown(self) -> int:
        """Ask again, with the same key, for everything undecided; how many there were."""
        open_keys = self.journal.unknown
        until = time.monotonic() + LAST_SECONDS
        line = Line(self.port, self.patience)
        for key in open_keys:
            while time.monotonic() < until:
                if await self._send(line, self.journal.intent_of(key), key):
                    break
                await asyncio.sleep(PAUSE_SECONDS)
        line.close()
        return len(open_keys)

    def figures(self, took: float, verdict: Verdict) -> dict[str, object]:
        """What was sent, what was accepted and what was settled are separate figures."""
        return {
            "clients": self.clients,
            "requests_sent": self.journal.tries,
            "accepted_per_second": int(len(self.journal.acked) / took),
            "settled_per_second": int(verdict.settled / took),
            "unknown_left": len(self.journal.unknown),
            "refused": len(self.journal.refused),
            "put_off": dict(self.journal.put_off),
            **verdict.figures(),
        }

    async def _client(self, number: int, going: Callable[[], bool]) -> None:
        chance = random.Random(f"{self.seed}/{number}")
        deal, _ = self._buyers[number % len(self._buyers)]
        mine: deque[str] = deque(maxlen=REMEMBERED)
        line = Line(self.port, self.patience)
        while going():
            intent = self._wish(number, deal, mine, chance)
            for attempt in count():
                key = f"{intent.id}.{attempt}" if self.new_key_on_retry else intent.id
                self.journal.intend(intent, key)
                if await self._send(line, intent, key):
                    break
                if not going():
                    break
                await asyncio.sleep(PAUSE_SECONDS)
            if intent.kind is Kind.TRADE and b'"id"' in self.journal.acked.get(key, b""):
                mine.extend(name for _, name in effects_of(intent.kind, self.journal.acked[key]))
        line.close()

    def _wish(self, client: int, deal: Agreement, mine: deque[str], chance: random.Random) -> Intent:
        kind = chance.choices(list(MIX), list(MIX.values()))[0]
        name = f"{self.seed}-{client}-{next(self._numbers)}"
        order = {"contract_id": str(deal.contract.id), **USE}
        if kind is Kind.REFUND and mine:
            trade = mine.popleft()
            body: dict[str, object] = {"amount_fen": chance.randint(1, 100), "reason": "fault harness"}
            return Intent(name, kind, f"{API}/trades/{trade}/refunds", orjson.dumps(body))
        if kind is Kind.BATCH:
            body = {"items": [order] * BATCH, "atomic": True}
            return Intent(name, kind, f"{API}/trades/batch", orjson.dumps(body))
        if kind is Kind.USE:
            return Intent(name, kind, f"{API}/contracts/{deal.contract.id}/uses", orjson.dumps(USE))
        return Intent(name, Kind.TRADE, f"{API}/trades", orjson.dumps(order))

    async def _send(self, line: "Line", intent: Intent, key: str) -> bool:
        """Send once; true when the answer decided. A broken line or no answer leaves it unknown."""
        self.journal.tries += 1
        bearer = self._provider if intent.kind is Kind.REFUND else self._bearer_of(intent)
        headers = {"Authorization": bearer, "Idempotency-Key": key, "Accept-Language": "en"}
        sent = time.monotonic()
        answer = await line.ask(wire.request("POST", intent.path, headers, intent.body))
        self.heard.append((sent, time.monotonic() - sent, answer.status if answer else 0))
        if answer is None:
            return False
        decided = self.journal.hear(key, answer.status, answer.body)
        if answer.status in {HTTPStatus.OK, HTTPStatus.CREATED}:
            self.answered.append(time.monotonic())
        return decided

    def _bearer_of(self, intent: Intent) -> str:
        client = int(intent.id.split("-")[1])
        return self._buyers[client % len(self._buyers)][1]


def for_seconds(seconds: float) -> Callable[[], bool]:
    """Going on for so long from now."""
    until = time.monotonic() + seconds
    return lambda: time.monotonic() < until


class Line:
    """One connection that is made anew whenever it broke."""

    def __init__(self, port: int, patience: float = PATIENCE_SECONDS) -> None:
        self._port = port
        self._patience = patience
        self._connection: wire.Connection | None = None

    async def ask(self, request: bytes) -> wire.Answer | None:
        """The answer, or None when nobody knows what became of the request."""
        try:
            async with asyncio.timeout(self._patience):
                if self._connection is None:
                    self._connection = await wire.connect(HOST, self._port)
                return await self._connection.ask(request)
        except (OSError, TimeoutError):
            self.close()
            return None

    def close(self) -> None:
        if self._connection is not None:
            with suppress(OSError):
                self._connection.close()
        self._connection = None
