"""Orders that the buyer must accept: units reserved and money held, in escrow from delivery on, then a trade or free.

Locks are taken in one order: the order's row, the contract's meter, the balances (all of them at once), the hold.
"""

from collections.abc import Awaitable, Callable, Sequence
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
from datamarket.foundation.db import Database, driver
from datamarket.foundation.desks.writes import write_together
from datamarket.foundation.errors import MarketError
from datamarket.foundation.ids import new_id
from datamarket.ledger.holds import actions as holds
from datamarket.ledger.holds.terms import HoldId
from datamarket.trading import queries as trades
from datamarket.trading import rules as trade_rules
from datamarket.trading.actions import Recorder
from datamarket.trading.orders import escrow, queries, rules
from datamarket.trading.orders.tables import TradeOrder
from datamarket.trading.orders.terms import OPEN_ORDERS, DeliveryTerms, OrderEvent, OrderFacts, OrderState
from datamarket.trading.terms import TradeIntent

LARGEST_BATCH = 200


async def place_order(
    session: AsyncSession,
    actor: Actor,
    ledger_id: int,
    *,
    contract_id: UUID,
    purpose: Purpose,
    quantity: int,
    deliver_by: datetime,
    acceptance_days: int | None = None,
    quote_id: UUID | None = None,
    operands: Operands = UNSAID,
    now: datetime,
) -> TradeOrder:
    """Order units under an active contract, at its frozen price: money and units are set aside.

    The most that the price can be is held, a named quote is used up, what the annex says of deliveries is kept. Raises
    NotFound, ContractNotActive, AmountTooLarge, FundsInsufficient, what `delivery_terms`, `check_place`, `use_quote` refuse.
    """
    if quote_id is not None:
        await _use_quote(session, actor, quote_id, contract_id, purpose=purpose, quantity=quantity, now=now)
    demand = Demand(contract_id, organisation_of(actor), purpose, quantity, now, operands=operands)
    terms, agreed = await _reserve(session, demand, deliver_by=deliver_by, days=acceptance_days)
    amount = trade_rules.price(terms.plan, quantity)
    kept = agreed._asdict() | {"instalments": rules.instalments_of(amount, agreed.instalments)}
    order = TradeOrder(
        id=new_id(now),
        ledger_id=ledger_id,
        contract_id=contract_id,
        buyer_id=demand.buyer_id,
        provider_id=terms.provider_id,
        purpose=purpose,
        quantity=quantity,
        reserved_quantity=quantity,
        unit_price_fen=terms.plan.price_fen,
        amount_fen=amount,
        deliver_by=deliver_by,
        state=OrderState.PLACED,
        hold_id=new_id(now) if amount else None,
        placed_at=now,
        actor_id=actor.account_id,
        quote_id=quote_id,
        **kept,
    )
    return await _keep(session, actor, order, now=now)


async def _use_quote(
    session: AsyncSession, actor: Actor, quote_id: UUID, contract_id: UUID, *, now: datetime, **ordered: Any
) -> None:
    """The order is what was quoted: its own part, and what its contract froze."""
    contract = await contracts.get_contract(session, contract_id, visible_to=actor)
    await quotes.use_quote(session, actor, quote_id, contract.model_dump() | ordered, now=now)


async def _reserve(
    session: AsyncSession, demand: Demand, *, deliver_by: datetime, days: int | None
) -> tuple[FrozenTerms, DeliveryTerms]:
    """Units of the buyer's own contract, set aside under its meter's lock; its terms."""
    connection, contract_id = await driver(session), demand.contract_id
    meters = await contracts.lock_meters(session, [contract_id], buyer_id=demand.buyer_id)
    if contract_id not in meters:
        raise await trades.why_no_contract(connection, contract_id, demand.buyer_id)
    authorisation = contracts.authorisation_of(meters[contract_id])
    terms = (await contracts.FrozenTermsReader().read(connection, [contract_id]))[contract_id]
    agreed = rules.delivery_terms(await contracts.annex_of(session, contract_id), days, terms.plan.model)
    rules.check_place(authorisation, demand, deliver_by=deliver_by, days=agreed.acceptance_days)
    metering.reserve(meters[contract_id], demand.quantity)
    return terms, agreed


