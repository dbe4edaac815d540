"""Sends what subscriptions wait for: a task beside answering, which no write waits for.

Each subscription is a task of its own with its own deadlines, so that a receiver that hangs holds up nobody else's messages.
The database is asked by one of them at a time: requests keep the pool.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from importlib import import_module
from typing import Any

from prometheus_client import Counter

from datamarket.foundation.db import Database, PageAsked
from datamarket.foundation.errors import MarketError
from datamarket.foundation.waiting.rounds import Rounds
from datamarket.notices.events.queries import read_feed
from datamarket.notices.events.terms import Told
from datamarket.notices.subscriptions import actions, rules
from datamarket.notices.subscriptions.addresses import Resolve, look_up
from datamarket.notices.subscriptions.messages import body_of, headers_of
from datamarket.notices.subscriptions.terms import Due, PauseReason, Sending, SendingOutcome

SENT = Counter("datamarket_messages_sent_total", "Attempts to send a message to a subscription", ["outcome"])
AT_A_TIME = 50
"""Messages that a receiver gets in one turn, one after another."""
ANSWER_SECONDS = 10
"""For one message, all in all: to resolve, to connect, and for the answer's head; its body is not read."""
TURN_SECONDS = 30
"""After which no further message of a turn is begun; the lease is twice as long."""
LEASE = timedelta(seconds=2 * TURN_SECONDS)


@dataclass
class Sender(Rounds):
    """One process's sending, for one market."""

    database: Database
    ledger_id: int
    key: bytes
    networks: Sequence[str]
    read_clock: Callable[[], datetime]
    resolve: Resolve = look_up
    answer_seconds: int = ANSWER_SECONDS
    _asking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    async def take(self, most: int) -> list[Coroutine[Any, Any, None]]:
        """Whoever's turn it is."""
        async with self._asking, self.database.connection() as connection:
            taken = await actions.take_due(
                connection, self.ledger_id, most=most, lease=LEASE, now=self.read_clock()
            )
        return [self._send_to(due) for due in taken]

    async def _send_to(self, due: Due) -> None:
        page = PageAsked(AT_A_TIME, due.position)
        async with self._asking, self.database.connection() as connection:
            found = await read_feed(
                connection, self.ledger_id, visible_to=due.subscriber, types=due.types, page=page
            )
        sendings = await self._send_all(due, found.events) if due.active else []
        done = [sending for sending in sendings if sending.outcome is SendingOutcome.TAKEN]
        failed = len(done) < len(sendings)
        whole = len(done) == len(found.events)
        position = found.reached if whole else (done[-1].position if done else due.position)
        failures = (0 if done else due.failures) + failed
        wait = rules.wait_after(failures, secrets.randbelow(1000)) if failed else timedelta()
        now = self.read_clock()
        async with self._asking, self.database.plain_transaction() as connection:
            await actions.settle(
                connection,
                due,
                sendings,
                position=position if due.active else due.position,
                failures=failures,
                due_at=now + wait,
                pause=_pause(due, sendings, failures),
                now=now,
            )

    async def _send_all(self, due: Due, events: Sequence[Told]) -> list[Sending]:
        """One after another, in the feed's order, until one fails or the turn is over."""
        await asyncio.to_thread(import_module, f"{__package__}.transport")  # once: a quarter of a second
        from datamarket.notices.subscriptions import transport  # noqa: PLC0415 - see there

        secret = rules.secret_of(self.key, due.salt)
        end = time.monotonic() + TURN_SECONDS
        sendings: list[Sending] = []
        async with transport.opened() as client:
            post = partial(transport.post, client, due.url, networks=self.networks, resolve=self.resolve)
            for told in events:
                sendings.append(await self._send(post, told, secret))
                if sendings[-1].outcome is not SendingOutcome.TAKEN or time.monotonic() > end:
                    break
        return sendings

    async def _send(self, post: Callable[..., Awaitable[int]], told: Told, secret: bytes) -> Sending:
        at, begun, status = self.read_clock(), time.monotonic_ns(), None
        body = body_of(told, self.ledger_id)
        headers = headers_of(told, secret, int(at.timestamp()), body)
        try:
            async with asyncio.timeout(self.answer_seconds):
                status = await post(headers, body)
            outcome = SendingOutcome.TAKEN if 200 <= status < 300 else SendingOutcome.REFUSED
        except TimeoutError:
            outcome = SendingOutcome.UNANSWERED
        except (rules.AddressClosed, rules.AddressMalformed):
            outcome = SendingOutcome.ADDRESS_CLOSED
        except (MarketError, OSError):
            outcome = SendingOutcome.UNREACHED
        SENT.labels(outcome).inc()
        milliseconds = (time.monotonic_ns() - begun) // 1_000_000
        return Sending(told.position, told.id, at, outcome, status, milliseconds)


def _pause(due: Due, sendings: Sequence[Sending], failures: int) -> PauseReason | None:
    if not due.active:
        return PauseReason.ACCOUNT_CLOSED
    if sendings and sendings[-1].status == HTTPStatus.GONE:
        return PauseReason.GONE
    return PauseReason.FAILED if failures >= rules.MOST_FAILURES else None
