"""Locks that functions of the database take, each put to the test on several connections, with and without it.

A probe answers whether what the lock promises was kept. The database is a copy for this alone: a function
without its lock is committed there, and put back.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen
from datamarket.ledger import posting
from datamarket.ledger.terms import Account, AccountId, AccountKind, EntryId, EntryKind, Leg, Posting
from loadtests.faults.guard_probes import Finding, Outcome
from loadtests.faults.guards import Guard

Link = "asyncpg.Connection[asyncpg.Record]"
WIDE = 24
WAIT_SECONDS = 5
EMPTY_MONTH, OTHER_EMPTY_MONTH = 200001, 200002
AMOUNT = Fen(100)


class NobodyWaited(Exception):
    """A race that never came to be proves nothing."""


@dataclass
class LockProber:
    """Three connections on one scratch database: who was first, who came second, and who looks."""

    first: "asyncpg.Connection[asyncpg.Record]"
    second: "asyncpg.Connection[asyncpg.Record]"
    watcher: "asyncpg.Connection[asyncpg.Record]"
    ledger_id: int
    now: datetime

    async def probe(self, guard: Guard) -> Finding:
        """The promise must be kept with the lock, and broken without it."""
        ask = self._probes().get((guard.table, guard.name))
        if ask is None or not await ask():
            return Finding(guard, Outcome.UNCOVERED)
        await self.watcher.execute(guard.drop)
        try:
            kept = await ask()
        finally:
            await self.watcher.execute(guard.definition)
        return Finding(guard, Outcome.UNNOTICED if kept else Outcome.THROUGH)

    def _probes(self) -> dict[tuple[str, str], Callable[[], Awaitable[bool]]]:
        return {
            ("ledger_post", "advisory 1"): lambda: self._keeps_periods(self._post),
            ("ledger_lock_balances", "advisory 1"): lambda: self._keeps_periods(self._lock),
            ("ledger_hold_still", "advisory 1"): lambda: self._keeps_periods(self._hold_still),
            ("ledger_close_period", "advisory 1"): lambda: self._waits_for_postings(self._close),
            ("ledger_move_period", "advisory 1"): lambda: self._waits_for_postings(self._move),
            ("ledger_lock_balances", "rows 1"): lambda: self._holds_balances(self._lock),
            ("ledger_hold_still", "rows 1"): lambda: self._holds_balances(self._hold_still),
            ("ledger_post", "rows 1"): self._locks_in_order,
            ("ledger_guard_reversals", "rows 1"): self._reverses_once,
            ("ledger_resolve_holds", "rows 1"): self._resolves_once,
            ("ledger_expire_holds", "rows 1"): self._passes_by,
        }

    async def _keeps_periods(self, act: Callable[[Sequence[AccountId]], Awaitable[object]]) -> bool:
        """While it is under way, nobody closes a month."""
        accounts = await self._accounts(2)
        async with _open(self.first), _open(self.second):
            await act(accounts)
            free = await self.second.fetchval("SELECT pg_try_advisory_xact_lock($1, 1)", self.ledger_id)
        return not free

    async def _waits_for_postings(self, act: Callable[[], Awaitable[object]]) -> bool:
        """While a month changes, nobody posts."""
        async with _open(self.first), _open(self.second):
            await act()
            free = await self.second.fetchval(
                "SELECT pg_try_advisory_xact_lock_shared($1, 1)", self.ledger_id
            )
        return not free

    async def _holds_balances(self, act: Callable[[Sequence[AccountId]], Awaitable[object]]) -> bool:
        """Afterwards nobody else touches these balances."""
        accounts = await self._accounts(2)
        async with _open(self.first), _open(self.second):
            await act(accounts)
            return await self._free(accounts) == 0

    async def _locks_in_order(self) -> bool:
        """Who waits for the lowest account holds none of the higher ones: no ring of waiting can form."""
        accounts = sorted(await self._accounts(WIDE))
        async with _open(self.first), _open(self.second), _open(self.watcher):
            await self.watcher.execute(
                "SELECT 1 FROM ledger_balance WHERE ledger_id = $1 AND account_id = $2 FOR UPDATE",
                self.ledger_id,
                accounts[0],
            )
            async with self._waiting(self._post(accounts)):
                return await self._free(accounts[1:]) == WIDE - 1

    async def _reverses_once(self) -> bool:
        """Of two reversals of the whole at once, the second is refused."""
        accounts = await self._accounts(2)
        original = await self._post(accounts)
        async with _open(self.first) as one, _open(self.second):
            await self._post(accounts, reverses=original, by=self.first)
            async with self._waiting(
                self._post(accounts, reverses=original, by=self.second), keep=True
            ) as other:
                await one.commit()
                return await _refusal(other) == "ledger_reversal_within_original"

    async def _resolves_once(self) -> bool:
        """Who waited for a hold sees that it was resolved meanwhile."""
        hold = await self._placed()
        async with _open(self.first) as one, _open(self.second):
            await self.first.execute(
                "UPDATE ledger_hold SET voided_fen = amount_fen, state = 'voided', resolved_at = $3"
                " WHERE ledger_id = $1 AND id = $2", self.ledger_id, hold, self.now
            )  # fmt: skip
            resolving = self.second.execute(
                "SELECT ledger_resolve_holds($1, $2, ARRAY[$3::uuid], ARRAY[0::bigint], ARRAY[false],"
                " ARRAY[NULL::uuid], ARRAY['again'])", self.ledger_id, self.now, hold
            )  # fmt: skip
            async with self._waiting(resolving, keep=True) as other:
                await one.commit()
                return await _refusal(other) == "ledger_hold_resolved_once"

    async def _passes_by(self) -> bool:
        """Expiry leaves out an account on which somebody works, instead of waiting for them."""
        hold = await self._placed()
        async with _open(self.first), _open(self.second):
            await self.first.execute(
                "SELECT 1 FROM ledger_balance b JOIN ledger_hold h USING (ledger_id, account_id)"
                " WHERE h.ledger_id = $1 AND h.id = $2 FOR UPDATE OF b", self.ledger_id, hold
            )  # fmt: skip
            await self.second.execute("SET LOCAL lock_timeout = '300ms'")
            expiring = self.second.execute(
                "SELECT ledger_expire_holds($1, $2, NULL, 100)", self.ledger_id, self.now + timedelta(days=2)
            )
            return await _refusal(asyncio.ensure_future(expiring)) is None

    async def _accounts(self, wanted: int) -> list[AccountId]:
        """Fresh accounts that may go either way."""
        accounts = [
            Account(self.ledger_id, new_id(self.now), AccountKind.PROVIDER_INCOME) for _ in range(wanted)
        ]
        await posting.open_accounts(self.watcher, self.ledger_id, accounts, now=self.now)
        return [account.id for account in accounts]

    async def _post(
        self,
        accounts: Sequence[AccountId],
        *,
        reverses: EntryId | None = None,
        by: "asyncpg.Connection[asyncpg.Record] | None" = None,
    ) -> EntryId:
        """One entry over all these accounts; a reversal goes the other way."""
        sign = -1 if reverses else 1
        rest = [Leg(account, Fen(-sign * int(AMOUNT))) for account in accounts[1:]]
        legs = (Leg(accounts[0], Fen(sign * int(AMOUNT) * len(rest))), *rest)
        entry = Posting(
            id=EntryId(new_id(self.now)),
            kind=EntryKind.REFUND if reverses else EntryKind.SETTLEMENT,
            effective_at=self.now,
            source_type="lock probe",
            source_id=new_id(self.now),
            actor_id=new_id(self.now),
            legs=legs,
            reverses=reverses,
        )
        await posting.post(by or self.first, self.ledger_id, [entry], now=self.now)
        return entry.id

    async def _lock(self, accounts: Sequence[AccountId]) -> None:
        await self.first.execute("SELECT ledger_lock_balances($1, $2::uuid[])", self.ledger_id, accounts)

    async def _hold_still(self, accounts: Sequence[AccountId]) -> None:
        await self.first.fetch("SELECT * FROM ledger_hold_still($1, $2::uuid[])", self.ledger_id, accounts)

    async def _close(self) -> None:
        await self.first.execute(
            "INSERT INTO ledger_period (ledger_id, id, state, version, revision) VALUES ($1, $2, 'closing', 1, 0)",
            self.ledger_id,
            EMPTY_MONTH,
        )
        await self.first.execute(
            "SELECT ledger_close_period($1, $2, $3)", self.ledger_id, EMPTY_MONTH, self.now
        )

    async def _move(self) -> None:
        await self.first.execute(
            "SELECT ledger_move_period($1, $2, 'open', 'closing')", self.ledger_id, OTHER_EMPTY_MONTH
        )

    async def _placed(self) -> UUID:
        """A hold on fresh money, due tomorrow."""
        receiver, giver = await self._accounts(2)
        await self._post([giver, receiver])
        hold = new_id(self.now)
        await self.watcher.execute(
            "SELECT ledger_place_holds($1, $2, ARRAY[$3::uuid], ARRAY[$4::uuid], ARRAY[1::bigint], ARRAY[$5::timestamptz],"
            " ARRAY['lock probe'], ARRAY[$3::uuid], ARRAY[$3::uuid], ARRAY[NULL::uuid])",
            self.ledger_id,
            self.now,
            hold,
            receiver,
            self.now + timedelta(days=1),
        )
        return hold

    async def _free(self, accounts: Sequence[AccountId]) -> int:
        """How many of these balances nobody has locked."""
        rows = await self.second.fetch(
            "SELECT 1 FROM ledger_balance WHERE ledger_id = $1 AND account_id = ANY ($2::uuid[])"
            " FOR UPDATE SKIP LOCKED",
            self.ledger_id,
            accounts,
        )
        return len(rows)

    @asynccontextmanager
    async def _waiting(
        self, act: Awaitable[object], *, keep: bool = False
    ) -> AsyncIterator["asyncio.Future[object]"]:
        """The act, started, once it waits for a lock; unless kept, it is called off at the end."""
        future = asyncio.ensure_future(act)
        looker = self.watcher
        for _ in range(WAIT_SECONDS * 100):
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            if await looker.fetchval(waiting):
                break
            await asyncio.sleep(0.01)
        else:
            raise NobodyWaited
        try:
            yield future
        finally:
            if not keep:
                await self._call_off(future)

    async def _call_off(self, future: "asyncio.Future[object]") -> None:
        await self.watcher.execute("SELECT pg_cancel_backend($1)", self.first.get_server_pid())
        await asyncio.wait([future])
        future.exception()


@asynccontextmanager
async def _open(
    link: "asyncpg.Connection[asyncpg.Record]",
) -> AsyncIterator["asyncpg.transaction.Transaction"]:
    """A transaction that is rolled back, unless somebody committed it."""
    transaction = link.transaction()
    await transaction.start()
    try:
        yield transaction
    finally:
        if link.is_in_transaction():
            await transaction.rollback()


async def _refusal(act: "asyncio.Future[object] | asyncio.Task[object]") -> str | None:
    """The constraint or the SQLSTATE that refused it; None when it went through."""
    try:
        await act
    except asyncpg.PostgresError as error:
        return getattr(error, "constraint_name", None) or error.sqlstate
    return None