async def _keep(session: AsyncSession, actor: Actor, order: TradeOrder, *, now: datetime) -> TradeOrder:
    """The row first, then the money."""
    session.add(order)
    await escrow.hold_amount(await driver(session), actor, order, now)
    facts = {"amount_fen": order.amount_fen, "contract_id": str(order.contract_id)}
    await _record(session, actor, order, "place", now, **facts)
    return order


async def facts_of(session: AsyncSession, order: TradeOrder) -> OrderFacts:
    """What the rules decide on."""
    return OrderFacts(
        OrderState(order.state),
        order.quantity,
        order.deliver_by,
        order.decide_by,
        order.cure_days,
        order.cure_by,
        await queries.first_use(await driver(session), order),
        order.amount_fen,
        order.cut_fen,
    )


async def move_order(
    session: AsyncSession,
    actor: Actor,
    order: TradeOrder,
    event: OrderEvent,
    *,
    reason: str | None = None,
    accepted_quantity: int | None = None,
    cut_fen: int | None = None,
    now: datetime,
) -> TradeOrder:
    """Deliver, offer a cut, accept (a part, or the whole), reject, cancel. `order` is locked by the caller.

    A use under the contract, after the delivery and before the decision, has accepted the whole: the law of sales
    says so unless only use can show the defect (`hidden_defect`). Uses do not tell orders, which would slow each of
    them: housekeeping finds them (`accept_by_silence`), and here they are looked for under the meter's lock, so that
    of a use and a rejection at once the first counts. Raises what `rules.check_move` raises; a delivery and an
    acceptance also what the contract refuses.
    """
    side = rules.side_of(actor, buyer_id=order.buyer_id, provider_id=order.provider_id)
    [meter] = (await contracts.lock_meters(session, [order.contract_id])).values()
    facts = await facts_of(session, order)
    given: dict[str, Any] = {"reason": reason, "accepted": accepted_quantity, "cut_fen": cut_fen}
    event = rules.check_move(facts, event, by=(side, actor), **given, now=now)
    if event is OrderEvent.ACCEPT:
        quantity = accepted_quantity or order.quantity
        await _accept(session, actor, order, meter, quantity, facts=facts, reason=reason, now=now)
    elif event is OrderEvent.OFFER_CUT:
        order.cut_fen = cut_fen or 0
        await _move(session, actor, order, event, now, reason=reason, cut_fen=cut_fen)
    else:
        moves: dict[OrderEvent, Callable[..., Awaitable[None]]] = {
            OrderEvent.DELIVER: _deliver,
            OrderEvent.CANCEL: _cancel,
            OrderEvent.REJECT: _reject,
            OrderEvent.SEND_BACK: _send_back,
        }
        await moves[event](session, actor, order, meter, reason=reason, now=now)
    return order


async def _deliver(
    session: AsyncSession,
    actor: Actor,
    order: TradeOrder,
    meter: contracts.LockedMeter,
    *,
    reason: str | None,
    now: datetime,
) -> None:
    """What is due on delivery goes into escrow: without instalments all of it. After a cure it is there already."""
    again = order.state == OrderState.CURING
    metering.await_decision(meter, now, again=again)
    if not again:
        await escrow.put_share(await driver(session), actor, order, escrow.SOURCE, order.shares[1], now=now)
    order.delivered_at = now
    order.decide_by = now + timedelta(days=order.acceptance_days)
    await _move(session, actor, order, OrderEvent.DELIVER, now, note=reason)


async def _cancel(
    session: AsyncSession,
    actor: Actor,
    order: TradeOrder,
    meter: contracts.LockedMeter,
    *,
    reason: str | None,
    now: datetime,
) -> None:
    metering.free(meter, order.reserved_quantity, delivered=False)
    await escrow.release(await driver(session), actor, order, now, reason=reason or "order cancelled")
    order.reason = reason
    await _move(session, actor, order, OrderEvent.CANCEL, now, reason=reason)


