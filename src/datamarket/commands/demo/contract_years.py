"""A year of a contract of each kind, in the year after the demo's: each step by the side whose step it is."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.rules import organisation_of
from datamarket.auth.terms import Actor
from datamarket.catalogue.listings import queries as catalogue
from datamarket.catalogue.listings.terms import PriceModel
from datamarket.contracts import actions as contract_actions
from datamarket.contracts import metering
from datamarket.contracts import queries as contracts
from datamarket.contracts.disposal import actions as disposal_actions
from datamarket.contracts.disposal import queries as disposals
from datamarket.contracts.disposal.terms import DisposalKind
from datamarket.contracts.kinds.terms import ContractKind
from datamarket.contracts.negotiation import actions as negotiation
from datamarket.contracts.quotes import actions as quotes
from datamarket.contracts.terms import ContractEvent, Demand, OfferEvent, OfferState, Party, Purpose
from datamarket.contracts.text.queries import get_version
from datamarket.contracts.text.wording import digest_of
from datamarket.evidence.log.notes import Notary
from datamarket.foundation.clock import business_date, start_of_day
from datamarket.foundation.db import Database, PageAsked, driver, there
from datamarket.foundation.errors import MarketError
from datamarket.foundation.money import Fen
from datamarket.ledger.books import actions as bank
from datamarket.ledger.books import queries as books
from datamarket.ledger.statements import queries as statements
from datamarket.simulation import queries as city
from datamarket.trading import queries as trading
from datamarket.trading.actions import Recorder
from datamarket.trading.disputes import actions as dispute_actions
from datamarket.trading.disputes import queries as disputes
from datamarket.trading.disputes.terms import DisputeEvent
from datamarket.trading.orders import actions as order_actions
from datamarket.trading.orders import queries as orders
from datamarket.trading.orders.terms import OrderEvent
from datamarket.trading.terms import TradeIntent
from datamarket.zones.terms import UseClass

ANNEX: Mapping[str, Any] = {
    "rights": [{"right": "using", "scope": "本企业内部建模（模拟）"}],
    "security_level": "general",
    "audit_right": True,
    "onward_transfer": True,
    "acceptance_days": 7,
    "cure_days": 5,
    "retention_days": 30,
    "notice_days": 10,
    "dispute_forum": "青岛仲裁委员会",
}
ONE_OFF: Mapping[str, Any] = {"instalments": [3_000, 3_000, 4_000], "price_cut": True}
"""What the four have in common, and what a purchase has besides."""
KINDS: Mapping[ContractKind, tuple[PriceModel, Mapping[str, Any]]] = {
    ContractKind.PROVISION: (PriceModel.PER_CALL, {}),
    ContractKind.PROCESSING: (PriceModel.ONE_OFF, {"fee_fen": 1_234_500, "results": "to_buyer"}),
    ContractKind.JOINT_DEVELOPMENT: (PriceModel.PER_PERIOD, {"provider_bps": 6_000, "buyer_bps": 4_000}),
    ContractKind.INTERMEDIARY: (PriceModel.PER_CALL, {"fee_bps": 150, "owed_if_bypassed": True}),
}
"""How a city's contract of each kind is priced, and the clause of its own; all figures are simulated."""
ORDERED, ACCEPTED, USED, QUOTA, MORE = 12, 9, 2, 14, 20
"""Units ordered at once, accepted of them, used each time, authorised at first and by the amendment."""
CUT, SETTLED = 10, 2
"""A tenth of the order is offered as a cut, half of what is disputed to settle it."""
TERM, RENEWED = timedelta(days=200), timedelta(days=400)
PURPOSE = Purpose.INDUSTRIAL_DEVELOPMENT
PAGE: PageAsked[UUID] = PageAsked(100)


class ContractYear(NamedTuple):
    """What became of the contract; `agrees` when both sides' statements come to the balances of the ledger."""

    kind: ContractKind
    contract_id: UUID
    digest: str
    steps: int
    units: int
    trades: int
    paid_fen: int
    refunded_fen: int
    agrees: bool


