"""Orders with acceptance, and money held, made as buyers and providers make them."""

from datetime import datetime, timedelta
from uuid import UUID

from datamarket.auth.terms import Actor
from datamarket.foundation.db import Connection, Database
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen
from datamarket.ledger import posting
from datamarket.ledger.holds import actions as holds
from datamarket.ledger.holds.terms import HoldId, Rest
from datamarket.ledger.terms import AccountId, AccountKey, AccountKind, EntryId, EntryKind, Leg, Posting
from datamarket.trading.orders import actions as orders
from datamarket.trading.orders import queries as order_queries
from datamarket.trading.orders.tables import TradeOrder
from datamarket.trading.orders.terms import OrderEvent
from tests.world.people import FINANCE, NOON, moment
from tests.world.trading import LEDGER_ID, Agreement

IN_A_WEEK = NOON + timedelta(days=7)
ACCEPTANCE_DAYS = 5


async def placed(
    database: Database,
    agreement: Agreement,
    quantity: int = 1,
    *,
    deliver_by: datetime = IN_A_WEEK,
    acceptance_days: int | None = ACCEPTANCE_DAYS,
    quote_id: UUID | None = None,
) -> TradeOrder:
    """Ordered by the buyer, for the contract's first purpose."""
    async with database.transaction() as session:
        return await orders.place_order(
            session,
            agreement.buyer_account,
            LEDGER_ID,
            contract_id=agreement.contract.id,
            purpose=agreement.purpose,
            quantity=quantity,
            deliver_by=deliver_by,
            acceptance_days=acceptance_days,
            quote_id=quote_id,
            now=moment(),
        )


async def moved(
    database: Database,
    by: Actor,
    order_id: UUID,
    event: OrderEvent,
    *,
    accepted_quantity: int | None = None,
    cut_fen: int | None = None,
    reason: str | None = "约定",
    at: datetime | None = None,
) -> TradeOrder:
    """One step of an order's life, under its lock."""
    async with database.transaction() as session:
        order = await order_queries.lock_order(session, order_id, visible_to=by)
        return await orders.move_order(
            session,
            by,
            order,
            event,
            reason=reason,
            accepted_quantity=accepted_quantity,
            cut_fen=cut_fen,
            now=at or moment(),
        )


async def delivered(database: Database, agreement: Agreement, quantity: int = 1) -> TradeOrder:
    """Ordered and delivered: the money stands in escrow."""
    order = await placed(database, agreement, quantity)
    return await moved(database, agreement.provider_account, order.id, OrderEvent.DELIVER)


async def rejected(
    database: Database, agreement: Agreement, order_id: UUID, *, at: datetime | None = None
) -> TradeOrder:
    """Rejected by its buyer, with a reason."""
    return await moved(database, agreement.buyer_account, order_id, OrderEvent.REJECT, at=at)


async def redelivered(
    database: Database, agreement: Agreement, order_id: UUID, *, at: datetime | None = None
) -> TradeOrder:
    """Delivered, again where it is in cure, by its provider."""
    return await moved(database, agreement.provider_account, order_id, OrderEvent.DELIVER, at=at)


async def standing(database: Database, owner_id: UUID, kind: AccountKind) -> tuple[int, int]:
    """Balance and held money of an account."""
    account = AccountKey(LEDGER_ID, owner_id, kind)
    async with database.connection() as connection:
        row = await connection.fetchrow(
            "SELECT credit_fen - debit_fen AS balance, held_fen FROM ledger_balance"
            " WHERE ledger_id = $1 AND account_id = $2",
            LEDGER_ID,
            account.id,
        )
    return (row["balance"], row["held_fen"]) if row else (0, 0)


def funds_of(owner_id: UUID) -> AccountId:
    return AccountKey(LEDGER_ID, owner_id, AccountKind.BUYER_FUNDS).id


async def place(
    connection: Connection,
    account: AccountId,
    amount: int,
    *,
    until: datetime = IN_A_WEEK,
    source: UUID | None = None,
) -> HoldId:
    """Money set aside for a business of the test's own."""
    hold_id = HoldId(new_id(moment()))
    intent = holds.HoldIntent(hold_id, account, Fen(amount), until, "test", source or hold_id)
    await holds.place_hold(connection, LEDGER_ID, FINANCE, intent, now=moment())
    return hold_id


async def post(
    connection: Connection,
    account: AccountId,
    hold_id: HoldId,
    amount: int,
    rest: Rest = Rest.VOID,
    *,
    at: datetime | None = None,
) -> None:
    """Held money leaves the market through the bank."""
    now = at or moment()
    entry = _through_the_bank(account, -amount, now)
    await holds.post_hold(
        connection, LEDGER_ID, FINANCE, hold_id, entry, amount_fen=Fen(amount), rest=rest, now=now
    )


async def fund(connection: Connection, account: AccountId, amount: int) -> None:
    """Money comes in, or, below zero, leaves; the account and the bank's must be open."""
    at = moment()
    await posting.post(connection, LEDGER_ID, [_through_the_bank(account, amount, at)], now=at)


def _through_the_bank(account: AccountId, amount: int, at: datetime) -> Posting:
    bank = AccountKey(LEDGER_ID, None, AccountKind.BANK).id
    return Posting(
        id=EntryId(new_id(at)),
        kind=EntryKind.DEPOSIT,
        effective_at=at,
        source_type="test",
        source_id=new_id(at),
        actor_id=FINANCE.account_id,
        legs=(Leg(bank, Fen(amount)), Leg(account, Fen(-amount))),
    )


async def void(connection: Connection, hold_id: HoldId) -> None:
    await holds.void_hold(connection, LEDGER_ID, FINANCE, hold_id, reason="不再需要", now=moment())
