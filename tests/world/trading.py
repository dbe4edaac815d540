"""Contracts, money, trades and refunds, made as buyers, providers and finance make them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from datamarket.auth.terms import Actor
from datamarket.catalogue.listings.terms import PricePlan
from datamarket.catalogue.venues.tables import Venue
from datamarket.contracts import actions as contracts
from datamarket.contracts import queries as contract_queries
from datamarket.contracts.metering import record_uses
from datamarket.contracts.quotes import actions as quotes
from datamarket.contracts.quotes.tables import Quote
from datamarket.contracts.tables import Contract
from datamarket.contracts.terms import ContractEvent, Demand, Purpose
from datamarket.evidence.log.notes import Notary
from datamarket.foundation.db import Database
from datamarket.foundation.desks.desk import Desk
from datamarket.foundation.errors import MarketError
from datamarket.foundation.idempotency import Answer, Claim, fingerprint
from datamarket.foundation.money import Fen
from datamarket.ledger.books import actions as ledger
from datamarket.ledger.terms import EntryId
from datamarket.participants.tables import Participant
from datamarket.trading import queries, refunds
from datamarket.trading.actions import Outcome, Recorder
from datamarket.trading.api import answer_of
from datamarket.trading.tables import RefundRow
from datamarket.trading.terms import Trade, TradeIntent
from datamarket.zones.resources.tables import Resource
from datamarket.zones.terms import UseClass
from tests.world import catalogue
from tests.world.catalogue import Listed
from tests.world.participants import acting_for, admitted
from tests.world.people import FINANCE, enrol, moment, unique
from tests.world.zones import OperatedZone

LEDGER_ID = 370200
TERM_FROM, TERM_TO = datetime(2023, 1, 1, tzinfo=UTC), datetime(2027, 12, 31, tzinfo=UTC)
PLENTY = Fen(10**12)
NOTARY = Notary("datamarket/370200", Ed25519PrivateKey.generate())
PURPOSE_OF = {UseClass.INDUSTRY: Purpose.INDUSTRIAL_DEVELOPMENT, UseClass.PUBLIC_GOOD: Purpose.PUBLIC_WELFARE}


@dataclass(frozen=True)
class Agreement:
    """A contract, both parties with their accounts, and what it is about."""

    contract: Contract
    buyer: Participant
    buyer_account: Actor
    provider: Participant
    provider_account: Actor
    listed: Listed

    @property
    def purpose(self) -> Purpose:
        return Purpose(self.contract.purposes[0])


async def requested_contract(
    database: Database,
    *,
    plan: PricePlan = catalogue.PER_CALL,
    quota: int | None = None,
    of_zone: bool = False,
    operated: OperatedZone | None = None,
    resources: tuple[Resource, ...] = (),
    provider: Participant | None = None,
    buyer: Participant | None = None,
    venue: Venue | None = None,
    fee_bps: int = 100,
    listed: Listed | None = None,
    use_class: UseClass = UseClass.INDUSTRY,
    purposes: frozenset[Purpose] | None = None,
    term_from: datetime = TERM_FROM,
    term_to: datetime = TERM_TO,
    redevelopment: bool = False,
    annex: dict[str, Any] | None = None,
) -> Agreement:
    """Asked for by the buyer. Own data unless `of_zone` or `operated` says otherwise; what is not given is made."""
    offer = listed or await _listed(
        database,
        plan=plan,
        zone=(operated, resources) if of_zone or operated else None,
        provider=provider,
        venue=venue,
        fee_bps=fee_bps,
        use_class=use_class,
    )
    async with database.transaction() as session:
        asking = buyer or await admitted(session)
        account = acting_for(asking)
        contract = await contracts.request_contract(
            session,
            account,
            listing_id=offer.listing.id,
            purposes=purposes or frozenset({PURPOSE_OF[use_class]}),
            use_class=use_class,
            term_from=term_from,
            term_to=term_to,
            quota=quota,
            redevelopment=redevelopment,
            annex=annex,
            now=moment(),
        )
    return Agreement(contract, asking, account, offer.maker, offer.account, offer)


async def _listed(
    database: Database,
    *,
    plan: PricePlan,
    zone: tuple[OperatedZone | None, tuple[Resource, ...]] | None,
    provider: Participant | None,
    venue: Venue | None,
    fee_bps: int,
    use_class: UseClass,
) -> Listed:
    async with database.transaction() as session:
        where = venue or await catalogue.venue(session, fee_bps=fee_bps)
        if zone is None:
            return await catalogue.published_listing(session, maker=provider, on=where, plan=plan)
        operated, resources = zone
        return await catalogue.published_zone_listing(
            session,
            maker=provider,
            use_class=use_class,
            operated=operated,
            resources=resources,
            on=where,
            plan=plan,
        )


async def move(
    database: Database, agreement: Agreement, by: Actor, event: ContractEvent, reason: str | None = None
) -> Contract:
    """One step of the contract's life, under its lock."""
    async with database.transaction() as session:
        contract = await contract_queries.lock_contract(session, agreement.contract.id, visible_to=by)
        return await contracts.move_contract(
            session, by, contract, event, ledger_id=LEDGER_ID, reason=reason, now=moment()
        )


