"""I8 against a model: holds placed, posted in part, voided and expired in any order, beside deposits and payments."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from datamarket.foundation.db import APP_ROLE, Database
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen
from datamarket.ledger import posting
from datamarket.ledger.holds import actions as holds
from datamarket.ledger.holds.terms import HoldId, HoldState, Rest
from datamarket.ledger.terms import AccountId, AccountKey, AccountKind
from datamarket.server.checks import check_books
from tests.world import orders
from tests.world.books import assert_books_hold
from tests.world.people import FINANCE, NOON, moment
from tests.world.trading import LEDGER_ID

amounts = st.integers(1, 400)
START = 1_000


@dataclass
class Expected:
    """A hold as a dict would keep it."""

    amount: int
    days: int
    posted: int = 0
    voided: int = 0
    expired: int = 0

    @property
    def left(self) -> int:
        return self.amount - self.posted - self.voided - self.expired

    @property
    def state(self) -> HoldState:
        if self.left:
            return HoldState.PARTLY_POSTED if self.posted else HoldState.HELD
        if self.expired:
            return HoldState.EXPIRED
        return HoldState.VOIDED if self.voided else HoldState.POSTED


class Purse(RuleBasedStateMachine):
    """One account with funds; every refusal of the database must be one that the model foresees."""

    placed = Bundle("placed")
    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.connection: asyncpg.Connection[asyncpg.Record] = self.loop.run_until_complete(self._connect())
        owner = new_id(moment())
        self.account: AccountId = orders.funds_of(owner)
        self.balance = 0
        self.model: dict[HoldId, Expected] = {}
        self.days = 0
        funds = AccountKey(LEDGER_ID, owner, AccountKind.BUYER_FUNDS)
        bank = AccountKey(LEDGER_ID, None, AccountKind.BANK)
        self._do(lambda: posting.open_accounts(self.connection, LEDGER_ID, [funds, bank], now=NOON))
        self._move(START)

    async def _connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(self.url, server_settings={"role": APP_ROLE})

    def teardown(self) -> None:
        self.loop.run_until_complete(self.connection.close())
        self.loop.close()

    def _do(self, action: Callable[[], Awaitable[Any]]) -> str | None:
        """One transaction; the name of the constraint that refused it, if one did."""

        async def whole() -> None:
            async with self.connection.transaction():
                await action()

        try:
            self.loop.run_until_complete(whole())
        except asyncpg.IntegrityConstraintViolationError as refused:
            return str(refused.constraint_name)
        return None

    def _move(self, amount: int) -> str | None:
        """Money in from the bank, or, below zero, out of the funds that are not held."""
        refused = self._do(lambda: orders.fund(self.connection, self.account, amount))
        self.balance += 0 if refused else amount
        return refused

    @property
    def held(self) -> int:
        return sum(hold.left for hold in self.model.values())

    @rule(amount=amounts)
    def deposit(self, amount: int) -> None:
        assert self._move(amount) is None

    @rule(amount=amounts)
    def spend(self, amount: int) -> None:
        enough = self.balance - self.held >= amount
        assert self._move(-amount) == (None if enough else "ledger_balance_not_overdrawn")

    @rule(target=placed, amount=amounts, days=st.integers(1, 5))
    def place(self, amount: int, days: int) -> HoldId:
        hold_id = HoldId(new_id(moment()))
        until = NOON + timedelta(days=self.days + days)
        intent = holds.HoldIntent(hold_id, self.account, Fen(amount), until, "test", hold_id)
        at = NOON + timedelta(days=self.days)
        refused = self._do(lambda: holds.place_hold(self.connection, LEDGER_ID, FINANCE, intent, now=at))
        if self.balance - self.held >= amount:
            assert refused is None
            self.model[hold_id] = Expected(amount, self.days + days)
        else:
            assert refused == "ledger_balance_not_overdrawn"
        return hold_id

    @rule(hold_id=placed)
    def place_again_for_the_same_business(self, hold_id: HoldId) -> None:
        if hold_id in self.model:
            refused = self._do(lambda: orders.place(self.connection, self.account, 1, source=hold_id))
            assert refused == "ledger_hold_source_key"

    @rule(hold_id=placed, amount=amounts, rest=st.sampled_from(Rest))
    def post(self, hold_id: HoldId, amount: int, rest: Rest) -> None:
        at = NOON + timedelta(days=self.days)
        refused = self._do(lambda: orders.post(self.connection, self.account, hold_id, amount, rest, at=at))
        hold = self.model.get(hold_id)
        if hold is None:
            assert refused == "ledger_hold_known"
        elif not hold.left:
            assert refused == "ledger_hold_resolved_once"
        elif hold.days <= self.days:
            assert refused == "ledger_hold_in_time"
        elif amount > hold.left:
            assert refused == "ledger_hold_within_amount"
        else:
            assert refused is None
            hold.posted += amount
            self.balance -= amount
            if rest is Rest.VOID:
                hold.voided += hold.left

    @rule(hold_id=placed)
    def void(self, hold_id: HoldId) -> None:
        refused = self._do(lambda: orders.void(self.connection, hold_id))
        hold = self.model.get(hold_id)
        if hold is None:
            assert refused == "ledger_hold_known"
        elif not hold.left:
            assert refused == "ledger_hold_resolved_once"
        else:
            assert refused is None
            hold.voided += hold.left

    @rule(days=st.integers(0, 3))
    def time_passes(self, days: int) -> None:
        self.days += days

    @rule()
    def expire_what_is_due(self) -> None:
        at = NOON + timedelta(days=self.days)
        due = [hold for hold in self.model.values() if hold.left and hold.days <= self.days]
        named = list(self.model)
        assert self._do(lambda: holds.expire_holds(self.connection, LEDGER_ID, named, now=at)) is None
        for hold in due:
            hold.expired += hold.left

    @invariant()
    def the_books_are_what_the_model_says(self) -> None:
        async def read() -> tuple[Any, list[Any]]:
            balance = await self.connection.fetchrow(
                "SELECT credit_fen - debit_fen, held_fen FROM ledger_balance WHERE ledger_id = $1 AND account_id = $2",
                LEDGER_ID,
                self.account,
            )
            rows = await self.connection.fetch(
                "SELECT id, amount_fen, posted_fen, voided_fen, expired_fen, state FROM ledger_hold"
                " WHERE ledger_id = $1 AND account_id = $2",
                LEDGER_ID,
                self.account,
            )
            return balance, rows

        balance, rows = self.loop.run_until_complete(read())
        assert tuple(balance) == (self.balance, self.held)
        assert self.balance >= self.held >= 0
        stored = {row["id"]: tuple(row)[1:] for row in rows}
        assert stored == {
            hold_id: (hold.amount, hold.posted, hold.voided, hold.expired, hold.state)
            for hold_id, hold in self.model.items()
        }


async def test_holds_follow_the_model_in_any_order(fresh_database: Database) -> None:
    Purse.url = fresh_database.url

    def run() -> None:
        run_state_machine_as_test(
            Purse,
            settings=settings(
                max_examples=25,
                stateful_step_count=30,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )

    await asyncio.to_thread(run)
    await assert_books_hold(fresh_database.url)


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE ledger_hold SET amount_fen = amount_fen + 1", "append_only"),
        ("UPDATE ledger_hold SET posted_fen = 0", "append_only"),
        ("UPDATE ledger_hold SET voided_fen = 1", "ledger_hold_"),
        ("UPDATE ledger_hold SET state = 'expired'", "ledger_hold_"),
        ("DELETE FROM ledger_hold", "append_only"),
        ("TRUNCATE ledger_hold CASCADE", "append_only"),
        ("UPDATE ledger_hold_posting SET amount_fen = 1", "append_only"),
        ("DELETE FROM ledger_hold_posting", "append_only"),
    ],
)
async def test_not_even_the_owner_unmakes_a_hold(fresh_database: Database, statement: str, code: str) -> None:
    connection = await _with_a_part_posted(fresh_database)
    try:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
            await connection.execute(statement)
        assert str(refused.value.constraint_name).startswith(code)
        await connection.execute(f"SET ROLE {APP_ROLE}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def _with_a_part_posted(database: Database) -> "asyncpg.Connection[asyncpg.Record]":
    """A hold of 100 of which 40 are posted; the owner's connection."""
    connection = await asyncpg.connect(database.url)
    owner = new_id(moment())
    account = AccountKey(LEDGER_ID, owner, AccountKind.BUYER_FUNDS)
    bank = AccountKey(LEDGER_ID, None, AccountKind.BANK)
    async with connection.transaction():
        await posting.open_accounts(connection, LEDGER_ID, [account, bank], now=NOON)
        await orders.fund(connection, account.id, 100)
        hold_id = await orders.place(connection, account.id, 100)
        await orders.post(connection, account.id, hold_id, 40, Rest.KEEP)
    return connection


