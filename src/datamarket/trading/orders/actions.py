"""Orders that the buyer must accept: units reserved and money held, in escrow from delivery on, then a trade or free.

Locks are taken in one order: the order's row, the contract's meter, the balances (all of them at once), the hold.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.rules import organisation_of
from datamarket.auth.terms import Actor
from datamarket.contracts import metering
from datamarket.contracts import queries as contracts
from datamarket.contracts.accounts import accounts_of
from datamarket.contracts.limits.terms import UNSAID, Operands
from datamarket.contracts.quotes import actions as quotes
from datamarket.contracts.rules import QuotaExhausted
from datamarket.contracts.terms import Demand, FrozenTerms, Purpose
from datamarket.evidence import actions as evidence
from datamarket.foundation.db import Connection, Database, driver
from datamarket.foundation.desks.writes import write_together
from datamarket.foundation.errors import MarketError
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen
from datamarket.ledger import posting
from datamarket.ledger.books import queries as ledger
from datamarket.ledger.holds import actions as holds
from datamarket.ledger.holds.terms import HoldId
from datamarket.ledger.terms import AccountKey, AccountKind, EntryKind, moved
from datamarket.trading import queries as trades
from datamarket.trading import rules as trade_rules
from datamarket.trading.actions import Recorder
from datamarket.trading.orders import queries, rules
from datamarket.trading.orders.tables import TradeOrder
from datamarket.trading.orders.terms import OrderEvent, OrderFacts, OrderState
from datamarket.trading.terms import TradeIntent

LARGEST_BATCH = 200
SOURCE = "order"


async def place_order(
    session: AsyncSession,
    actor: Actor,
    ledger_id: int,
    *,
    contract_id: UUID,
    purpose: Purpose,
    quantity: int,
    deliver_by: datetime,
    acceptance_days: int,
    quote_id: UUID | None = None,
    operands: Operands = UNSAID,
    now: datetime,
) -> TradeOrder:
    """Order units under an active contract, at its frozen price: money and units are set aside.

    Where the price depends on the month, the most that it can be is held. A quote that is named is used up.
    Raises NotFound, ContractNotActive, what `check_place` and `use_quote` refuse, AmountTooLarge, FundsInsufficient.
    """
    buyer_id = organisation_of(actor)
    if quote_id is not None:
        await _use_quote(session, actor, quote_id, contract_id, purpose=purpose, quantity=quantity, now=now)
    demand = Demand(contract_id, buyer_id, purpose, quantity, now, operands=operands)
    terms = await _reserve(session, demand, deliver_by=deliver_by, days=acceptance_days)
    amount = trade_rules.price(terms.plan, quantity)
    order = TradeOrder(
        id=new_id(now),
        ledger_id=ledger_id,
        contract_id=contract_id,
        buyer_id=buyer_id,
        provider_id=terms.provider_id,
        purpose=purpose,
        quantity=quantity,
        reserved_quantity=quantity,
        unit_price_fen=terms.plan.price_fen,
        amount_fen=amount,
        deliver_by=deliver_by,
        acceptance_days=acceptance_days,
        state=OrderState.PLACED,
        hold_id=new_id(now) if amount else None,
        placed_at=now,
        actor_id=actor.account_id,
        quote_id=quote_id,
    )
    return await _keep(session, actor, order, now=now)


async def _use_quote(
    session: AsyncSession, actor: Actor, quote_id: UUID, contract_id: UUID, *, now: datetime, **ordered: Any
) -> None:
    """The order is what was quoted: its own part, and what its contract froze."""
    contract = await contracts.get_contract(session, contract_id, visible_to=actor)
    await quotes.use_quote(session, actor, quote_id, contract.model_dump() | ordered, now=now)


async def _reserve(session: AsyncSession, demand: Demand, *, deliver_by: datetime, days: int) -> FrozenTerms:
    """Units of the buyer's own contract, set aside under its meter's lock; its terms."""
    connection, contract_id = await driver(session), demand.contract_id
    meters = await contracts.lock_meters(session, [contract_id], buyer_id=demand.buyer_id)
    if contract_id not in meters:
        raise await trades.why_no_contract(connection, contract_id, demand.buyer_id)
    authorisation = contracts.authorisation_of(meters[contract_id])
    rules.check_place(authorisation, demand, deliver_by=deliver_by, days=days)
    metering.reserve(meters[contract_id], demand.quantity)
    return (await contracts.FrozenTermsReader().read(connection, [contract_id]))[contract_id]


async def _keep(session: AsyncSession, actor: Actor, order: TradeOrder, *, now: datetime) -> TradeOrder:
    """The row first, then the money."""
    session.add(order)
    await _hold(await driver(session), actor, order, now)
    facts = {"amount_fen": order.amount_fen, "contract_id": str(order.contract_id)}
    await _record(session, actor, order, "place", now, **facts)
    return order


async def _hold(connection: Connection, actor: Actor, order: TradeOrder, now: datetime) -> None:
    """A free order holds nothing."""
    if order.hold_id is None:
        return
    funds, escrow = _accounts(order)
    await posting.open_accounts(connection, order.ledger_id, [funds, escrow], now=now)
    intent = holds.HoldIntent(
        HoldId(order.hold_id), funds.id, Fen(order.amount_fen), order.deliver_by, SOURCE, order.id
    )
    await holds.place_hold(connection, order.ledger_id, actor, intent, now=now)


def facts_of(order: TradeOrder) -> OrderFacts:
    """What the rules decide on."""
    return OrderFacts(OrderState(order.state), order.quantity, order.deliver_by, order.decide_by)


async def move_order(
    session: AsyncSession,
    actor: Actor,
    order: TradeOrder,
    event: OrderEvent,
    *,
    reason: str | None = None,
    accepted_quantity: int | None = None,
    now: datetime,
) -> TradeOrder:
    """Deliver, accept (a part, or the whole), reject, cancel. `order` is locked by the caller.

    Raises what `rules.check_move` raises; a delivery and an acceptance also what the contract refuses.
    """
    side = rules.side_of(actor, buyer_id=order.buyer_id, provider_id=order.provider_id)
    rules.check_move(
        facts_of(order), event, by=(side, actor), reason=reason, accepted=accepted_quantity, now=now
    )
    if event is OrderEvent.ACCEPT:
        quantity = accepted_quantity or order.quantity
        await _accept(session, actor, order, quantity, reason=reason, now=now)
        return order
    moves: dict[OrderEvent, Callable[..., Awaitable[None]]] = {
        OrderEvent.DELIVER: _deliver,
        OrderEvent.CANCEL: _cancel,
        OrderEvent.REJECT: _reject,
    }
    await moves[event](session, actor, order, reason, now)
    return order


async def _deliver(
    session: AsyncSession, actor: Actor, order: TradeOrder, note: str | None, now: datetime
) -> None:
    """The hold is posted whole: from the buyer's funds into the buyer's escrow."""
    [meter] = (await contracts.lock_meters(session, [order.contract_id])).values()
    metering.await_decision(meter, now)
    connection = await driver(session)
    if order.hold_id is not None:
        funds, escrow = _accounts(order)
        amount = Fen(order.amount_fen)
        legs = moved(funds.id, escrow.id, amount)
        entry = posting.new_posting(actor, EntryKind.ESCROWED, (SOURCE, order.id), legs, now=now)
        hold_id = HoldId(order.hold_id)
        await holds.post_hold(connection, order.ledger_id, actor, hold_id, entry, amount_fen=amount, now=now)
    order.delivered_at = now
    order.decide_by = now + timedelta(days=order.acceptance_days)
    await _move(session, actor, order, OrderEvent.DELIVER, now, note=note)


async def _cancel(
    session: AsyncSession, actor: Actor, order: TradeOrder, reason: str | None, now: datetime
) -> None:
    [meter] = (await contracts.lock_meters(session, [order.contract_id])).values()
    metering.free(meter, order.reserved_quantity, delivered=False)
    if order.hold_id is not None:
        connection, hold_id = await driver(session), HoldId(order.hold_id)
        why = reason or "order cancelled"
        await holds.void_hold(connection, order.ledger_id, actor, hold_id, reason=why, now=now)
    order.reason = reason
    await _move(session, actor, order, OrderEvent.CANCEL, now, reason=reason)


async def _reject(
    session: AsyncSession, actor: Actor, order: TradeOrder, reason: str | None, now: datetime
) -> None:
    [meter] = (await contracts.lock_meters(session, [order.contract_id])).values()
    metering.free(meter, order.reserved_quantity, delivered=True)
    await _release(await driver(session), actor, order, now)
    order.reason = reason
    await _move(session, actor, order, OrderEvent.REJECT, now, reason=reason)


async def _accept(
    session: AsyncSession,
    actor: Actor,
    order: TradeOrder,
    quantity: int,
    *,
    reason: str | None,
    now: datetime,
) -> None:
    """Reservation and escrow end; what is accepted becomes a use and a trade, at the latest when its time ended.

    Between the two the money is the buyer's, but nobody can take it: every balance is locked. So a trade is
    paid, refunded and counted in one way, wherever its money waited. Raises what `check_settlement` raises,
    before anything is changed.
    """
    [meter] = (await contracts.lock_meters(session, [order.contract_id])).values()
    at = min(now, order.decide_by or now)
    wanted = Demand(order.contract_id, order.buyer_id, Purpose(order.purpose), quantity, at)
    authorisation = contracts.authorisation_of(meter)
    reserved, silent = order.reserved_quantity, order.by_silence
    rules.check_settlement(authorisation, wanted, reserved=reserved, silent=silent)
    metering.free(meter, order.reserved_quantity, delivered=True, used=quantity)
    connection = await driver(session)
    counted = (meter.contract_id, meter.quota, meter.used - quantity, meter.used)
    await metering.tell_of_quotas(connection, [counted], now=now)
    use_id = new_id(at)
    uses = metering.writes_of_uses([use_id], [wanted], [actor.account_id], priced=False)
    await write_together(connection, uses)
    recorder = Recorder(order.ledger_id)
    terms = (await recorder.reader.read(connection, [order.contract_id]))[order.contract_id]
    touched = [account.id for account in (*accounts_of(order.ledger_id, terms), *_accounts(order))]
    await holds.lock_balances(connection, order.ledger_id, touched)
    await _release(connection, actor, order, now)
    intent = TradeIntent(actor, order.contract_id, None, None, use_id, at)
    [outcome] = await recorder.record_trades(connection, [intent], now=now)
    if isinstance(outcome, MarketError):
        raise outcome
    order.accepted_quantity = quantity
    order.trade_id = outcome.id
    order.reason = reason
    facts = {"accepted_quantity": quantity, "trade_id": str(outcome.id), "reason": reason}
    await _move(session, actor, order, OrderEvent.ACCEPT, now, **facts)


async def _release(connection: Connection, actor: Actor, order: TradeOrder, now: datetime) -> None:
    """All of it from escrow back to the buyer's funds: the reversal of what put it there."""
    if not order.amount_fen:
        return
    funds, escrow = _accounts(order)
    escrowed = await ledger.entry_of(connection, order.ledger_id, SOURCE, order.id, EntryKind.ESCROWED)
    legs, source = moved(escrow.id, funds.id, order.amount_fen), (SOURCE, order.id)
    entry = posting.new_posting(actor, EntryKind.ESCROW_RELEASED, source, legs, now=now, reverses=escrowed)
    await posting.post(connection, order.ledger_id, [entry], now=now)