async def _send_back(
    session: AsyncSession,
    actor: Actor,
    order: TradeOrder,
    _meter: contracts.LockedMeter,
    *,
    reason: str | None,
    now: datetime,
) -> None:
    """The provider may deliver once more within the days; money and units stay where they are meanwhile."""
    order.cure_by, order.reason = now + timedelta(days=order.cure_days), reason
    await _move(session, actor, order, OrderEvent.SEND_BACK, now, reason=reason, cure_by=str(order.cure_by))


async def _reject(
    session: AsyncSession,
    actor: Actor,
    order: TradeOrder,
    meter: contracts.LockedMeter,
    *,
    reason: str | None,
    now: datetime,
) -> None:
    metering.free(meter, order.reserved_quantity, delivered=True)
    await escrow.release(await driver(session), actor, order, now, reason=reason or "order rejected")
    order.reason = reason
    await _move(session, actor, order, OrderEvent.REJECT, now, reason=reason)


async def _accept(
    session: AsyncSession,
    actor: Actor,
    order: TradeOrder,
    meter: contracts.LockedMeter,
    quantity: int,
    *,
    facts: OrderFacts,
    reason: str | None,
    now: datetime,
) -> None:
    """Reservation and escrow end; what is accepted becomes a use and a trade, at the latest when its time ended.

    Between the two the money is the buyer's, but nobody can take it: every balance is locked. So a trade is
    paid, refunded and counted in one way, wherever its money waited. A cut goes with the whole. Raises what
    `check_settlement` raises, before anything is changed.
    """
    at = rules.accepted_at(facts, now)
    wanted = Demand(order.contract_id, order.buyer_id, Purpose(order.purpose), quantity, at)
    authorisation = contracts.authorisation_of(meter)
    rules.check_settlement(authorisation, wanted, reserved=order.reserved_quantity, silent=order.by_silence)
    metering.free(meter, order.reserved_quantity, delivered=True, used=quantity)
    connection = await driver(session)
    counted = (meter.contract_id, meter.quota, meter.used - quantity, meter.used)
    await metering.tell_of_quotas(connection, [counted], now=now)
    use_id = new_id(at)
    uses = metering.writes_of_uses([use_id], [wanted], [actor.account_id], priced=False)
    await write_together(connection, uses)
    recorder = Recorder(order.ledger_id)
    terms = (await recorder.reader.read(connection, [order.contract_id]))[order.contract_id]
    touched = [account.id for account in (*accounts_of(order.ledger_id, terms), *escrow.accounts(order))]
    await holds.lock_balances(connection, order.ledger_id, touched)
    await escrow.release(connection, actor, order, now, reason="order accepted")
    intent = TradeIntent(actor, order.contract_id, None, None, use_id, at)
    [outcome] = await recorder.record_trades(connection, [intent], now=now)
    if isinstance(outcome, MarketError):
        raise outcome
    cut = await escrow.give_cut(session, actor, order, outcome, now) if quantity == order.quantity else 0
    order.accepted_quantity = quantity
    order.trade_id = outcome.id
    order.reason, order.used_at = reason, facts.used_at
    told = {"accepted_quantity": quantity, "trade_id": str(outcome.id), "reason": reason}
    why = {"used_at": facts.used_at and facts.used_at.isoformat(), "cut_fen": cut}
    told |= {name: said for name, said in why.items() if said}
    await _move(session, actor, order, OrderEvent.ACCEPT, now, **told)


async def _move(
    session: AsyncSession, actor: Actor, order: TradeOrder, event: OrderEvent, now: datetime, **facts: Any
) -> None:
    order.state = rules.ORDER_LIFE.after(order.state, event)
    order.version += 1
    if order.state not in OPEN_ORDERS:
        order.decided_at = now
        order.reserved_quantity = 0
    await _record(session, actor, order, event, now, by_silence=order.by_silence, **facts)