TAMPERINGS = {
    "UPDATE ledger_balance SET held_fen = held_fen - 1 WHERE held_fen > 0",
    "UPDATE ledger_balance SET held_fen = 1 WHERE held_fen = 0",
    "UPDATE ledger_hold SET amount_fen = amount_fen + 1",
    "UPDATE ledger_hold SET posted_fen = posted_fen + 1",
    "UPDATE ledger_hold_posting SET amount_fen = amount_fen + 1",
    "DELETE FROM ledger_hold_posting",
    "UPDATE ledger_leg SET amount_fen = amount_fen + 1",
}


@pytest.mark.parametrize("statement", sorted(TAMPERINGS))
async def test_tampering_with_what_is_held_breaks_i8(fresh_database: Database, statement: str) -> None:
    connection = await _with_a_part_posted(fresh_database)
    try:
        await assert_books_hold(fresh_database.url)
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(statement)
    finally:
        await connection.close()
    broken = {
        finding.check.id for finding in await check_books(fresh_database.url, LEDGER_ID) if not finding.holds
    }
    assert "I8" in broken


async def test_a_hold_is_not_posted_without_an_entry_that_debits_its_account(
    fresh_database: Database,
) -> None:
    connection = await _with_a_part_posted(fresh_database)
    [(hold_id, entry_id)] = await connection.fetch("SELECT hold_id, entry_id FROM ledger_hold_posting")
    try:
        for claimed in (new_id(NOON), entry_id):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
                await connection.execute(
                    "SELECT ledger_resolve_holds($1, $2, ARRAY[$3::uuid], ARRAY[7::bigint], ARRAY[true], ARRAY[$4::uuid],"
                    " ARRAY[NULL::text])",
                    LEDGER_ID,
                    moment(),
                    hold_id,
                    claimed,
                )
            assert refused.value.constraint_name in {"ledger_hold_posting_debits", "ledger_hold_posting_pkey"}
    finally:
        await connection.close()
