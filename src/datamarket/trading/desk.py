"""Where single trade requests meet: one queue, one poster per process, no waiting window.

What has queued while the last batch was in flight is the next batch. Each request keeps its own answer:
its idempotency row, its outcome, its error. The answer is stored in the transaction of the trade.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from datamarket.foundation import idempotency
from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from datamarket.foundation.idempotency import Answer, Claim
from datamarket.foundation.waiting.outages import DatabaseUnavailable, OutcomeUnknown, is_outage
from datamarket.trading.actions import Recorder
from datamarket.trading.terms import Trade, TradeIntent

LARGEST_BATCH = 500
FIRST_TAG = '"1"'
"""The entity tag of a fresh trade."""
Render = Callable[[Trade], bytes]


@dataclass
class Queued:
    """One intent in the queue, with the future that its caller awaits."""

    intent: TradeIntent
    claim: Claim
    future: "asyncio.Future[Answer]"
    posting: bool = False

    def give_up(self) -> None:
        """Its caller has waited long enough. What is not being posted yet never will be."""
        if not self.future.done():
            self.future.set_exception(OutcomeUnknown() if self.posting else DatabaseUnavailable())


@dataclass
class TradeDesk:
    """Takes intents one by one, records them in batches."""

    database: Database
    recorder: Recorder
    render: Render
    now: Callable[[], datetime]
    _queue: "asyncio.Queue[Queued]" = field(default_factory=asyncio.Queue)
    _poster: "asyncio.Task[None] | None" = None

    async def record(self, intent: TradeIntent, claim: Claim) -> Answer:
        """Queue one intent and await its answer, as long as a request may wait. Raises what refused it."""
        self.database.check_plain()
        loop = asyncio.get_running_loop()
        queued = Queued(intent, claim, loop.create_future())
        self._queue.put_nowait(queued)
        if self._poster is None or self._poster.done():
            self._poster = asyncio.create_task(self._post_all())
        deadline = loop.call_later(self.database.seconds, queued.give_up)
        try:
            return await queued.future
        finally:
            deadline.cancel()

    async def _post_all(self) -> None:
        """Post until the queue is empty; the next intent starts a new poster."""
        while not self._queue.empty():
            taken = [self._queue.get_nowait() for _ in range(min(LARGEST_BATCH, self._queue.qsize()))]
            batch = [queued for queued in taken if not queued.future.done()]
            if not batch:
                continue  # their callers were told that nothing was changed
            try:
                await self._post(batch)
            except Exception as error:  # noqa: BLE001 - whatever it is, each caller must hear of it
                await self._post_singly(batch, error)

    async def _post_singly(self, batch: Sequence[Queued], error: Exception) -> None:
        """A batch that failed as a whole is tried one by one: a bad item fails alone."""
        for queued in batch:
            queued.posting = False
            if not queued.future.done() and (len(batch) == 1 or is_outage(error)):
                queued.future.set_exception(error)
        for queued in batch:
            if queued.future.done():
                continue
            try:
                await self._post([queued])
            except Exception as alone:  # noqa: BLE001 - the caller's own failure
                if not queued.future.done():
                    queued.future.set_exception(alone)

    async def _post(self, batch: Sequence[Queued]) -> None:
        """One transaction: claim the keys, record the trades, store the answers, give refused keys back."""
        now = self.now()
        for queued in batch:
            queued.posting = True
        fresh: dict[Claim, TradeIntent] = {}
        async with self.database.plain_transaction() as connection:
            answers = await idempotency.claim_all(connection, [queued.claim for queued in batch], now=now)
            for queued in batch:
                if queued.claim not in answers:
                    fresh.setdefault(queued.claim, queued.intent)
            outcomes = await self.recorder.record_trades(connection, list(fresh.values()), now=now)
            settled: dict[Claim, Answer] = {}
            refused: dict[Claim, MarketError] = {}
            for claim, outcome in zip(fresh, outcomes, strict=True):
                if isinstance(outcome, Trade):
                    settled[claim] = Answer(201, self.render(outcome), FIRST_TAG)
                else:
                    refused[claim] = outcome
            await idempotency.settle_all(connection, settled)
            await idempotency.give_back(connection, refused)
        self._answer(batch, {**answers, **settled, **refused})

    def _answer(self, batch: Sequence[Queued], answers: dict[Claim, Answer | MarketError]) -> None:
        """Tell each caller; of several with one claim, the first has made the trade, the others hear it again."""
        for queued in batch:
            answer = answers[queued.claim]
            if isinstance(answer, Answer):
                answers[queued.claim] = replace(answer, replayed=True)
            if queued.future.done():
                continue  # the caller went away; the trade stands, and its key will replay it
            if isinstance(answer, MarketError):
                queued.future.set_exception(answer)
            else:
                queued.future.set_result(answer)