@dataclass
class Playing:
    """One contract on its way from the quote to the disposal; `clerk` enters what the buyer pays in."""

    database: Database
    ledger_id: int
    notary: Notary
    kind: ContractKind
    listing_id: UUID
    buyer: Actor
    provider: Actor
    clerk: Actor
    begins: datetime
    one_off: bool = False
    ids: dict[str, UUID] = field(default_factory=dict)
    """Of its contract, quote, order and dispute, its latest use and trade."""

    @property
    def asked(self) -> dict[str, Any]:
        """What quote and contract have in common."""
        term = {"term_from": self.begins, "term_to": self.begins + TERM}
        return {"listing_id": self.listing_id, "use_class": UseClass.INDUSTRY, **term}

    @property
    def annex(self) -> dict[str, Any]:
        own = KINDS[self.kind][1]
        return {**ANNEX, **({self.kind.value: own} if own else {}), **(ONE_OFF if self.one_off else {})}

    async def play(self) -> ContractYear:
        """Every step on its day. Raises what an action refuses: none should."""
        async with self.database.transaction() as session:
            offer = await catalogue.get_offer(session, self.listing_id)
        self.one_off = offer.plan.model is PriceModel.ONE_OFF
        steps = [step for step in STEPS if step.one_off in {None, self.one_off}]
        for step in steps:
            actor = self.buyer if step.by is Party.BUYER else self.provider
            async with self.database.transaction() as session:
                await step.does(self, session, actor, self.begins + timedelta(days=step.day))
        async with self.database.transaction() as session:
            contract = await contracts.get_contract(session, self.ids["contract"], visible_to=self.buyer)
            version = await get_version(session, contract.id, contract.terms_number)
            [meter] = (await contracts.meters(await driver(session), [contract.id])).values()
            sold = await trading.list_trades(
                session, visible_to=self.buyer, contract=contract.id, since=None, until=None, page=PAGE
            )
            agrees = [await self._agrees(session, side) for side in (self.buyer, self.provider)]
        paid, refunded = (
            sum(getattr(trade, name) for trade in sold) for name in ("amount_fen", "refunded_fen")
        )
        figures = len(steps), meter.authorisation.used, len(sold), paid, refunded
        return ContractYear(self.kind, contract.id, version.buyer_digest or "", *figures, all(agrees))

    async def _agrees(self, session: AsyncSession, side: Actor) -> bool:
        """Whether the statement of each of a side's accounts adds up, and to the balance that the ledger has."""
        agrees, first, last = True, business_date(self.begins), business_date(self.begins + RENEWED)
        asked: dict[str, Any] = {"visible_to": side, "owner": organisation_of(side), "page": PAGE}
        for account, balance in await books.list_accounts(session, self.ledger_id, **asked):
            told = await statements.whole_statement(session, account, from_on=first, to_on=last)
            agrees &= abs(balance.debit_fen - balance.credit_fen) == abs(told.closing_fen)
            agrees &= sum(line.amount_fen for line in told.movements) == told.debit_fen - told.credit_fen
        return agrees


Move: TypeAlias = Callable[[Playing, AsyncSession, Actor, datetime], Awaitable[None]]


async def _quote(play: Playing, session: AsyncSession, actor: Actor, now: datetime) -> None:
    asked: dict[str, Any] = {"purpose": PURPOSE, "quantity": 1 if play.one_off else ORDERED, **play.asked}
    quote = await quotes.quote_price(session, actor, play.notary, **asked, now=now)
    play.ids["quote"] = quote.id
    paid: dict[str, Any] = {"amount_fen": Fen(quote.amount_fen * 2), "reference": quote.number, "now": now}
    await bank.deposit(session, play.clerk, play.ledger_id, owner_id=organisation_of(actor), **paid)


async def _request(play: Playing, session: AsyncSession, actor: Actor, now: datetime) -> None:
    asked = {"purposes": frozenset({PURPOSE}), "quota": QUOTA, "annex": play.annex, **play.asked}
    contract = await contract_actions.request_contract(session, actor, **asked, kind=play.kind, now=now)
    play.ids["contract"] = contract.id


