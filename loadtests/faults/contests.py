"""What only one can have: one trade's refund, one hold, one order, one batch of payouts, one run, one month."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

from datamarket.sealing import sealer_of
from datamarket.subsidy.lifecycle import RunEvent
from datamarket.trading.order_rules import OrderEvent

from datamarket.auth.terms import Actor, Role
from datamarket.contracts.terms import Purpose
from datamarket.foundation.clock import read_clock
from datamarket.foundation.db import Database
from datamarket.foundation.errors import Refused
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen
from datamarket.ledger import holds, periods, posting
from datamarket.ledger.terms import (
    Account,
    AccountKind,
    EntryId,
    EntryKind,
    HoldId,
    Leg,
    PeriodEvent,
    Posting,
)
from datamarket.payouts import actions as payouts
from datamarket.payouts import proposals
from datamarket.payouts import queries as payout_queries
from datamarket.payouts.terms import BatchEvent, PayableKind
from datamarket.subsidy import actions as subsidy
from datamarket.trading import order_queries, orders
from loadtests.bench_market import actor_of
from loadtests.faults.business import order_of, record, refund, some_business, trade_id_of
from loadtests.faults.stand import Stand

Attempt = Callable[[], Awaitable[object]]
HELD = Fen(500)
SCHEME, YEAR = "qd-data-element", 2024
AFTER_THE_YEAR = datetime(2025, 1, 20, 2, tzinfo=UTC)
AFTER_PUBLICITY = datetime(2025, 2, 10, 2, tzinfo=UTC)
"""Later than any publicity of five working days, the Spring Festival included."""
MONTH = 202401


class NothingExpired(Refused):
    code = "harness.nothing-expired"
    zh = "没有可到期的占用。"
    en = "There was nothing left to expire."


@dataclass(frozen=True)
class Contest:
    """`prepare` makes a fresh object, and everybody's attempt at it."""

    name: str
    prepare: Callable[[], Awaitable[Sequence[Attempt]]]


async def contests_on(on: Stand, database: Database, rivals: int) -> list[Contest]:
    """All contests on one market; the schemes are loaded once."""
    desk = Contests(on, database, rivals)
    async with database.transaction() as session:
        await subsidy.load_shipped_schemes(session, desk.officer(Role.FINANCE), now=AFTER_THE_YEAR)
    return [
        Contest("refunds of one trade", desk.refunds),
        Contest("resolutions of one hold", desk.resolutions),
        Contest("decisions on one order", desk.decisions),
        Contest("approvals of one payout batch", desk.approvals_of_payouts),
        Contest("sendings of one payout batch", desk.sendings),
        Contest("approvals of one subsidy run", desk.approvals_of_a_run),
        Contest("one month begins closing", desk.closings),
    ]


async def lived_in(on: Stand, *, trades: int, rounds: int = 2) -> dict[str, bytes]:
    """Rows of every kind that a market makes, sealed; the answers to the trades, by key."""
    database = await Database(on.url, 3).open()
    try:
        answers = await some_business(database, on.ledger_id, on.grown, trades=trades, now=read_clock())
        contests = await contests_on(on, database, 1)
        for _ in range(rounds):
            for contest in contests:
                for attempt in await contest.prepare():
                    await attempt()
            await sealer_of(on.settings).seal(database, now=read_clock())
    finally:
        await database.close()
    return answers


