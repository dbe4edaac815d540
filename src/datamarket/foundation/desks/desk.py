"""Where single requests of one kind meet: one queue and two posters a process, no waiting window.

What has queued while a batch was in flight is shared out to the next. Each request keeps its own answer:
its idempotency row, its outcome, its error. The answer is stored in the transaction of what it tells of.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import ceil
from typing import Generic, Protocol, TypeVar

import asyncpg

from datamarket.foundation import idempotency
from datamarket.foundation.db import Connection, Database
from datamarket.foundation.desks.writes import Write, write_together
from datamarket.foundation.errors import MarketError
from datamarket.foundation.idempotency import Answer, Claim, InFlight
from datamarket.foundation.waiting.outages import DatabaseUnavailable, OutcomeUnknown, is_outage

LARGEST_BATCH = 500
POSTERS = 2
"""While the database works on one batch, this process answers and reads what is in the other: half as many again
single trades a second as with one, and one twentieth more than with three (2026-11-22)."""
WishT = TypeVar("WishT")
WishT_contra = TypeVar("WishT_contra", contravariant=True)
DoneT = TypeVar("DoneT")
DoneT_co = TypeVar("DoneT_co", covariant=True)


class Plan(Protocol[WishT_contra, DoneT_co]):
    """What is to be written so that it does what is wished, or is refused as a whole; one outcome per wish.

    None where that can not be said without a transaction.
    """

    def __call__(
        self, connection: Connection, wishes: Sequence[WishT_contra], /, *, now: datetime
    ) -> Awaitable[tuple[Sequence[DoneT_co | MarketError], Sequence[Write]] | None]: ...


class Post(Protocol[WishT_contra, DoneT_co]):
    """Does what is wished, in one transaction; one outcome per wish, in their order."""

    def __call__(
        self, connection: Connection, wishes: Sequence[WishT_contra], /, *, now: datetime
    ) -> Awaitable[Sequence[DoneT_co | MarketError]]: ...


@dataclass
class Queued(Generic[WishT]):
    """One wish in the queue, with the future that its caller awaits."""

    wish: WishT
    claim: Claim
    future: "asyncio.Future[Answer]"
    posting: bool = False

    def give_up(self) -> None:
        """Its caller has waited long enough. What is not being posted yet never will be."""
        if not self.future.done():
            self.future.set_exception(OutcomeUnknown() if self.posting else DatabaseUnavailable())


@dataclass
class Desk(Generic[WishT, DoneT]):
    """Takes wishes one by one, posts them in batches: as `plan` has it, in one statement, or step by step by `post`."""

    database: Database
    plan: Plan[WishT, DoneT]
    post: Post[WishT, DoneT]
    answer: Callable[[DoneT], Answer]
    now: Callable[[], datetime]
    _queue: "deque[Queued[WishT]]" = field(default_factory=deque)
    _posters: "set[asyncio.Task[None] | None]" = field(default_factory=set)
    _posting: int = 0

    async def ask(self, wish: WishT, claim: Claim) -> Answer:
        """Queue one wish and await its answer, as long as a request may wait. Raises what refused it."""
        self.database.check_plain()
        loop = asyncio.get_running_loop()
        queued = Queued(wish, claim, loop.create_future())
        self._queue.append(queued)
        if len(self._posters) < POSTERS:
            self._posters.add(asyncio.create_task(self._post_all()))
        deadline = loop.call_later(self.database.seconds, queued.give_up)
        try:
            return await queued.future
        finally:
            deadline.cancel()

    async def _post_all(self) -> None:
        """Post until the queue is empty; the next wish starts a new poster."""
        while self._queue:
            share = ceil((len(self._queue) + self._posting) / POSTERS)
            taken = [self._queue.popleft() for _ in range(min(LARGEST_BATCH, share, len(self._queue)))]
            batch = [queued for queued in taken if not queued.future.done()]
            if not batch:
                continue  # their callers were told that nothing was changed
            self._posting += len(batch)
            try:
                if left := await self._post_at_once(batch):
                    await self._post(left)
            except Exception as error:  # noqa: BLE001 - whatever it is, each caller must hear of it
                await self._post_singly(batch, error)
            finally:
                self._posting -= len(batch)
        self._posters.discard(
            asyncio.current_task()
        )  # here, not when it is done: a wish between would find nobody

    async def _post_at_once(self, batch: Sequence[Queued[WishT]]) -> "list[Queued[WishT]]":
        """One statement for what is new and allowed, as nearly all is; what is left is looked at closely.

        A key that is known, a caller who may not write, a use not permitted or a balance overdrawn leaves the whole batch.
        """
        now = self.now()
        first: dict[tuple[str, str], Queued[WishT]] = {}
        for queued in batch:
            queued.posting = True
            first.setdefault(queued.claim.id, queued)
        done: dict[Claim, Answer] = {}
        async with self.database.connection() as connection:
            planned = await self.plan(connection, [queued.wish for queued in first.values()], now=now)
            if planned is None:
                return list(batch)
            outcomes, writes = planned
            allowed = {
                queued.claim: self.answer(outcome)
                for queued, outcome in zip(first.values(), outcomes, strict=True)
                if not isinstance(outcome, MarketError)
            }
            if allowed:
                with suppress(asyncpg.IntegrityConstraintViolationError):
                    async with self.database.committing(connection):
                        await write_together(
                            connection, [Write(*idempotency.keeping(allowed, now=now)), *writes]
                        )
                    done = allowed
        self._tell([queued for queued in first.values() if queued.claim in done], done)
        return [queued for queued in batch if not queued.future.done()]

    async def _post_singly(self, batch: Sequence[Queued[WishT]], error: Exception) -> None:
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

    async def _post(self, batch: Sequence[Queued[WishT]]) -> None:
        """One transaction: claim the keys, post the wishes, store the answers, give refused keys back."""
        now = self.now()
        for queued in batch:
            queued.posting = True
        fresh: dict[Claim, WishT] = {}
        async with self.database.plain_transaction() as connection:
            answers = await self._claim(connection, [queued.claim for queued in batch], now)
            for queued in batch:
                if queued.claim not in answers:
                    fresh.setdefault(queued.claim, queued.wish)
            settled: dict[Claim, Answer] = {}
            refused: dict[Claim, MarketError] = {}
            outcomes = await self.post(connection, list(fresh.values()), now=now)
            for claim, outcome in zip(fresh, outcomes, strict=True):
                if isinstance(outcome, MarketError):
                    refused[claim] = outcome
                else:
                    settled[claim] = self.answer(outcome)
            await idempotency.settle_all(connection, settled)
            await idempotency.give_back(connection, refused)
        self._tell(batch, {**answers, **settled, **refused})

    @staticmethod
    async def _claim(
        connection: Connection, claims: Sequence[Claim], now: datetime
    ) -> dict[Claim, Answer | MarketError]:
        try:
            return await idempotency.claim_all(connection, claims, now=now)
        except asyncpg.LockNotAvailableError:
            if len(claims) > 1:
                raise
            raise InFlight from None

    def _tell(self, batch: Sequence[Queued[WishT]], answers: Mapping[Claim, Answer | MarketError]) -> None:
        """Tell each caller; of several with one claim, the first has had its wish, the others hear it again."""
        heard: set[Claim] = set()
        for queued in batch:
            answer = answers[queued.claim]
            if queued.claim in heard and isinstance(answer, Answer):
                answer = replace(answer, replayed=True)
            heard.add(queued.claim)
            if queued.future.done():
                continue  # the caller went away; what was posted stands, and its key will replay it
            if isinstance(answer, MarketError):
                queued.future.set_exception(answer)
            else:
                queued.future.set_result(answer)
