"""/orders: deliveries that the buyer must accept."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import Field

from datamarket.auth.access import ReadMarket, Settling, allow
from datamarket.auth.rules import organisation_of
from datamarket.auth.terms import Actor, Permission
from datamarket.contracts.limits.shapes import OperandsIn
from datamarket.contracts.terms import Purpose
from datamarket.foundation.http import (
    AllowedEvents,
    Body,
    IfMatch,
    InstantIn,
    LedgerId,
    Now,
    Page,
    Paging,
    PositiveFenIn,
    Prose,
    QuantityIn,
    Reading,
    SliceRouter,
    Writing,
    check_tag,
    page_of,
)
from datamarket.foundation.shapes import RowShape
from datamarket.trading.orders import actions, queries, rules
from datamarket.trading.orders.terms import OrderEvent, OrderState

router = SliceRouter(prefix="/orders", tags=["trading"])
LONGEST_ACCEPTANCE = 90


class OrderIn(OperandsIn):
    """Units under an active contract, to be delivered and then accepted."""

    contract_id: UUID
    purpose: Purpose = Field(examples=["industrial_development"])
    quantity: QuantityIn = Field(examples=[100])
    deliver_by: InstantIn = Field(
        description="the money is held until then", examples=["2024-07-01T18:00:00+08:00"]
    )
    acceptance_days: Annotated[int, Field(strict=True, ge=1, le=LONGEST_ACCEPTANCE)] | None = Field(
        default=None,
        description="days after delivery, where the contract agrees none; silence then counts as acceptance",
        examples=[7],
    )
    quote_id: UUID | None = Field(default=None, description="your quote for exactly this; it is then used up")


class OrderOut(RowShape):
    """An order as both sides see it; its price is the contract's."""

    id: UUID
    state: OrderState
    state_zh: str = Field(examples=["待交付，资金已冻结"])
    state_en: str = Field(examples=["awaiting delivery, money held"])
    contract_id: UUID
    buyer_id: UUID
    provider_id: UUID
    purpose: Purpose
    quantity: int
    unit_price_fen: int
    amount_fen: int = Field(description="what is held: the most that the order can come to")
    quote_id: UUID | None
    deliver_by: datetime
    acceptance_days: int
    hold_id: UUID | None = Field(description="null for a free order")
    delivered_at: datetime | None
    decide_by: datetime | None = Field(description="from then on silence counts as acceptance")
    decided_at: datetime | None
    by_silence: bool
    accepted_quantity: int | None
    trade_id: UUID | None = Field(description="the trade that the accepted part became")
    cure_days: int = Field(description="for the provider to deliver once more after a rejection; 0 for none")
    cure_by: datetime | None = Field(description="until when, once it was sent back")
    hidden_defect: bool = Field(description="only use shows a defect, so no use accepts the delivery")
    used_at: datetime | None = Field(description="the use that accepted it")
    cut_fen: int = Field(description="what the provider gives back if the whole is accepted")
    instalments: list[int] | None = Field(
        description="the amount as it is put into escrow at placement and on delivery, and due on acceptance",
        examples=[[300, 300, 400]],
    )
    escrowed_fen: int = Field(description="what of it is in escrow now")
    reason: str | None
    placed_at: datetime
    version: int


class OrderEventIn(Body):
    """`accepted_quantity` goes with `accept`: a part is accepted, the money of the rest goes back. `cut_fen` goes with `offer_cut`."""

    event: OrderEvent = Field(examples=["accept"])
    accepted_quantity: QuantityIn | None = None
    cut_fen: PositiveFenIn | None = Field(default=None, description="above the cut offered before")
    reason: Prose | None = Field(
        default=None, description="needed for a rejection and for a partial acceptance; both sides see it"
    )


class OrderEventsOut(AllowedEvents[OrderState, OrderEvent]):
    """What this actor may do with the order now."""

    events: list[OrderEvent] = Field(examples=[["accept", "reject"]])


@router.post("", status_code=201, summary="Order a delivery; the money is held")
async def place_order(
    actor: Annotated[Actor, allow(Permission.RECORD_TRADE)],
    ledger_id: LedgerId,
    response: Response,
    session: Writing,
    now: Now,
    body: OrderIn,
) -> OrderOut:
    """Priced by the contract; refused when the contract would not allow it, or the funds do not suffice."""
    order = await actions.place_order(
        session,
        actor,
        ledger_id,
        contract_id=body.contract_id,
        purpose=body.purpose,
        quantity=body.quantity,
        deliver_by=body.deliver_by,
        acceptance_days=body.acceptance_days,
        quote_id=body.quote_id,
        operands=body.operands,
        now=now,
    )
    return OrderOut.tagged(order, response)


@router.get("", summary="Your orders, newest first")
async def list_orders(
    actor: ReadMarket,
    session: Reading,
    paging: Paging[UUID],
    contract: UUID | None = None,
    state: OrderState | None = None,
) -> Page[OrderOut]:
    """On either side of them; overseers see all."""
    rows = await queries.list_orders(
        session,
        visible_to=actor,
        contract=contract,
        state=state,
        page=paging,
    )
    return page_of(rows, paging, OrderOut.of, lambda order: [order.id])


@router.get("/awaited", summary="What you have to deliver, most urgent first")
async def list_awaited(
    actor: Annotated[Actor, allow(Permission.DELIVER_ORDER)],
    session: Reading,
    paging: Paging[tuple[datetime, UUID]],
) -> Page[OrderOut]:
    rows = await queries.list_awaited(
        session,
        organisation_of(actor),
        page=paging,
    )
    return page_of(rows, paging, OrderOut.of, lambda order: [order.deliver_by, order.id])


@router.get("/{order_id:uuid}", summary="One order")
async def get_order(actor: ReadMarket, response: Response, session: Reading, order_id: UUID) -> OrderOut:
    order = await queries.get_order(session, order_id, visible_to=actor)
    return OrderOut.tagged(order, response)


@router.post("/{order_id}/events", summary="Deliver, offer a cut, accept, reject, cancel")
async def move_order(
    actor: ReadMarket,
    response: Response,
    session: Settling,
    now: Now,
    order_id: UUID,
    body: OrderEventIn,
    if_match: IfMatch = None,
) -> OrderOut:
    """The provider delivers, and may offer a cut; the buyer accepts, rejects, or cancels before delivery; `expire` comes of time.

    A rejection leaves the provider one cure where the contract says so (`send_back`); a delivery that was used is accepted.
    """
    order = await queries.lock_order(session, order_id, visible_to=actor)
    check_tag(if_match, order.version)
    moved = await actions.move_order(
        session,
        actor,
        order,
        body.event,
        reason=body.reason,
        accepted_quantity=body.accepted_quantity,
        cut_fen=body.cut_fen,
        now=now,
    )
    return OrderOut.tagged(moved, response)


@router.get("/{order_id}/allowed-events", summary="What you may do with an order now")
async def allowed_events(actor: ReadMarket, session: Reading, now: Now, order_id: UUID) -> OrderEventsOut:
    order = await queries.get_order(session, order_id, visible_to=actor)
    side = rules.side_of(actor, buyer_id=order.buyer_id, provider_id=order.provider_id)
    events = rules.events_open_to(await actions.facts_of(session, order), side, actor, now=now)
    return OrderEventsOut(state=OrderState(order.state), events=events)