async def _move(
    session: AsyncSession, actor: Actor, order: TradeOrder, event: OrderEvent, now: datetime, **facts: Any
) -> None:
    order.state = rules.ORDER_LIFE.after(order.state, event)
    order.version += 1
    if event is not OrderEvent.DELIVER:
        order.decided_at = now
        order.reserved_quantity = 0
    await _record(session, actor, order, event, now, by_silence=order.by_silence, **facts)


async def _record(
    session: AsyncSession, actor: Actor, order: TradeOrder, verb: str, now: datetime, **facts: Any
) -> None:
    await evidence.record(session, actor, f"trading.{verb}-order", ("order", order.id), now=now, **facts)


def _accounts(order: TradeOrder) -> tuple[AccountKey, AccountKey]:
    """The buyer's funds and the buyer's escrow."""
    return (
        AccountKey(order.ledger_id, order.buyer_id, AccountKind.BUYER_FUNDS),
        AccountKey(order.ledger_id, order.buyer_id, AccountKind.ESCROW),
    )


def _by_time(order: TradeOrder) -> Actor:
    """What time does to an order follows from what its buyer agreed to: the event is theirs."""
    return Actor(order.actor_id, order.buyer_id, frozenset())


async def expire_overdue(database: Database, ledger_id: int, now: datetime) -> int:
    """Orders not delivered in time lapse, one batch, and what was set aside for them is free again."""
    async with database.transaction() as session:
        rows = await queries.lock_overdue(session, ledger_id, now, LARGEST_BATCH)
        meters = await contracts.lock_meters(session, {order.contract_id for order in rows})
        held = [HoldId(order.hold_id) for order in rows if order.hold_id is not None]
        if held:
            await holds.expire_holds(await driver(session), ledger_id, held, now=now)
        for order in rows:
            metering.free(meters[order.contract_id], order.reserved_quantity, delivered=False)
            await _move(session, _by_time(order), order, OrderEvent.EXPIRE, now)
    return len(rows)


async def accept_by_silence(database: Database, ledger_id: int, now: datetime) -> int:
    """Deliveries on which the buyer kept silent are accepted as a whole, each in a transaction of its own.

    The trade took place when the time for acceptance ended, also under a contract that has ended since; while
    a contract is suspended, or had stopped when the time ended, its orders wait. An order from before units were reserved, whose quota is spent,
    is given back.
    """
    async with database.transaction() as session:
        due = await queries.undecided(session, ledger_id, now, LARGEST_BATCH)
    decided = 0
    for order_id in due:
        try:
            async with database.transaction() as session:
                order = await queries.lock_undecided(session, order_id)
                if order is not None:
                    await _decide_by_silence(session, order, now)
                    decided += 1
        except MarketError:
            continue  # the next turn tries again; until then its money waits in escrow, and its age shows
    return decided


async def _decide_by_silence(session: AsyncSession, order: TradeOrder, now: datetime) -> None:
    actor = _by_time(order)
    order.by_silence = True
    try:
        await _accept(session, actor, order, order.quantity, reason=None, now=now)
    except QuotaExhausted as refusal:
        await _reject(session, actor, order, refusal.code, now)
