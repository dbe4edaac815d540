"""The money of an order: held at placement, put into escrow as its shares fall due, and released by every end.

The caller has locked the order and its contract's meter.
"""

from datetime import datetime, timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.foundation.db import Connection
from datamarket.foundation.money import Fen
from datamarket.ledger import posting
from datamarket.ledger.books import queries as ledger
from datamarket.ledger.holds import actions as holds
from datamarket.ledger.holds import queries as held
from datamarket.ledger.holds.terms import HoldId, Rest
from datamarket.ledger.terms import AccountKey, AccountKind, EntryKind, moved
from datamarket.trading import queries as trades
from datamarket.trading.orders.tables import TradeOrder
from datamarket.trading.orders.terms import OrderState
from datamarket.trading.refunds import give_back
from datamarket.trading.terms import Trade

SOURCE, SIGNING = "order", "order-signing"
"""Of what a delivery puts into escrow, and of the first instalment: an entry of a kind is made once for each source."""
HELD_BEYOND = timedelta(days=62)
"""What is held for the last instalment outlives the time for acceptance: a contract may be suspended, a server stand still.

After that the buyer's free funds pay it: like a use without a trade, the acceptance waits until they do.
"""
CUT = "验收减价 · price cut at acceptance"


async def hold_amount(connection: Connection, actor: Actor, order: TradeOrder, now: datetime) -> None:
    """All of it until the time for delivery; in instalments, until the last can be due. A free order holds nothing."""
    if order.hold_id is None:
        return
    funds, escrow = accounts(order)
    await posting.open_accounts(connection, order.ledger_id, [funds, escrow], now=now)
    until = order.deliver_by
    if order.instalments is not None:
        until += timedelta(days=2 * order.acceptance_days + order.cure_days) + HELD_BEYOND
    intent = holds.HoldIntent(HoldId(order.hold_id), funds.id, Fen(order.amount_fen), until, SOURCE, order.id)
    await holds.place_hold(connection, order.ledger_id, actor, intent, now=now)
    await put_share(connection, actor, order, SIGNING, order.shares[0], now=now)


async def put_share(
    connection: Connection, actor: Actor, order: TradeOrder, source: str, share: int, *, now: datetime
) -> None:
    """A share of the hold is posted: from the buyer's funds into the buyer's escrow."""
    if order.hold_id is None or not share:
        return
    funds, escrow = accounts(order)
    legs = moved(funds.id, escrow.id, share)
    entry = posting.new_posting(actor, EntryKind.ESCROWED, (source, order.id), legs, now=now)
    await holds.post_hold(
        connection,
        order.ledger_id,
        actor,
        HoldId(order.hold_id),
        entry,
        amount_fen=Fen(share),
        rest=Rest.VOID if order.instalments is None else Rest.KEEP,
        now=now,
    )


async def release(
    connection: Connection, actor: Actor, order: TradeOrder, now: datetime, *, reason: str
) -> None:
    """All of it is the buyer's free funds again: what is in escrow, by the reversal of what put it there, and what is held."""
    if order.hold_id is None:
        return
    funds, escrow = accounts(order)
    await holds.lock_balances(connection, order.ledger_id, [funds.id, escrow.id])
    undelivered, kind = order.state == OrderState.PLACED, EntryKind.ESCROW_RELEASED
    entries = []
    for source, share in ((SIGNING, order.shares[0]), (SOURCE, 0 if undelivered else order.shares[1])):
        if share:
            put = await ledger.entry_of(connection, order.ledger_id, source, order.id, EntryKind.ESCROWED)
            legs = moved(escrow.id, funds.id, share)
            entries.append(posting.new_posting(actor, kind, (source, order.id), legs, now=now, reverses=put))
    if entries:
        await posting.post(connection, order.ledger_id, entries, now=now)
    hold_id = HoldId(order.hold_id)
    if order.instalments is None:
        voids = undelivered  # refused where time was first: then the order expires with its hold
    else:
        voids = (undelivered or order.shares[2] > 0) and await held.is_open(
            connection, order.ledger_id, hold_id
        )
    if voids:
        await holds.void_hold(connection, order.ledger_id, actor, hold_id, reason=reason, now=now)


async def give_cut(session: AsyncSession, actor: Actor, order: TradeOrder, sold: Trade, now: datetime) -> int:
    """What the provider offered, or all of the trade if that is less, is given back: a cut of the whole.

    The trade is at the price of its units, and the cut its first refund, so that tax, shares and turnover are those of
    any other. Answers with the amount.
    """
    cut = Fen(min(order.cut_fen, sold.amount_fen))
    if cut:
        trade = await trades.lock_trade(session, sold.id, visible_to=actor)
        await give_back(session, actor, trade, cut, reason=CUT, now=now)
    return cut


def accounts(order: TradeOrder) -> tuple[AccountKey, AccountKey]:
    """The buyer's funds and the buyer's escrow."""
    return (
        AccountKey(order.ledger_id, order.buyer_id, AccountKind.BUYER_FUNDS),
        AccountKey(order.ledger_id, order.buyer_id, AccountKind.ESCROW),
    )
