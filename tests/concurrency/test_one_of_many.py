"""Many at once want what only one can have: exactly one gets it, round after round, on real connections.

Sendings and advices of payouts stand in `test_payout_races`, closings of a month in `test_closing_while_posting`.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy.exc import DBAPIError

from datamarket.auth.terms import Role
from datamarket.contracts.terms import ContractEvent
from datamarket.foundation.db import Connection, Database
from datamarket.foundation.errors import MarketError, Refused
from datamarket.foundation.money import Fen
from datamarket.ledger.cities import actions as city_actions
from datamarket.ledger.cities import queries as city_queries
from datamarket.ledger.cities.terms import TransferEvent
from datamarket.ledger.holds import actions as holds
from datamarket.ledger.periods.terms import PeriodEvent
from datamarket.payouts.terms import BatchEvent
from datamarket.subsidy.runs import actions as subsidy_actions
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs.terms import RunEvent
from datamarket.trading.actions import Recorder
from datamarket.trading.orders.terms import OrderEvent
from tests.world import market, orders, payouts, periods, subsidy, trading
from tests.world.books import assert_books_hold
from tests.world.people import FINANCE, NOON, actor, moment
from tests.world.trading import LEDGER_ID

Attempt = Callable[[], Awaitable[object]]
RIVALS, ROUNDS = 8, 3
MONTH = 202401


class Taken(Refused):
    code = "test.taken"
    zh = "已被取走。"
    en = "It is taken already."


def refusal(error: BaseException) -> str:
    """The market's code, or the constraint that said no, below SQLAlchemy's wrappers; all else is a fault."""
    if isinstance(error, MarketError):
        return error.code
    cause = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig is not None else error
    name = getattr(cause, "constraint_name", None)
    if name is None:
        raise error
    return str(name)


async def race(attempts: Sequence[Attempt]) -> tuple[int, Counter[str]]:
    """All at once: how many won, and why the others lost."""
    outcomes = await asyncio.gather(*(attempt() for attempt in attempts), return_exceptions=True)
    lost = Counter(refusal(outcome) for outcome in outcomes if isinstance(outcome, BaseException))
    return RIVALS - lost.total(), lost


async def refunds(database: Database) -> Sequence[Attempt]:
    deal = await trading.active_contract(database)
    sold = await trading.trade(database, deal)
    return [lambda: trading.refund(database, deal, sold.id)] * RIVALS


async def resolutions(database: Database) -> Sequence[Attempt]:
    """Some post it, some void it, one sees it expire."""
    deal = await trading.active_contract(database, funds=Fen(1_000))
    account = orders.funds_of(deal.buyer.id)
    async with database.plain_transaction() as connection:
        hold_id = await orders.place(connection, account, 600)

    def on_its_own(act: Callable[[Connection], Awaitable[object]]) -> Attempt:
        async def attempt() -> None:
            async with database.plain_transaction() as connection:
                await act(connection)

        return attempt

    async def expire(connection: Connection) -> None:
        if not await holds.expire_holds(connection, LEDGER_ID, [hold_id], now=orders.IN_A_WEEK):
            raise Taken

    post = on_its_own(lambda connection: orders.post(connection, account, hold_id, 600))
    void = on_its_own(lambda connection: orders.void(connection, hold_id))
    return [*([post, void] * RIVALS)[: RIVALS - 1], on_its_own(expire)]


async def decisions(database: Database) -> Sequence[Attempt]:
    """The buyer accepts and rejects at once, from several windows."""
    deal = await trading.active_contract(database)
    order = await orders.delivered(database, deal, 3)

    def decide(event: OrderEvent) -> Attempt:
        return lambda: orders.moved(database, deal.buyer_account, order.id, event)

    return ([decide(OrderEvent.ACCEPT), decide(OrderEvent.REJECT)] * RIVALS)[:RIVALS]


async def units_at_the_edge(database: Database) -> Sequence[Attempt]:
    """A quota of ten, and everybody wants six: as an order, as a trade, as a use."""
    deal = await trading.active_contract(database, quota=10)
    wants: list[Attempt] = [
        lambda: orders.placed(database, deal, 6),
        lambda: trading.trade(database, deal, 6),
        lambda: trading.used(database, deal, 6),
        lambda: orders.placed(database, deal, 6),
    ]
    return wants * (RIVALS // len(wants))


async def deliveries_and_ends(database: Database) -> Sequence[Attempt]:
    """The provider delivers while the buyer ends the contract."""
    deal = await trading.active_contract(database)
    order = await orders.placed(database, deal)

    async def deliver() -> None:
        await orders.moved(database, deal.provider_account, order.id, OrderEvent.DELIVER)

    async def end() -> None:
        await trading.move(database, deal, deal.buyer_account, ContractEvent.TERMINATE, "不再需要")

    return [deliver, end] * (RIVALS // 2)


async def pricings_of_a_use(database: Database) -> Sequence[Attempt]:
    """The buyer prices it at last, while the seller does."""
    deal = await trading.active_contract(database)
    use_id = await trading.used(database, deal, at=NOON - timedelta(days=90))

    async def by_buyer() -> None:
        intent = trading.intent(deal)._replace(purpose=None, quantity=None, use_id=use_id)
        [outcome] = await trading.record(database, [intent])
        if isinstance(outcome, MarketError):
            raise outcome

    async def by_seller() -> None:
        async with database.plain_transaction() as connection:
            await Recorder(LEDGER_ID).price_use(connection, deal.provider_account, use_id, now=moment())

    return [by_buyer, by_seller] * (RIVALS // 2)


async def approvals_of_payouts(database: Database) -> Sequence[Attempt]:
    """Each by an officer who did not make the batch; what waited from the round before is sent first."""
    async with database.connection() as connection:
        waiting = await connection.fetch("SELECT id FROM payout_batch WHERE state = 'approved'")
    for row in waiting:
        await payouts.moved(database, FINANCE, row["id"], BatchEvent.SEND)
    await payouts.earned(database)
    batch = await payouts.proposed(database, payouts.Officers())
    return [lambda: payouts.moved(database, actor(Role.FINANCE), batch.id, BatchEvent.APPROVE)] * RIVALS


async def approvals_of_a_run(database: Database) -> Sequence[Attempt]:
    """A year is decided once, so this contest has one round."""
    run = await subsidy.publicised(database, subsidy.Officers())

    async def approve() -> None:
        async with database.transaction() as session:
            locked = await run_queries.lock_run(session, run.id)
            await subsidy_actions.move_run(
                session, actor(Role.FINANCE), locked, RunEvent.APPROVE, now=subsidy.AFTER_PUBLICITY
            )

    return [approve] * RIVALS


async def beginnings_of_a_closing(database: Database) -> Sequence[Attempt]:
    ledger_id = periods.own_ledger()
    return [lambda: periods.move(database, ledger_id, MONTH, PeriodEvent.BEGIN_CLOSING)] * RIVALS


async def settlements_of_a_transfer(database: Database) -> Sequence[Attempt]:
    """Both cities know of it; the sender's bank pays once."""
    deal = await trading.active_contract(database)
    transfer_id = await market.send_to_another_city(database, deal.buyer.id)
    await city_actions.receive_due(database, LEDGER_ID, moment())

    async def settle() -> None:
        async with database.transaction() as session:
            row = await city_queries.lock_transfer(session, LEDGER_ID, transfer_id, visible_to=FINANCE)
            await city_actions.move_transfer(
                session, FINANCE, row, TransferEvent.SETTLE, reason="test", now=moment()
            )

    return [settle] * RIVALS


