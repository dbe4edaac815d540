"""Each lock that a function of the database takes keeps its promise, and the promise is broken without it.

A probe answers whether the promise was kept. The database is a module's own: a function without its lock is
committed there, and put back.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from datamarket.foundation.db import Database
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen
from datamarket.ledger import posting
from datamarket.ledger.holds.terms import HoldId
from datamarket.ledger.terms import AccountId, AccountKey, AccountKind, EntryId, EntryKind, Leg, Posting
from tests.world import orders
from tests.world.people import FINANCE, NOON, moment
from tests.world.trading import LEDGER_ID

Link = asyncpg.Connection
LOCK = re.compile(
    r"(?P<advisory>pg_(?:try_)?advisory\w*\([^()]*\))"
    r"|(?P<rows>FOR (?:NO KEY )?(?:UPDATE|SHARE|KEY SHARE)(?: SKIP LOCKED| NOWAIT)?)"
)
WIDE = 24
WAIT_SECONDS = 5
CHANCES = 4
"""Without a lock an order may still be kept by chance: once in so many tries as there are accounts."""
EMPTY_MONTH, OTHER_EMPTY_MONTH = 200001, 200002


@dataclass(frozen=True)
class Three:
    """Three connections of a superuser: who was first, who came second, and who looks."""

    first: "Link[asyncpg.Record]"
    second: "Link[asyncpg.Record]"
    watcher: "Link[asyncpg.Record]"

    async def accounts(self, wanted: int) -> list[AccountId]:
        """Fresh ones that may go either way, the lowest id first."""
        fresh = [AccountKey(LEDGER_ID, new_id(moment()), AccountKind.PROVIDER_INCOME) for _ in range(wanted)]
        await posting.open_accounts(self.watcher, LEDGER_ID, fresh, now=NOON)
        return sorted(account.id for account in fresh)

    async def held(self) -> HoldId:
        """A hold of money just come in, due in a week."""
        giver, receiver = await self.accounts(2)
        await post(self.watcher, [giver, receiver])
        return await orders.place(self.watcher, receiver, 1)

    async def free(self, accounts: Sequence[AccountId]) -> int:
        """How many of these balances nobody has locked."""
        rows = await self.second.fetch(
            "SELECT 1 FROM ledger_balance WHERE ledger_id = $1 AND account_id = ANY ($2::uuid[]) FOR UPDATE SKIP LOCKED",
            LEDGER_ID,
            accounts,
        )
        return len(rows)

    @asynccontextmanager
    async def waiting(self, act: Awaitable[Any]) -> AsyncIterator["asyncio.Future[Any]"]:
        """The act, started, once it waits for a lock."""
        future = asyncio.ensure_future(act)
        ours = [link.get_server_pid() for link in (self.first, self.second)]  # others of this server wait too
        for _ in range(WAIT_SECONDS * 100):
            if await self.watcher.fetchval(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = ANY ($1::int[])", ours
            ):
                break
            await asyncio.sleep(0.01)
        else:
            pytest.fail("nobody waited: there was no race")
        yield future


async def post(
    link: "Link[asyncpg.Record]", accounts: Sequence[AccountId], reverses: EntryId | None = None
) -> EntryId:
    """One entry from the first account to all others; a reversal goes the other way."""
    sign = -1 if reverses else 1
    rest = [Leg(account, Fen(-sign * 100)) for account in accounts[1:]]
    at = moment()
    entry = Posting(
        id=EntryId(new_id(at)),
        kind=EntryKind.REFUND if reverses else EntryKind.SETTLEMENT,
        effective_at=at,
        source_type="test",
        source_id=new_id(at),
        actor_id=FINANCE.account_id,
        legs=(Leg(accounts[0], Fen(sign * 100 * len(rest))), *rest),
        reverses=reverses,
    )
    await posting.post(link, LEDGER_ID, [entry], now=at)
    return entry.id


async def lock(link: "Link[asyncpg.Record]", accounts: Sequence[AccountId]) -> None:
    await link.execute("SELECT ledger_lock_balances($1, $2::uuid[])", LEDGER_ID, accounts)


async def hold_still(link: "Link[asyncpg.Record]", accounts: Sequence[AccountId]) -> None:
    await link.execute("SELECT ledger_hold_still($1, $2::uuid[])", LEDGER_ID, accounts)


async def close(link: "Link[asyncpg.Record]") -> None:
    await link.execute(
        "INSERT INTO ledger_period (ledger_id, id, state, version, revision) VALUES ($1, $2, 'closing', 1, 0)",
        LEDGER_ID,
        EMPTY_MONTH,
    )
    await link.execute("SELECT ledger_close_period($1, $2, $3)", LEDGER_ID, EMPTY_MONTH, NOON)


async def move(link: "Link[asyncpg.Record]") -> None:
    await link.execute("SELECT ledger_move_period($1, $2, 'open', 'closing')", LEDGER_ID, OTHER_EMPTY_MONTH)


async def refusal(act: Awaitable[Any]) -> str | None:
    """The constraint or the SQLSTATE that refused it; None when it went through."""
    try:
        await act
    except asyncpg.PostgresError as error:
        return getattr(error, "constraint_name", None) or error.sqlstate
    return None


Touch = Callable[["Link[asyncpg.Record]", Sequence[AccountId]], Awaitable[object]]
Probe = Callable[[Three], Awaitable[bool]]


def keeps_periods(act: Touch) -> Probe:
    """While it is under way, nobody closes a month."""

    async def ask(three: Three) -> bool:
        await act(three.first, await three.accounts(2))
        return not await three.second.fetchval("SELECT pg_try_advisory_xact_lock($1, 1)", LEDGER_ID)

    return ask


def keeps_postings_away(act: Callable[["Link[asyncpg.Record]"], Awaitable[None]]) -> Probe:
    """While a month changes, nobody posts."""

    async def ask(three: Three) -> bool:
        await act(three.first)
        return not await three.second.fetchval("SELECT pg_try_advisory_xact_lock_shared($1, 1)", LEDGER_ID)

    return ask


def keeps_balances(act: Touch) -> Probe:
    """Afterwards nobody else touches these balances."""

    async def ask(three: Three) -> bool:
        accounts = await three.accounts(2)
        await act(three.first, accounts)
        return await three.free(accounts) == 0

    return ask


async def locks_in_order(three: Three) -> bool:
    """Who waits for the lowest account holds none of the higher ones: no ring of waiting can form."""
    accounts = await three.accounts(WIDE)
    async with three.watcher.transaction():
        await three.watcher.execute(
            "SELECT 1 FROM ledger_balance WHERE ledger_id = $1 AND account_id = $2 FOR UPDATE",
            LEDGER_ID,
            accounts[0],
        )
        async with three.waiting(post(three.first, accounts)) as posting_it:
            others_free = await three.free(accounts[1:]) == WIDE - 1
            await three.watcher.execute("SELECT pg_cancel_backend($1)", three.first.get_server_pid())
            with suppress(asyncpg.QueryCanceledError):
                await posting_it
    return others_free


async def reverses_once(three: Three) -> bool:
    """Of two reversals of the whole at once, the second is refused."""
    accounts = await three.accounts(2)
    original = await post(three.watcher, accounts)
    await post(three.first, accounts, original)
    async with three.waiting(post(three.second, accounts, original)) as other:
        await three.first.execute("COMMIT")
        return await refusal(other) == "ledger_reversal_within_original"


async def resolves_once(three: Three) -> bool:
    """Who waited for a hold sees that it was resolved meanwhile."""
    hold = await three.held()
    await three.first.execute(
        "UPDATE ledger_hold SET voided_fen = amount_fen, state = 'voided', resolved_at = $3 WHERE ledger_id = $1 AND id = $2",
        LEDGER_ID,
        hold,
        NOON,
    )
    resolving = three.second.execute(
        "SELECT ledger_resolve_holds($1, $2, ARRAY[$3::uuid], '{0}', '{false}', ARRAY[NULL::uuid], '{again}')",
        LEDGER_ID,
        NOON,
        hold,
    )
    async with three.waiting(resolving) as other:
        await three.first.execute("COMMIT")
        return await refusal(other) == "ledger_hold_resolved_once"


async def passes_by(three: Three) -> bool:
    """Expiry leaves out an account on which somebody works, instead of waiting for them."""
    hold = await three.held()
    await three.first.execute(
        "SELECT 1 FROM ledger_balance b JOIN ledger_hold h USING (ledger_id, account_id)"
        " WHERE h.ledger_id = $1 AND h.id = $2 FOR UPDATE OF b",
        LEDGER_ID,
        hold,
    )
    await three.second.execute("SET LOCAL lock_timeout = '300ms'")
    late = NOON + timedelta(days=30)
    expiring = three.second.execute("SELECT ledger_expire_holds($1, $2, NULL, 100)", LEDGER_ID, late)
    return await refusal(expiring) is None


def begins_another_part(add: Callable[["Link[asyncpg.Record]", UUID], Awaitable[None]]) -> Probe:
    """Who adds to a total on which somebody works does not wait: its writers may come in any order."""

    async def probe(three: Three) -> bool:
        total = new_id(moment())
        for link in (three.watcher, three.first):
            await add(link, total)
        await three.second.execute("SET LOCAL lock_timeout = '300ms'")
        return await refusal(add(three.second, total)) is None

    return probe


async def add_tally(link: "Link[asyncpg.Record]", kind: UUID) -> None:
    await link.execute("SELECT tally_add($1, 1)", str(kind))


async def add_turnover(link: "Link[asyncpg.Record]", contract: UUID) -> None:
    await link.execute(
        "SELECT turnover_add(ARRAY[row($1::int, '2024-05-01', $2::uuid, gen_random_uuid(), $2::uuid, $2::uuid, $2::uuid, 1, 0, 1, 100, 0,"
        " NULL, NULL, NULL)::monthly_turnover])",
        LEDGER_ID,
        contract,
    )


PROBES: dict[tuple[str, str], Probe] = {
    ("ledger_post", "advisory"): keeps_periods(post),
    ("ledger_lock_balances", "advisory"): keeps_periods(lock),
    ("ledger_hold_still", "advisory"): keeps_periods(hold_still),
    ("ledger_close_period", "advisory"): keeps_postings_away(close),
    ("ledger_move_period", "advisory"): keeps_postings_away(move),
    ("ledger_lock_balances", "rows"): keeps_balances(lock),
    ("ledger_hold_still", "rows"): keeps_balances(hold_still),
    ("ledger_post", "rows"): locks_in_order,
    ("ledger_guard_reversals", "rows"): reverses_once,
    ("ledger_resolve_holds", "rows"): resolves_once,
    ("ledger_expire_holds", "rows"): passes_by,
    ("turnover_add", "rows"): begins_another_part(add_turnover),
    ("tally_add", "rows"): begins_another_part(add_tally),
}


@pytest_asyncio.fixture(scope="module")
async def three(module_database: Database) -> AsyncIterator[Three]:
    links = [await asyncpg.connect(module_database.url) for _ in range(3)]
    yield Three(*links)
    for link in links:
        await link.close()


async def functions(link: "Link[asyncpg.Record]") -> dict[tuple[str, str], tuple[str, str]]:
    """By function and sort of lock: the function as it is, and the same without that lock."""
    found = {}
    for row in await link.fetch(
        "SELECT proname, prosrc, pg_get_functiondef(oid) AS whole FROM pg_proc"
        " WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'"
    ):
        for held in LOCK.finditer(row["prosrc"]):
            sort = held.lastgroup or ""
            assert (row["proname"], sort) not in found, "a second lock of one sort needs a name of its own"
            instead = "NULL" if sort == "advisory" else ""
            without = row["prosrc"][: held.start()] + instead + row["prosrc"][held.end() :]
            found[row["proname"], sort] = row["whole"], row["whole"].replace(row["prosrc"], without)
    return found


async def ask(three: Three, probe: Probe) -> bool:
    """Both who race are in a transaction, which is rolled back unless it was committed."""
    for link in (three.first, three.second):
        await link.execute("BEGIN")
    try:
        return await probe(three)
    finally:
        for link in (three.first, three.second):
            with suppress(asyncpg.PostgresError):
                await link.execute("ROLLBACK")


@pytest.mark.parametrize("held", PROBES, ids=" ".join)
async def test_a_lock_keeps_its_promise_which_is_broken_without_it(
    three: Three, held: tuple[str, str]
) -> None:
    whole, without = (await functions(three.watcher))[held]
    assert await ask(three, PROBES[held])
    await three.watcher.execute(without)
    try:
        kept = [await ask(three, PROBES[held]) for _ in range(CHANCES)]
        assert not all(kept)
    finally:
        await three.watcher.execute(whole)


async def test_every_lock_of_a_function_is_probed(three: Three) -> None:
    assert set(PROBES) == set(await functions(three.watcher))