def _offer(changes: Callable[[Playing], Mapping[str, Any]]) -> Move:
    """A counter-offer, or once signed an amendment, which who offers it has signed."""

    async def offer(play: Playing, session: AsyncSession, actor: Actor, now: datetime) -> None:
        contract = await contracts.lock_contract(session, play.ids["contract"], visible_to=actor)
        await negotiation.offer_terms(session, actor, contract, changes(play), now=now)

    return offer


async def _place(play: Playing, session: AsyncSession, actor: Actor, now: datetime) -> None:
    asked: dict[str, Any] = {f"{name}_id": play.ids[name] for name in ("contract", "quote")}
    asked |= {"quantity": 1 if play.one_off else ORDERED, "deliver_by": now + timedelta(days=10)}
    order = await order_actions.place_order(session, actor, play.ledger_id, purpose=PURPOSE, **asked, now=now)
    play.ids["order"] = order.id


def _move(event: ContractEvent | OfferEvent | OrderEvent | DisputeEvent, **said: Any) -> Move:
    """What moves the contract, its amendment, its order or its dispute."""

    async def move(play: Playing, session: AsyncSession, actor: Actor, now: datetime) -> None:
        more = {**said, "now": now}
        if isinstance(event, OrderEvent):
            order = await orders.lock_order(session, play.ids["order"], visible_to=actor)
            cut_fen = order.amount_fen // CUT if event is OrderEvent.OFFER_CUT else None
            await order_actions.move_order(session, actor, order, event, cut_fen=cut_fen, **more)
            play.ids["trade"] = order.trade_id or order.id
        elif isinstance(event, DisputeEvent):
            trade = await trading.lock_trade(session, play.ids["trade"], visible_to=actor)
            row = await disputes.lock_dispute(session, play.ids["dispute"], visible_to=actor)
            more["amount_fen"] = row.amount_fen // SETTLED if event is DisputeEvent.OFFER else None
            await dispute_actions.move_dispute(session, actor, trade, row, event, **more)
        else:
            contract = await contracts.lock_contract(session, play.ids["contract"], visible_to=actor)
            if isinstance(event, OfferEvent):
                offer = there(await contracts.find_offer(session, contract.id, OfferState.OPEN), "offer")
                await negotiation.answer_amendment(session, actor, contract, offer.number, event, **more)
            else:
                more["ledger_id"] = play.ledger_id
                await contract_actions.move_contract(session, actor, contract, event, **more)

    return move


async def _use(play: Playing, session: AsyncSession, actor: Actor, now: datetime) -> None:
    """Metered now; the next sale prices it."""
    demand = Demand(play.ids["contract"], organisation_of(actor), PURPOSE, USED, now)
    [outcome] = await metering.record_uses(await driver(session), [(actor, demand)], now=now)
    play.ids["use"] = _passed(outcome).id


async def _sell(play: Playing, session: AsyncSession, actor: Actor, now: datetime) -> None:
    use_id = play.ids.pop("use", None)
    purpose, units = (None, None) if use_id else (PURPOSE, USED)
    intent = TradeIntent(actor, play.ids["contract"], purpose, units, use_id, now)
    [outcome] = await Recorder(play.ledger_id).record_trades(await driver(session), [intent], now=now)
    play.ids["trade"] = _passed(outcome).id


def _passed(outcome: Any) -> Any:
    """What was recorded; a refusal is raised."""
    if isinstance(outcome, MarketError):
        raise outcome
    return outcome


async def _open_dispute(play: Playing, session: AsyncSession, actor: Actor, now: datetime) -> None:
    trade = await trading.lock_trade(session, play.ids["trade"], visible_to=actor)
    said: dict[str, Any] = {"amount_fen": None, "reason": "质量不符（模拟）", "documents": (), "now": now}
    play.ids["dispute"] = (await dispute_actions.open_dispute(session, actor, trade, **said)).id


async def _run_out(play: Playing, _session: AsyncSession, _actor: Actor, now: datetime) -> None:
    """The days of notice are over: the clock ends the contract, and whatever else is due in the market."""
    while await contract_actions.expire_due(play.database, play.ledger_id, now):
        pass