async def _record(
    session: AsyncSession, actor: Actor, order: TradeOrder, verb: str, now: datetime, **facts: Any
) -> None:
    action = f"trading.{verb.replace('_', '-')}-order"
    await evidence.record(session, actor, action, ("order", order.id), now=now, **facts)


def _by_time(order: TradeOrder) -> Actor:
    """What time does to an order follows from what its buyer agreed to: the event is theirs."""
    return Actor(order.actor_id, order.buyer_id, frozenset())


async def expire_overdue(database: Database, ledger_id: int, now: datetime) -> int:
    """Orders not delivered in time lapse, one batch, and what was set aside for them is free again."""
    async with database.transaction() as session:
        rows = await queries.lock_overdue(session, ledger_id, now, LARGEST_BATCH)
        meters = await contracts.lock_meters(session, {order.contract_id for order in rows})
        due = [HoldId(order.hold_id) for order in rows if order.hold_id is not None]
        if due:
            await holds.expire_holds(await driver(session), ledger_id, due, now=now)
        for order in rows:
            metering.free(meters[order.contract_id], order.reserved_quantity, delivered=False)
            await _move(session, _by_time(order), order, OrderEvent.EXPIRE, now)
    return len(rows)


async def accept_by_silence(database: Database, ledger_id: int, now: datetime) -> int:
    """Deliveries that the buyer has used, or on which it kept silent, are accepted as a whole, each in a transaction of its own.

    The trade took place at the first use, or when the time for acceptance ended, also under a contract that has ended
    since; while a contract is suspended its orders wait, and those of silence where it had stopped when the time ended.
    An order from before units were reserved, whose quota is spent, is given back.
    """
    async with database.plain_transaction() as connection:
        due = await queries.undecided(connection, ledger_id, now, LARGEST_BATCH)
    return await _one_by_one(database, due, _decide_unasked, now)


async def lapse_escrowed(database: Database, ledger_id: int, now: datetime) -> int:
    """Orders that were not cured in time, or not delivered though an instalment was paid: all is given back."""
    async with database.plain_transaction() as connection:
        due = await queries.lapsed(connection, ledger_id, now, LARGEST_BATCH)
    return await _one_by_one(database, due, _lapse, now)


async def _one_by_one(
    database: Database,
    due: Sequence[UUID],
    decide: Callable[[AsyncSession, TradeOrder, datetime], Awaitable[bool]],
    now: datetime,
) -> int:
    """Each in a transaction of its own, if it is still due once it is locked; how many were."""
    decided = 0
    for order_id in due:
        try:
            async with database.transaction() as session:
                order = await queries.lock_waiting(session, order_id)
                decided += order is not None and await decide(session, order, now)
        except MarketError:
            continue  # the next turn tries again; until then its money waits in escrow, and its age shows
    return decided


async def _decide_unasked(session: AsyncSession, order: TradeOrder, now: datetime) -> bool:
    if order.state != OrderState.DELIVERED or order.decide_by is None:
        return False
    [meter] = (await contracts.lock_meters(session, [order.contract_id])).values()
    facts, actor = await facts_of(session, order), _by_time(order)
    if facts.used_at is None and now < order.decide_by:
        return False
    order.by_silence = facts.used_at is None
    try:
        await _accept(session, actor, order, meter, order.quantity, facts=facts, reason=None, now=now)
    except QuotaExhausted as refusal:
        await _reject(session, actor, order, meter, reason=refusal.code, now=now)
    return True


async def _lapse(session: AsyncSession, order: TradeOrder, now: datetime) -> bool:
    cured_late = order.state == OrderState.CURING and order.cure_by is not None and order.cure_by <= now
    if not cured_late and (order.state != OrderState.PLACED or order.deliver_by > now):
        return False
    [meter] = (await contracts.lock_meters(session, [order.contract_id])).values()
    metering.free(meter, order.reserved_quantity, delivered=cured_late)
    await escrow.release(await driver(session), _by_time(order), order, now, reason="order lapsed")
    await _move(session, _by_time(order), order, OrderEvent.EXPIRE, now)
    return True