MOVED_ON = {"state.transition-not-allowed"}
CONTESTS: dict[Callable[[Database], Awaitable[Sequence[Attempt]]], tuple[int, set[str]]] = {
    refunds: (ROUNDS, {"trade.nothing-to-refund"}),
    resolutions: (ROUNDS, {"ledger_hold_resolved_once", "ledger_hold_in_time", "test.taken"}),
    decisions: (ROUNDS, MOVED_ON),
    units_at_the_edge: (ROUNDS, {"contract.quota-exhausted"}),
    deliveries_and_ends: (
        ROUNDS,
        MOVED_ON | {"contract.not-active", "contract.deliveries-undecided"},
    ),
    pricings_of_a_use: (ROUNDS, {"trade.use-priced-already"}),
    approvals_of_payouts: (ROUNDS, MOVED_ON),
    approvals_of_a_run: (1, MOVED_ON),
    beginnings_of_a_closing: (ROUNDS, MOVED_ON),
    settlements_of_a_transfer: (ROUNDS, MOVED_ON),
}
"""How many rounds, and how one may lose."""


@pytest_asyncio.fixture
async def contested(module_database: Database) -> AsyncIterator[Database]:
    yield module_database
    await assert_books_hold(module_database.url)


@pytest.mark.parametrize("prepare", CONTESTS, ids=lambda prepare: prepare.__name__)
async def test_exactly_one_succeeds(
    contested: Database, prepare: Callable[[Database], Awaitable[Sequence[Attempt]]]
) -> None:
    rounds, ways_to_lose = CONTESTS[prepare]
    for _ in range(rounds):
        won, lost = await race(await prepare(contested))
        assert (won, lost.total()) == (1, RIVALS - 1), lost
        assert set(lost) <= ways_to_lose


async def test_a_transfer_arrives_once_however_many_look_for_it(contested: Database) -> None:
    deal = await trading.active_contract(contested)
    transfer_id = await market.send_to_another_city(contested, deal.buyer.id)
    arrived = await asyncio.gather(
        *(city_actions.receive_due(contested, LEDGER_ID, NOON + timedelta(hours=1)) for _ in range(RIVALS))
    )
    assert sum(arrived) == 1
    async with contested.connection() as connection:
        posted = await connection.fetchval(
            "SELECT count(*) FROM ledger_entry WHERE source_id = $1 AND kind = 'city_received'", transfer_id
        )
    assert posted == 1


async def test_a_race_that_nobody_guards_has_many_winners(contested: Database) -> None:
    """Check, think, act: what all the others must not be."""
    pool = await asyncpg.create_pool(contested.url, min_size=RIVALS, max_size=RIVALS)
    await pool.execute("CREATE TABLE prize (taken boolean); INSERT INTO prize VALUES (false)")

    async def take() -> None:
        async with pool.acquire() as connection, connection.transaction():
            if await connection.fetchval("SELECT taken FROM prize"):
                raise Taken
            await asyncio.sleep(0.01)
            await connection.execute("UPDATE prize SET taken = true")

    won, _ = await race([take] * RIVALS)
    await pool.execute("DROP TABLE prize")
    await pool.close()
    assert won > 1
