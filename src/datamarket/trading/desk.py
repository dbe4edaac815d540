"""Where single trade requests meet: one queue, one poster per process, no waiting window.

What has queued while the last batch was in flight is the next batch. Each request keeps its own answer:
its idempotency row, its outcome, its error. The answer is stored in the transaction of the trade.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from datamarket.foundation.db import Connection, Database, DatabaseUnavailable
from datamarket.foundation.errors import MarketError
from datamarket.foundation.idempotency import Claim, InFlight, KeyReused
from datamarket.trading.actions import Outcome, Recorder
from datamarket.trading.terms import Order, Trade

LARGEST_BATCH = 500
Render = Callable[[Trade], bytes]


@dataclass(frozen=True)
class Answer:
    """What a caller gets: the stored bytes, and whether they were stored before."""

    body: bytes
    replayed: bool


@dataclass
class Request:
    """One order in the queue, with the future that its caller awaits."""

    order: Order
    claim: Claim
    future: "asyncio.Future[Answer]"


@dataclass
class TradeDesk:
    """Takes orders one by one, records them in batches."""

    database: Database
    recorder: Recorder
    render: Render
    now: Callable[[], datetime]
    _queue: "asyncio.Queue[Request]" = field(default_factory=asyncio.Queue)
    _poster: "asyncio.Task[None] | None" = None

    async def record(self, order: Order, claim: Claim) -> Answer:
        """Queue one order and await its answer. Raises what refused it."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(Request(order, claim, future))
        if self._poster is None or self._poster.done():
            self._poster = asyncio.create_task(self._post_all())
        return await future

    async def _post_all(self) -> None:
        """Post until the queue is empty; the next order starts a new poster."""
        while not self._queue.empty():
            batch = [self._queue.get_nowait() for _ in range(min(LARGEST_BATCH, self._queue.qsize()))]
            try:
                await self._post(batch)
            except Exception as error:  # noqa: BLE001 - whatever it is, each caller must hear of it
                await self._post_singly(batch, error)

    async def _post_singly(self, batch: Sequence[Request], error: Exception) -> None:
        """A batch that failed as a whole is tried one by one: a bad item fails alone."""
        waiting = [request for request in batch if not request.future.done()]
        if len(batch) == 1 or isinstance(error, OSError | asyncpg.InterfaceError | DatabaseUnavailable):
            for request in waiting:
                request.future.set_exception(error)
            return
        for request in waiting:
            try:
                await self._post([request])
            except Exception as alone:  # noqa: BLE001 - the caller's own failure
                if not request.future.done():
                    request.future.set_exception(alone)

    async def _post(self, batch: Sequence[Request]) -> None:
        """One transaction: claim the keys, record the trades, store the answers."""
        now = self.now()
        answers: dict[int, Answer | MarketError] = {}
        async with self.database.plain_transaction() as connection:
            fresh = await self._claim(connection, batch, answers, now)
            outcomes = await self.recorder.record_trades(
                connection, [request.order for request in fresh], now=now
            )
            bodies = await self._settle(connection, fresh, outcomes)
        for request, outcome in zip(fresh, outcomes, strict=True):
            body = bodies.get(id(request))
            answers[id(request)] = Answer(body, replayed=False) if body is not None else _refusal(outcome)
        leaders = {_place(request.claim): request for request in fresh}
        for request in batch:
            answer = answers.get(id(request)) or _follow(request, leaders[_place(request.claim)], answers)
            if request.future.done():
                continue  # the caller went away; the trade stands, and its key will replay it
            if isinstance(answer, MarketError):
                request.future.set_exception(answer)
            else:
                request.future.set_result(answer)

    async def _claim(
        self,
        connection: Connection,
        batch: Sequence[Request],
        answers: dict[int, Answer | MarketError],
        now: datetime,
    ) -> list[Request]:
        """The requests whose key is new, one per key; those answered before get their answer."""
        leaders: dict[tuple[str, str], Request] = {}
        for request in batch:
            leaders.setdefault(_place(request.claim), request)
        ledger_id = batch[0].claim.ledger_id
        ordered = [leaders[place] for place in sorted(leaders)]
        rows = await connection.fetch(
            "INSERT INTO idempotency_key (ledger_id, caller, key, fingerprint, claimed_at)"
            " SELECT $1, caller, key, fingerprint, $5 FROM unnest($2::text[], $3::text[], $4::bytea[])"
            " AS k (caller, key, fingerprint) ON CONFLICT DO NOTHING RETURNING caller, key",
            ledger_id,
            [request.claim.caller for request in ordered],
            [request.claim.key for request in ordered],
            [request.claim.fingerprint for request in ordered],
            now,
        )
        claimed = {(row["caller"], row["key"]) for row in rows}
        known = [request for request in batch if _place(request.claim) not in claimed]
        if known:
            await self._replay(connection, known, answers)
        return [request for request in leaders.values() if _place(request.claim) in claimed]

    async def _replay(
        self, connection: Connection, known: Sequence[Request], answers: dict[int, Answer | MarketError]
    ) -> None:
        """A new statement: it sees what the twin, for which the INSERT waited, has stored."""
        rows = await connection.fetch(
            "SELECT caller, key, fingerprint, body FROM idempotency_key WHERE ledger_id = $1"
            " AND (caller, key) IN (SELECT * FROM unnest($2::text[], $3::text[]))",
            known[0].claim.ledger_id,
            [request.claim.caller for request in known],
            [request.claim.key for request in known],
        )
        stored = {(row["caller"], row["key"]): row for row in rows}
        for request in known:
            row = stored.get(_place(request.claim))
            if row is None or row["body"] is None:
                answers[id(request)] = InFlight()
            elif row["fingerprint"] != request.claim.fingerprint:
                answers[id(request)] = KeyReused()
            else:
                answers[id(request)] = Answer(row["body"], replayed=True)

    async def _settle(
        self, connection: Connection, fresh: Sequence[Request], outcomes: Sequence[Outcome]
    ) -> dict[int, bytes]:
        """Store the answers of recorded trades; a refused order gives its key back."""
        bodies: dict[int, bytes] = {}
        refused: list[Claim] = []
        for request, outcome in zip(fresh, outcomes, strict=True):
            if isinstance(outcome, Trade):
                bodies[id(request)] = self.render(outcome)
            else:
                refused.append(request.claim)
        done = [request for request in fresh if id(request) in bodies]
        await connection.execute(
            "UPDATE idempotency_key AS k SET status = 201, body = s.body, etag = '\"1\"'"
            " FROM unnest($2::text[], $3::text[], $4::bytea[]) AS s (caller, key, body)"
            " WHERE k.ledger_id = $1 AND k.caller = s.caller AND k.key = s.key",
            self.recorder.ledger_id,
            [request.claim.caller for request in done],
            [request.claim.key for request in done],
            [bodies[id(request)] for request in done],
        )
        if refused:
            await connection.execute(
                "DELETE FROM idempotency_key WHERE ledger_id = $1"
                " AND (caller, key) IN (SELECT * FROM unnest($2::text[], $3::text[]))",
                self.recorder.ledger_id,
                [claim.caller for claim in refused],
                [claim.key for claim in refused],
            )
        return bodies


def _place(claim: Claim) -> tuple[str, str]:
    return claim.caller, claim.key


def _refusal(outcome: Outcome) -> MarketError:
    assert isinstance(outcome, MarketError)  # noqa: S101 - a trade would have a body
    return outcome


def _follow(
    request: Request, leader: Request, answers: dict[int, Answer | MarketError]
) -> Answer | MarketError:
    """The same key twice in one batch: the second gets the first's answer, if it asked the same."""
    if request.claim.fingerprint != leader.claim.fingerprint:
        return KeyReused()
    answer = answers[id(leader)]
    return Answer(answer.body, replayed=True) if isinstance(answer, Answer) else answer