class Contests:
    """Makes the objects; each rival has an account of its own."""

    def __init__(self, on: Stand, database: Database, rivals: int) -> None:
        self._on = on
        self._database = database
        self._rivals = rivals
        self._trader = on.grown.traders[0]
        self._serial = count(1)
        self._waiting_batch: UUID | None = None

    @property
    def _ledger(self) -> int:
        return self._on.ledger_id

    def officer(self, *roles: Role) -> Actor:
        return actor_of(None, *roles, now=read_clock())

    async def _trade(self) -> UUID:
        now = read_clock()
        key = f"contest-{next(self._serial)}"
        return trade_id_of(
            await record(self._database, self._ledger, order_of(self._trader, now), key, now=now)
        )

    async def refunds(self) -> Sequence[Attempt]:
        trade_id = await self._trade()

        async def give_back() -> None:
            await refund(self._database, self._on.grown, trade_id, None, now=read_clock())

        return [give_back] * self._rivals

    async def resolutions(self) -> Sequence[Attempt]:
        """Some post it, some void it, one sees it expire."""
        now, actor = read_clock(), self._trader.actor
        funds = Account(self._ledger, actor.participant_id, AccountKind.BUYER_FUNDS)
        escrow = Account(self._ledger, actor.participant_id, AccountKind.ESCROW)
        hold_id, due = HoldId(new_id(now)), now + timedelta(minutes=5)
        async with self._database.plain_transaction() as connection:
            await posting.open_accounts(connection, self._ledger, [funds, escrow], now=now)
            intent = holds.HoldIntent(hold_id, funds.id, HELD, due, "contest", hold_id)
            await holds.place_hold(connection, self._ledger, actor, intent, now=now)

        async def post() -> None:
            """Into escrow and back at once: the contest leaves no money waiting."""
            there = _entry(EntryKind.SETTLEMENT, hold_id, (funds, escrow), now)
            back = _entry(EntryKind.REFUND, hold_id, (escrow, funds), now, reverses=there.id)
            async with self._database.plain_transaction() as connection:
                await holds.post_hold(
                    connection, self._ledger, actor, hold_id, there, amount_fen=HELD, now=now
                )
                await posting.post(connection, self._ledger, [back], now=now)

        async def void() -> None:
            async with self._database.plain_transaction() as connection:
                await holds.void_hold(connection, self._ledger, actor, hold_id, reason="contest", now=now)

        async def expire() -> None:
            async with self._database.plain_transaction() as connection:
                if not await holds.expire_holds(connection, self._ledger, [hold_id], now=due):
                    raise NothingExpired

        return [*([post, void] * self._rivals)[: self._rivals - 1], expire]

    async def decisions(self) -> Sequence[Attempt]:
        """The buyer accepts and rejects at once, from several windows."""
        now = read_clock()
        async with self._database.transaction() as session:
            order = await orders.place_order(
                session,
                self._trader.actor,
                self._ledger,
                contract_id=self._trader.contract_id,
                purpose=Purpose.INDUSTRIAL_DEVELOPMENT,
                quantity=3,
                deliver_by=now + timedelta(days=1),
                acceptance_days=5,
                now=now,
            )
        await self._move_order(order.id, self._on.grown.provider, OrderEvent.DELIVER)
        events = ([OrderEvent.ACCEPT, OrderEvent.REJECT] * self._rivals)[: self._rivals]
        return [_later(self._move_order, order.id, self._trader.actor, event) for event in events]

    async def _move_order(self, order_id: UUID, actor: Actor, event: OrderEvent) -> None:
        async with self._database.transaction() as session:
            order = await order_queries.get_order(session, order_id, visible_to=actor, lock=True)
            reason = "contest" if event is OrderEvent.REJECT else None
            await orders.move_order(session, actor, order, event, reason=reason, now=read_clock())

    async def _proposed(self) -> UUID:
        """Income to pay out, in a batch."""
        await self._trade()
        async with self._database.transaction() as session:
            batch = await proposals.propose_batch(
                session,
                self.officer(Role.FINANCE),
                self._ledger,
                kinds=list(PayableKind),
                min_amount_fen=Fen(1),
                up_to_day=None,
                now=read_clock(),
            )
        return batch.id

    async def _move_batch(self, batch_id: UUID, event: BatchEvent) -> None:
        actor = self.officer(Role.FINANCE)
        async with self._database.transaction() as session:
            batch = await payout_queries.get_batch(
                session, self._ledger, batch_id, visible_to=actor, lock=True
            )
            await payouts.move_batch(session, actor, batch, event, reason="contest", now=read_clock())

    async def approvals_of_payouts(self) -> Sequence[Attempt]:
        """The batch of the round before, if one is still waiting to be sent, is sent first."""
        await self._send_waiting()
        batch_id = await self._proposed()
        self._waiting_batch = batch_id
        return [_later(self._move_batch, batch_id, BatchEvent.APPROVE)] * self._rivals

    async def sendings(self) -> Sequence[Attempt]:
        await self._send_waiting()
        batch_id = await self._proposed()
        await self._move_batch(batch_id, BatchEvent.APPROVE)
        return [_later(self._move_batch, batch_id, BatchEvent.SEND)] * self._rivals

    async def _send_waiting(self) -> None:
        waiting, self._waiting_batch = self._waiting_batch, None
        if waiting is not None:
            await self._move_batch(waiting, BatchEvent.SEND)

    async def approvals_of_a_run(self) -> Sequence[Attempt]:
        """In a market of its own each time: a year is decided once."""
        calculator, reviewer = self.officer(Role.AUTHORITY), self.officer(Role.AUTHORITY)
        ledger = next(self._serial)
        async with self._database.transaction() as session:
            run = await subsidy.open_run(
                session,
                calculator,
                ledger,
                scheme_id=SCHEME,
                year=YEAR,
                cutoff=None,
                now=AFTER_THE_YEAR,
            )
        for event in (RunEvent.SNAPSHOT, RunEvent.CALCULATE, RunEvent.SUBMIT):
            await self._move_run(run.id, calculator, event, AFTER_THE_YEAR)
        await self._move_run(run.id, reviewer, RunEvent.PUBLICISE, AFTER_THE_YEAR)
        return [
            _later(self._move_run, run.id, self.officer(Role.FINANCE), RunEvent.APPROVE, AFTER_PUBLICITY)
            for _ in range(self._rivals)
        ]

    async def _move_run(self, run_id: UUID, actor: Actor, event: RunEvent, now: datetime) -> None:
        async with self._database.transaction() as session:
            await subsidy.move_run(session, actor, run_id, event, now=now)

    async def closings(self) -> Sequence[Attempt]:
        """A month without movements, in a market of its own each time."""
        ledger = next(self._serial)

        async def begin() -> None:
            actor = self.officer(Role.FINANCE)
            async with self._database.transaction() as session:
                await periods.move_period(
                    session, actor, ledger, MONTH, PeriodEvent.BEGIN_CLOSING, reason=None, now=read_clock()
                )

        return [begin] * self._rivals


def _later(act: Callable[..., Awaitable[object]], *given: object) -> Attempt:
    """The same act with these arguments, when it is called."""

    async def attempt() -> None:
        await act(*given)

    return attempt


def _entry(
    kind: EntryKind,
    source: UUID,
    sides: tuple[Account, Account],
    now: datetime,
    *,
    reverses: EntryId | None = None,
) -> Posting:
    """From the first account to the second."""
    return Posting(
        id=EntryId(new_id(now)),
        kind=kind,
        effective_at=now,
        source_type="contest",
        source_id=source,
        actor_id=source,
        legs=(Leg(sides[0].id, HELD), Leg(sides[1].id, Fen(-HELD))),
        reverses=reverses,
    )
