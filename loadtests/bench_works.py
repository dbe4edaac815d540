"""The works that the bench measures through HTTP, each as requests made beforehand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Protocol
from urllib.parse import quote

import orjson

from datamarket.auth.terms import Actor
from datamarket.auth.tokens import TokenKeeper
from datamarket.foundation.clock import read_clock
from datamarket.foundation.ids import new_id
from loadtests import wire
from loadtests.market import HOST
from loadtests.pgbench import PgBench
from tests.world.exchange import Exchange
from tests.world.people import AUDITOR
from tests.world.trading import Agreement

API = "/api/v1"
CONNECTIONS = 32
BATCHING = 8
BATCH = 1000
IN_TURN = 1000
DEPTH = 0.9
TEXTS = ("海洋环境", "企业信用", "气象 预警", "港口", "ocean profile", "credit", "fishery series")
USE = {"purpose": "industrial_development", "quantity": 1}
BARE, EDGE = "bare FastAPI answer", "answer of the edge"
BY_ID, NOT_CHANGED, PAGE = "listing by id", "listing not changed (304)", "first page of 20"
HOME, CATALOGUE = "portal: home", "portal: catalogue"
DEEP, TEXT = "deep page of 20", "text search"
HOT_USES, USES, USE_BATCHES = "uses of one contract", "uses of 32 contracts", "uses in batches of 1,000"
TRADES, BATCHES = "single trades", "trades in batches of 1,000"
AUDIT, WITH_REPLICA = "audit search", ", with a replica"
TUTORIAL = "tutorial: "


class UnexpectedAnswer(Exception):
    """What is measured must work: one wrong answer ends the bench."""


@dataclass(frozen=True)
class Outcome:
    """What was done in so many seconds."""

    done: int
    seconds: float
    p50_ms: float | None = None
    p99_ms: float | None = None


class Measurable(Protocol):
    """What can be done for some seconds, over so many connections."""

    async def measure(self, seconds: float, connections: int | None = None) -> Outcome: ...


@dataclass(frozen=True)
class Work:
    """What is asked of whom; one answer does `each` of it."""

    port: int
    requests: Callable[[], wire.Build]
    expected: int = 200
    connections: int = CONNECTIONS
    each: int = 1

    async def measure(self, seconds: float, connections: int | None = None) -> Outcome:
        opened = [await wire.connect(HOST, self.port) for _ in range(connections or self.connections)]
        try:
            measured = await wire.hammer(opened, self.requests(), seconds=seconds, expected=self.expected)
        finally:
            for connection in opened:
                connection.close()
        if measured.unexpected:
            first = measured.unexpected[0]
            raise UnexpectedAnswer(f"{first.status} {first.body[:500].decode(errors='replace')}")
        done = len(measured.nanoseconds) * self.each
        return Outcome(done, measured.seconds, measured.percentile_ms(0.50), measured.percentile_ms(0.99))


@dataclass(frozen=True)
class Statements:
    """The database alone: statements of pgbench, each of so many sales, or one bare entry."""

    alone: PgBench
    clients: int
    sales: int | None = None

    async def measure(self, seconds: float, connections: int | None = None) -> Outcome:
        """Whole seconds: pgbench knows no others."""
        whole = max(1, int(seconds))
        told = self.alone.run(clients=connections or self.clients, seconds=whole, sales=self.sales)
        return Outcome(int(told.per_second * whole * (self.sales or 1)), whole)


def always(request: bytes) -> Callable[[], wire.Build]:
    return lambda: lambda *_: request


class Works:
    """Every work on one server and one market; the tutorial's server is asked for the same."""

    def __init__(self, port: int, exchange: Exchange, keeper: TokenKeeper, *, listings: int) -> None:
        self.port = port
        self._listings_there = listings
        self._exchange = exchange
        self._keeper = keeper
        self._deep = b""
        self._run = new_id(read_clock()).hex[-12:]
        self._keys = count()

    @property
    def by_name(self) -> Mapping[str, Work]:
        port = self.port
        unchanged = {"If-None-Match": '"1"'}
        works = {
            BY_ID: Work(port, lambda: self._listings(API)),
            NOT_CHANGED: Work(port, lambda: self._listings(API, unchanged), expected=304),
            PAGE: Work(port, always(wire.request("GET", f"{API}/listings?limit=20"))),
            DEEP: Work(port, lambda: lambda *_: self._deep),
            TEXT: Work(port, _text),
            HOME: Work(port, always(wire.request("GET", "/")), connections=1),
            CATALOGUE: Work(port, always(wire.request("GET", "/catalogue")), connections=1),
            AUDIT: Work(port, self._audits),
            HOT_USES: Work(port, lambda: self._posts(_uses, _use, buyers_asking=1), expected=201),
            USES: Work(port, lambda: self._posts(_uses, _use), expected=201),
            TRADES: Work(port, lambda: self._posts(_trades, order), expected=201),
        }
        for name, path_of, item in ((BATCHES, _batch, order), (USE_BATCHES, _use_batch, _use)):
            works[name] = Work(port, self._batches(path_of, item), connections=BATCHING, each=BATCH)
        return works

    def by_name_of_tutorial(self, port: int) -> Mapping[str, Work]:
        return {
            TUTORIAL + TRADES: Work(port, lambda: self._posts(_trades, order, prefix=""), expected=201),
            TUTORIAL + BY_ID: Work(port, lambda: self._listings("")),
            TUTORIAL + PAGE: Work(port, always(wire.request("GET", "/listings?limit=20"))),
        }

    async def prepare(self) -> None:
        """Walk to the deep page once, page by page, as a visitor would."""
        connection = await wire.connect(HOST, self.port)
        pages = int(self._listings_there * DEPTH) // 100
        after = ""
        for _ in range(pages):
            answer = await connection.ask(wire.request("GET", f"{API}/listings?limit=100{after}"))
            after = f"&after={orjson.loads(answer.body)['next']}"
        self._deep = wire.request("GET", f"{API}/listings?limit=20{after}")
        connection.close()

    async def counts_uses_in_batches(self) -> bool:
        """Whether the route is there: a market without it answers 404 or 405 to anybody, one with it asks who calls."""
        connection = await wire.connect(HOST, self.port)
        path = _use_batch(self._exchange.deals[0])
        answer = await connection.ask(wire.request("POST", API + path, body=b"{}"))
        connection.close()
        return answer.status not in {404, 405}

    def bearer(self, actor: Actor) -> str:
        return f"Bearer {self._keeper.sign(actor, now=read_clock())}"

    def _listings(self, prefix: str, headers: Mapping[str, str] | None = None) -> wire.Build:
        step = max(1, len(self._exchange.listings) // IN_TURN)
        asked = [
            wire.request("GET", f"{prefix}/listings/{listing}", headers)
            for listing in self._exchange.listings[::step]
        ]
        return lambda connection, turn: asked[(connection * 31 + turn) % len(asked)]

    def _audits(self) -> wire.Build:
        """What happened to each contract: asked of the database each time, for nobody remembers it."""
        headers = {"Authorization": self.bearer(AUDITOR)}
        asked = [
            wire.request("GET", f"{API}/audit-events?limit=20&subject={deal.contract.id}", headers)
            for deal in self._exchange.deals
        ]
        return lambda connection, turn: asked[(connection + turn) % len(asked)]

    def _posts(
        self,
        path_of: Callable[[Agreement], str],
        body: Callable[[Agreement], object],
        *,
        buyers_asking: int = CONNECTIONS,
        prefix: str = API,
    ) -> wire.Build:
        """A fresh key for each request; everything else is the same bytes."""
        buyers = []
        for deal in self._exchange.deals[:buyers_asking]:
            headers = {"Authorization": self.bearer(deal.buyer_account), "Idempotency-Key": "@"}
            asked = wire.request("POST", prefix + path_of(deal), headers, orjson.dumps(body(deal)))
            before, after = asked.split(b"@", 1)
            buyers.append((before, after))

        def build(connection: int, _turn: int) -> bytes:
            before, after = buyers[connection % len(buyers)]
            return b"%b%b-%d%b" % (before, self._run.encode(), next(self._keys), after)

        return build

    def _batches(
        self, path_of: Callable[[Agreement], str], item: Callable[[Agreement], object]
    ) -> Callable[[], wire.Build]:
        return lambda: self._posts(path_of, lambda deal: {"items": [item(deal)] * BATCH, "atomic": True})


def _text() -> wire.Build:
    asked = [wire.request("GET", f"{API}/listings?limit=20&text={quote(text)}") for text in TEXTS]
    return lambda connection, turn: asked[(connection + turn) % len(asked)]


def order(deal: Agreement, quantity: int = 1) -> object:
    return {"contract_id": str(deal.contract.id), **USE, "quantity": quantity}


def _trades(_deal: Agreement) -> str:
    return "/trades"


def _batch(_deal: Agreement) -> str:
    return "/trades/batch"


def _use(_deal: Agreement) -> object:
    return USE


def _uses(deal: Agreement) -> str:
    return f"/contracts/{deal.contract.id}/uses"


def _use_batch(deal: Agreement) -> str:
    return f"{_uses(deal)}/batch"
