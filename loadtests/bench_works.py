"""The works that the bench measures through HTTP, each as requests made beforehand."""

from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from urllib.parse import quote

import orjson

from datamarket.auth.terms import Actor
from datamarket.auth.tokens import TokenKeeper
from datamarket.foundation.clock import read_clock
from datamarket.foundation.ids import new_id
from loadtests import wire
from loadtests.market import HOST
from tests.world.exchange import Exchange
from tests.world.trading import Agreement

API = "/api/v1"
CONNECTIONS = 32
BATCHING = 8
BATCH = 1000
IN_TURN = 1000
DEPTH = 0.9
TEXTS = ("海洋环境", "企业信用", "气象 预警", "港口", "ocean profile", "credit", "fishery series")
USE = {"purpose": "industrial_development", "quantity": 1}
Work = Callable[[float], Awaitable[wire.Measured]]


class UnexpectedAnswer(Exception):
    """What is measured must work: one wrong answer ends the bench."""


class Works:
    """Every work on one server and one market."""

    def __init__(
        self, port: int, bare_port: int, exchange: Exchange, keeper: TokenKeeper, *, listings: int
    ) -> None:
        self._listings_there = listings
        self._port = port
        self._bare_port = bare_port
        self._exchange = exchange
        self._keeper = keeper
        self._deep = ""
        self._run = new_id(read_clock()).hex[-12:]
        self._keys = count()

    @property
    def by_name(self) -> Mapping[str, Work]:
        return {
            "bare FastAPI answer": self._bare,
            "/health/live": self._live,
            "listing by id": self._by_id,
            "listing not changed (304)": self._not_changed,
            "first page of 20": self._first_page,
            "deep page of 20": self._deep_page,
            "text search": self._text,
            "uses of one contract": self._hot_uses,
            "uses of 32 contracts": self._spread_uses,
            "single trades": self._trades,
            "trades in batches of 1,000": self._batches,
        }

    async def prepare(self) -> None:
        """Walk to the deep page once, page by page, as a visitor would."""
        connection = await wire.connect(HOST, self._port)
        pages = int(self._listings_there * DEPTH) // 100
        after = ""
        for _ in range(pages):
            answer = await connection.ask(wire.request("GET", f"{API}/listings?limit=100{after}"))
            after = f"&after={orjson.loads(answer.body)['next']}"
        self._deep = after
        connection.close()

    async def _measure(
        self,
        build: wire.Build,
        seconds: float,
        *,
        expected: int = 200,
        connections: int = CONNECTIONS,
        port: int | None = None,
    ) -> wire.Measured:
        opened = [await wire.connect(HOST, port or self._port) for _ in range(connections)]
        try:
            measured = await wire.hammer(opened, build, seconds=seconds, expected=expected)
        finally:
            for connection in opened:
                connection.close()
        if measured.unexpected:
            first = measured.unexpected[0]
            raise UnexpectedAnswer(f"{first.status} {first.body[:500].decode(errors='replace')}")
        return measured

    async def _bare(self, seconds: float) -> wire.Measured:
        asked = wire.request("GET", "/")
        return await self._measure(lambda _connection, _turn: asked, seconds, port=self._bare_port)

    async def _live(self, seconds: float) -> wire.Measured:
        """What the market's own edge costs: limits, metrics, routing."""
        asked = wire.request("GET", "/health/live")
        return await self._measure(lambda _connection, _turn: asked, seconds)

    def _listings(self, headers: Mapping[str, str] | None = None) -> wire.Build:
        step = max(1, len(self._exchange.listings) // IN_TURN)
        asked = [
            wire.request("GET", f"{API}/listings/{listing}", headers)
            for listing in self._exchange.listings[::step]
        ]
        return lambda connection, turn: asked[(connection * 31 + turn) % len(asked)]

    async def _by_id(self, seconds: float) -> wire.Measured:
        return await self._measure(self._listings(), seconds)

    async def _not_changed(self, seconds: float) -> wire.Measured:
        return await self._measure(self._listings({"If-None-Match": '"1"'}), seconds, expected=304)

    async def _first_page(self, seconds: float) -> wire.Measured:
        asked = wire.request("GET", f"{API}/listings?limit=20")
        return await self._measure(lambda _connection, _turn: asked, seconds)

    async def _deep_page(self, seconds: float) -> wire.Measured:
        asked = wire.request("GET", f"{API}/listings?limit=20{self._deep}")
        return await self._measure(lambda _connection, _turn: asked, seconds)

    async def _text(self, seconds: float) -> wire.Measured:
        asked = [wire.request("GET", f"{API}/listings?limit=20&text={quote(text)}") for text in TEXTS]
        return await self._measure(lambda connection, turn: asked[(connection + turn) % len(asked)], seconds)

    def _bearer(self, actor: Actor) -> str:
        return f"Bearer {self._keeper.sign(actor, now=read_clock())}"

    def _posts(
        self,
        path_of: Callable[[Agreement], str],
        body: Callable[[Agreement], object],
        *,
        buyers_asking: int = CONNECTIONS,
    ) -> wire.Build:
        """A fresh key for each request; everything else is the same bytes."""
        buyers = []
        for deal in self._exchange.deals[:buyers_asking]:
            path = path_of(deal)
            headers = {"Authorization": self._bearer(deal.buyer_account), "Idempotency-Key": "@"}
            before, after = wire.request("POST", API + path, headers, orjson.dumps(body(deal))).split(b"@", 1)
            buyers.append((before, after))

        def build(connection: int, _turn: int) -> bytes:
            before, after = buyers[connection % len(buyers)]
            return b"%b%b-%d%b" % (before, self._run.encode(), next(self._keys), after)

        return build

    async def _trades(self, seconds: float) -> wire.Measured:
        build = self._posts(lambda _deal: "/trades", _order)
        return await self._measure(build, seconds, expected=201)

    async def _spread_uses(self, seconds: float) -> wire.Measured:
        return await self._measure(self._posts(_uses, lambda _deal: USE), seconds, expected=201)

    async def _hot_uses(self, seconds: float) -> wire.Measured:
        """All connections count on the same meter."""
        build = self._posts(_uses, lambda _deal: USE, buyers_asking=1)
        return await self._measure(build, seconds, expected=201)

    async def _batches(self, seconds: float) -> wire.Measured:
        """Counted in trades, not in requests."""
        build = self._posts(
            lambda _deal: "/trades/batch",
            lambda deal: {"items": [_order(deal)] * BATCH, "atomic": True},
        )
        return await self._measure(build, seconds, connections=BATCHING)


def _order(deal: Agreement) -> dict[str, object]:
    return {"contract_id": str(deal.contract.id), **USE}


def _uses(deal: Agreement) -> str:
    return f"/contracts/{deal.contract.id}/uses"
