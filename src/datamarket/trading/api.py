"""/trades: record one or many, price what was used, read, refund."""

from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

import orjson
from fastapi import Query, Request, Response
from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from datamarket.auth.access import ReadMarket, Settling, allow
from datamarket.auth.rules import organisation_of
from datamarket.auth.terms import Actor, Permission
from datamarket.catalogue.listings.terms import ChargeKind
from datamarket.contracts import queries as contracts
from datamarket.contracts.limits.shapes import OperandsIn
from datamarket.contracts.limits.terms import UNSAID
from datamarket.contracts.terms import Purpose
from datamarket.foundation.desks.desk import Desk
from datamarket.foundation.http import (
    Body,
    BoolIn,
    IfMatch,
    InstantIn,
    KeyHeader,
    Now,
    Page,
    Paging,
    PlainWriting,
    PositiveFenIn,
    Prose,
    QuantityIn,
    Reading,
    Shape,
    SliceRouter,
    check_tag,
    claim_of,
    page_of,
)
from datamarket.foundation.idempotency import Answer
from datamarket.foundation.inputs.batches import each
from datamarket.foundation.inputs.bodies import BodyLimits
from datamarket.foundation.inputs.hot import hot
from datamarket.foundation.inputs.texts import ValueFault
from datamarket.foundation.money import Fen
from datamarket.foundation.shapes import RowShape, answered, batch_answer
from datamarket.trading import queries, refunds, rules
from datamarket.trading.actions import Recorder
from datamarket.trading.revenue.files import pricing_waits
from datamarket.trading.terms import Sale, Trade, TradeIntent, TradeState

router = SliceRouter(prefix="/trades", tags=["trading"])
RecordTrade = Annotated[Actor, allow(Permission.RECORD_TRADE)]
PriceUse = Annotated[Actor, allow(Permission.PRICE_USE)]
LARGEST_BATCH = 5000


class NewUseTradeIn(OperandsIn):
    """Meter a use now, and price it."""

    contract_id: UUID
    purpose: Purpose = Field(examples=["industrial_development"])
    quantity: QuantityIn = Field(examples=[100])
    use_id: None = None


class MeteredUseTradeIn(Body):
    """Price a use that was metered before."""

    contract_id: UUID
    use_id: UUID
    purpose: None = None
    quantity: None = None
    form: None = None
    territory: None = None
    recipient: None = None
    onward: None = None


class TradeIn(OperandsIn):
    """Either `purpose` and `quantity`: meter and price now; or `use_id`: price a use metered before."""

    contract_id: UUID
    purpose: Purpose | None = Field(default=None, examples=["industrial_development"])
    quantity: QuantityIn | None = Field(default=None, examples=[100])
    use_id: UUID | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        new_use = self.purpose is not None and self.quantity is not None
        if (self.use_id is not None) == new_use or (
            self.use_id is not None and (self.purpose or self.quantity or self.operands is not UNSAID)
        ):
            raise ValueFault(
                "须给出 purpose 与 quantity，或只给出 use_id", "give either purpose and quantity, or use_id"
            )
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, _core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The two forms: what validates both at once is told of one, with its own faults alone."""
        forms = (NewUseTradeIn, MeteredUseTradeIn)
        told = {"title": cls.__name__, "description": cls.__doc__}
        return told | {"oneOf": [handler(form.__pydantic_core_schema__) for form in forms]}

    def intent(self, actor: Actor, now: datetime) -> TradeIntent:
        return TradeIntent(
            actor, self.contract_id, self.purpose, self.quantity, self.use_id, now, operands=self.operands
        )


class SplitOut(Shape):
    """The parts of the gross amount; they add up to it."""

    vat_fen: int
    venue_fee_fen: int
    supplying_fen: int
    operator_fen: int
    provider_fen: int


class TradeOut(RowShape):
    """A recorded trade: priced, split, posted."""

    id: UUID
    contract_id: UUID
    use_id: UUID
    buyer_id: UUID
    provider_id: UUID
    venue_id: UUID
    zone_id: UUID | None
    product_id: UUID
    category: str
    quantity: int
    unit_price_fen: int = Field(description="the plan's price; of the first tier, where it has tiers")
    amount_fen: int
    split: SplitOut
    revenue_rule: str
    occurred_at: datetime
    recorded_at: datetime
    refunded_fen: int
    state: str
    version: int


def render(trade: Trade) -> bytes:
    """A fresh trade as the bytes that its caller gets, and that its key keeps."""
    start, use, occurred, recorded, end = _around(trade.sold)
    at, now = (
        orjson.dumps(instant, option=orjson.OPT_UTC_Z).decode()
        for instant in (trade.occurred_at, trade.recorded_at)
    )
    return f'{start}"{trade.id}"{use}"{trade.use_id}"{occurred}{at}{recorded}{now}{end}'.encode()


@lru_cache(maxsize=1024)
def _around(sold: Sale) -> list[str]:
    """What the answers of all trades of one sale have in common: the text around that which is a trade's own."""
    own = "\0"  # stands in no text that PostgreSQL keeps
    terms = sold.terms
    told = {
        "id": own,
        "contract_id": terms.contract_id,
        "use_id": own,
        "buyer_id": terms.buyer_id,
        "provider_id": terms.provider_id,
        "venue_id": terms.venue_id,
        "zone_id": terms.zone_id,
        "product_id": terms.product_id,
        "category": terms.category,
        "quantity": sold.quantity,
        "unit_price_fen": terms.plan.price_fen,
        "amount_fen": sold.amount_fen,
        "split": sold.split._asdict(),
        "revenue_rule": sold.revenue_rule,
        "occurred_at": own,
        "recorded_at": own,
        "refunded_fen": 0,
        "state": TradeState.SETTLED,
        "version": 1,
    }
    return orjson.dumps(told, default=str).decode().split(orjson.dumps(own).decode())