async def sign(database: Database, agreement: Agreement) -> Contract:
    """The provider agrees, then both sign: active."""
    await move(database, agreement, agreement.provider_account, ContractEvent.AGREE)
    await move(database, agreement, agreement.provider_account, ContractEvent.SIGN)
    return await move(database, agreement, agreement.buyer_account, ContractEvent.SIGN)


async def active_contract(database: Database, *, funds: Fen | None = PLENTY, **chosen: Any) -> Agreement:
    """Signed by both, the buyer with money unless `funds` is None; `chosen` is what `requested_contract` takes."""
    asked = await requested_contract(database, **chosen)
    contract = await sign(database, asked)
    if funds is not None:
        await deposit(database, asked.buyer.id, funds)
    return Agreement(
        contract, asked.buyer, asked.buyer_account, asked.provider, asked.provider_account, asked.listed
    )


async def deposit(database: Database, owner_id: UUID, amount_fen: Fen = PLENTY) -> EntryId:
    """Money arrives at the bank for a buyer."""
    async with database.transaction() as session:
        return await ledger.deposit(
            session,
            FINANCE,
            LEDGER_ID,
            owner_id=owner_id,
            amount_fen=amount_fen,
            reference=unique("bank-advice"),
            now=moment(),
        )


def intent(agreement: Agreement, quantity: int = 1, *, at: datetime | None = None) -> TradeIntent:
    """Units under the contract, for its first purpose."""
    return TradeIntent(
        agreement.buyer_account,
        agreement.contract.id,
        agreement.purpose,
        quantity,
        None,
        at or moment(),
    )


def desk(database: Database, read_clock: Callable[[], datetime] = moment) -> Desk[TradeIntent, Trade]:
    """One process's queue; two of them are two processes to the database."""
    recorder = Recorder(LEDGER_ID)
    return Desk(database, recorder.plan_trades, recorder.record_trades, answer_of, read_clock)


async def sell_under_key(
    database: Database, agreement: Agreement, key: str, quantity: int = 1, *, at: datetime | None = None
) -> Answer:
    """One trade through a desk: the answer stays under its key, and is the same when asked for again."""
    when = at or moment()
    await enrol(database, agreement.buyer_account)
    caller = str(agreement.buyer_account.account_id)
    claim = Claim(LEDGER_ID, caller, key, fingerprint("POST", "/api/v1/trades", key.encode()))
    return await desk(database, lambda: when).ask(intent(agreement, quantity, at=when), claim)


async def record(
    database: Database, intents: list[TradeIntent], *, now: datetime | None = None
) -> list[Outcome]:
    """All intents as one batch; one outcome each, refusals too."""
    async with database.plain_transaction() as connection:
        return await Recorder(LEDGER_ID).record_trades(connection, intents, now=now or moment())


async def trade(
    database: Database, agreement: Agreement, quantity: int = 1, *, at: datetime | None = None
) -> Trade:
    """One recorded trade; a refusal is raised."""
    [outcome] = await record(database, [intent(agreement, quantity, at=at)])
    if isinstance(outcome, MarketError):
        raise outcome
    return outcome


async def used(
    database: Database, agreement: Agreement, quantity: int = 1, *, at: datetime | None = None
) -> UUID:
    """One metered use that nobody has priced; its id."""
    when, by = at or moment(), agreement.buyer_account
    demand = Demand(agreement.contract.id, agreement.buyer.id, agreement.purpose, quantity, when)
    async with database.plain_transaction() as connection:
        [outcome] = await record_uses(connection, [(by, demand)], now=when)
    if isinstance(outcome, MarketError):
        raise outcome
    return outcome.id


async def refund(
    database: Database,
    agreement: Agreement,
    trade_id: UUID,
    amount_fen: Fen | None = None,
    *,
    at: datetime | None = None,
) -> RefundRow:
    """The provider gives back an amount, or all that is left."""
    by = agreement.provider_account
    async with database.transaction() as session:
        row = await queries.lock_trade(session, trade_id, visible_to=by)
        return await refunds.refund_trade(
            session, by, row, amount_fen=amount_fen, reason="质量不符合约定", now=at or moment()
        )


async def quoted(database: Database, deal: Agreement, by: Actor | None = None, **changed: Any) -> Quote:
    """What the contract's buyer, or another, is quoted: ten units, unless said otherwise."""
    contract = deal.contract
    asked: dict[str, Any] = {
        "listing_id": contract.listing_id,
        "purpose": deal.purpose,
        "use_class": UseClass(contract.use_class),
        "quantity": 10,
        "term_from": contract.term_from,
        "term_to": contract.term_to,
        "now": moment(),
    } | changed
    async with database.transaction() as session:
        return await quotes.quote_price(session, by or deal.buyer_account, NOTARY, **asked)