async def _dispose(play: Playing, session: AsyncSession, actor: Actor, now: datetime) -> None:
    contract = await contracts.get_contract(session, play.ids["contract"], visible_to=actor)
    duty = await disposals.lock_disposal(session, contract.id)
    said: dict[str, Any] = {"kind": DisposalKind.DELETED, "digest": digest_of("删除记录（模拟）"), "now": now}
    await disposal_actions.prove_disposal(session, actor, contract, duty, **said)


class YearStep(NamedTuple):
    """What a side does on a day; `one_off` where only a purchase, or only what is paid by use, has it."""

    day: int
    by: Party
    does: Move
    one_off: bool | None = None


BUYER, PROVIDER = Party.BUYER, Party.PROVIDER
PART = _move(OrderEvent.ACCEPT, accepted_quantity=ACCEPTED, reason="其余不合格（模拟）")
STEPS = (
    YearStep(0, BUYER, _quote),
    YearStep(1, BUYER, _request),
    YearStep(3, PROVIDER, _offer(lambda play: {"annex": play.annex | {"retention_days": 20}})),
    YearStep(5, BUYER, _move(ContractEvent.ACCEPT)),
    YearStep(6, PROVIDER, _move(ContractEvent.AGREE)),
    YearStep(7, PROVIDER, _move(ContractEvent.SIGN)),
    YearStep(8, BUYER, _move(ContractEvent.SIGN)),
    YearStep(10, BUYER, _place),
    YearStep(14, PROVIDER, _move(OrderEvent.DELIVER)),
    YearStep(16, BUYER, _move(OrderEvent.REJECT, reason="缺少字段（模拟）")),
    YearStep(18, PROVIDER, _move(OrderEvent.DELIVER)),
    YearStep(19, PROVIDER, _move(OrderEvent.OFFER_CUT), one_off=True),
    YearStep(20, BUYER, _move(OrderEvent.ACCEPT), one_off=True),
    YearStep(20, BUYER, PART, one_off=False),
    YearStep(40, BUYER, _use, one_off=False),
    YearStep(41, BUYER, _sell, one_off=False),
    YearStep(100, BUYER, _sell, one_off=False),
    YearStep(110, BUYER, _open_dispute),
    YearStep(115, PROVIDER, _move(DisputeEvent.ANSWER, reason="愿意协商（模拟）")),
    YearStep(116, PROVIDER, _move(DisputeEvent.OFFER)),
    YearStep(118, BUYER, _move(DisputeEvent.SETTLE)),
    YearStep(130, BUYER, _offer(lambda play: {"annex": play.annex} if play.one_off else {"quota": MORE})),
    YearStep(135, PROVIDER, _move(OfferEvent.SIGN)),
    YearStep(140, BUYER, _sell, one_off=False),
    YearStep(180, PROVIDER, _offer(lambda play: {"term_to": play.begins + RENEWED})),
    YearStep(185, BUYER, _move(OfferEvent.SIGN)),
    YearStep(260, BUYER, _sell, one_off=False),
    YearStep(300, PROVIDER, _move(ContractEvent.TERMINATE, reason="产品换代（模拟）")),
    YearStep(311, PROVIDER, _run_out),
    YearStep(320, BUYER, _dispose),
)
"""Days from the first on; what follows day 200 needs the renewal."""


async def play_contract_years(
    database: Database, ledger_id: int, notary: Notary, year: int
) -> list[ContractYear]:
    """One contract of each kind in a city, on own data, whose term no mandate ends. Raises what an action refuses."""
    begins, told = start_of_day(date(year, 1, 2)), []
    async with database.transaction() as session:
        clerk = (await city.offices(session))["finance"]
        known = {one.uscc: one for one in await city.enterprises(session, str(ledger_id)[:4])}
        shelves = [shelf for shelf in await city.shelves(session) if shelf.own_data]
    for kind, (model, _) in KINDS.items():
        offered = (shelf for shelf in shelves if shelf.model is model and shelf.provider in known)
        shelf = max(offered, key=lambda shelf: shelf.price_fen)
        provider = known.pop(shelf.provider)  # four deals of eight sides: each statement is of one contract
        _, buyer = known.popitem()
        sides = buyer.actor, provider.actor, clerk
        told.append(await Playing(database, ledger_id, notary, kind, shelf.listing_id, *sides, begins).play())
    return told