def answer_of(trade: Trade) -> Answer:
    """A fresh trade as its caller's answer, with its first tag."""
    return Answer(201, render(trade), '"1"')


class BatchIn(Body):
    """Up to 5,000 trades; with `atomic`, all of them or none."""

    limits: ClassVar[BodyLimits] = BodyLimits(octets=16 * 2**20, nodes=18 * LARGEST_BATCH)  # a trade has 17
    items: Annotated[
        list[TradeIn], Field(min_length=1, max_length=LARGEST_BATCH), each(TradeIn, LARGEST_BATCH)
    ]
    atomic: BoolIn = False


class RecordedOut(Shape):
    """An item that became a trade."""

    outcome: Literal["recorded"]
    trade: TradeOut
    code: None
    zh: None
    en: None


class RefusedOut(Shape):
    """An item that did not, and why."""

    outcome: Literal["refused"]
    trade: None
    code: str
    zh: str
    en: str


class BatchOut(Shape):
    recorded: int
    refused: int
    items: list[Annotated[RecordedOut | RefusedOut, Field(discriminator="outcome")]]


class RefundIn(Body):
    amount_fen: PositiveFenIn | None = Field(default=None, description="null: all that is left")
    reason: Prose = Field(examples=["数据质量不符合合同附件约定"])


class RefundOut(RowShape):
    id: UUID
    trade_id: UUID
    amount_fen: int
    reason: str
    refunded_at: datetime


class UnpricedUseOut(RowShape):
    """A metered use without a trade; or a fee that the buyer's funds did not pay."""

    id: UUID
    contract_id: UUID
    buyer_id: UUID
    purpose: Purpose
    quantity: int
    at: datetime
    fee: ChargeKind | None
    seller_prices_from: datetime = Field(description="until then its pricing is left to the buyer")


def install_desk(app: Any) -> None:
    """The queue of this process, and the recorder that the batch path shares with it."""
    recorder = Recorder(app.state.settings.ledger_id, app.state.terms_reader)
    app.state.recorder = recorder
    state = app.state
    state.desk = Desk(
        state.database, recorder.plan_trades, recorder.record_trades, answer_of, state.read_clock
    )


@router.post("", status_code=201, response_model=TradeOut, summary="Record a trade")
@hot
async def record_trade(
    actor: RecordTrade, request: Request, now: Now, body: TradeIn, idempotency_key: KeyHeader
) -> Response:
    """Checks the contract, meters the use, prices, splits, posts and records: all, or nothing."""
    organisation_of(actor)
    claim = await claim_of(request, idempotency_key)
    return answered(await request.app.state.desk.ask(body.intent(actor, now), claim))


@router.post("/batch", response_model=BatchOut, summary="Record many trades")
async def record_batch(
    actor: RecordTrade, request: Request, connection: PlainWriting, now: Now, body: BatchIn
) -> Response:
    """Outcomes in the order of the items. With `atomic`, the first refusal is the answer, and nothing is recorded."""
    organisation_of(actor)
    recorder: Recorder = request.app.state.recorder
    intents = [item.intent(actor, now) for item in body.items]
    outcomes = await recorder.record_trades(connection, intents, now=now)
    return batch_answer(outcomes, "trade", render, atomic=body.atomic)


@router.get("", summary="Your trades, newest first")
async def list_trades(
    actor: ReadMarket,
    session: Reading,
    paging: Paging[UUID],
    contract: UUID | None = None,
    since: Annotated[InstantIn | None, Query(description="at this instant or after it")] = None,
    until: Annotated[
        InstantIn | None, Query(description="before this instant, which is not included")
    ] = None,
) -> Page[TradeOut]:
    rows = await queries.list_trades(
        session,
        visible_to=actor,
        contract=contract,
        since=since,
        until=until,
        page=paging,
    )
    return page_of(rows, paging, TradeOut.of, lambda trade: [trade.id])


@router.get("/unpriced", summary="What your buyers have used and not priced", responses={409: {}})
async def list_unpriced(
    actor: PriceUse, session: Reading, paging: Paging[tuple[UUID, UUID]], contract: UUID | None = None
) -> Page[UnpricedUseOut]:
    """By contract, oldest first."""
    rows = await contracts.list_unpriced_uses(session, organisation_of(actor), contract=contract, page=paging)
    return page_of(rows, paging, _unpriced, lambda row: [row[0].contract_id, row[0].id])


def _unpriced(row: tuple[Any, UUID]) -> UnpricedUseOut:
    use, buyer_id = row
    due = rules.seller_prices_from(use.at, pricing_waits())
    return UnpricedUseOut(**use.model_dump(), buyer_id=buyer_id, seller_prices_from=due)


@router.post("/unpriced/{use_id}", status_code=201, summary="Price a use that its buyer left unpriced")
async def price_use(
    actor: PriceUse, request: Request, connection: PlainWriting, now: Now, use_id: UUID
) -> TradeOut:
    """The buyer's funds pay it, as if the buyer had priced it. Where they do not suffice, the use stays listed."""
    recorder: Recorder = request.app.state.recorder
    return TradeOut.model_validate_json(render(await recorder.price_use(connection, actor, use_id, now=now)))


@router.get("/{trade_id:uuid}", summary="One trade")
async def get_trade(actor: ReadMarket, response: Response, session: Reading, trade_id: UUID) -> TradeOut:
    trade = await queries.get_trade(session, trade_id, visible_to=actor)
    return TradeOut.tagged(trade, response)


@router.post("/{trade_id}/refunds", status_code=201, summary="Refund a trade, in part or whole")
async def refund_trade(
    actor: Annotated[Actor, allow(Permission.REFUND_TRADE)],
    session: Settling,
    now: Now,
    trade_id: UUID,
    body: RefundIn,
    if_match: IfMatch = None,
) -> RefundOut:
    """The seller gives back; every receiver of the original returns its share."""
    trade = await queries.lock_trade(session, trade_id, visible_to=actor)
    check_tag(if_match, trade.version)
    amount = None if body.amount_fen is None else Fen(body.amount_fen)
    return RefundOut.of(
        await refunds.refund_trade(session, actor, trade, amount_fen=amount, reason=body.reason, now=now)
    )


@router.get("/{trade_id}/refunds", summary="The refunds of a trade")
async def list_refunds(
    actor: ReadMarket, session: Reading, paging: Paging[UUID], trade_id: UUID
) -> Page[RefundOut]:
    """Oldest first."""
    await queries.get_trade(session, trade_id, visible_to=actor)
    rows = await queries.list_refunds(session, trade_id, page=paging)
    return page_of(rows, paging, RefundOut.of, lambda refund: [refund.id])
