"""A small market in use: one of everything, and those who may call; and one in which every book is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from datamarket.auth.terms import Actor, Role
from datamarket.dataspace import actions as dataspace
from datamarket.dataspace.terms import FORMAT, PolicyTerms
from datamarket.dataspace.transfers import actions as transfers
from datamarket.evidence import actions as evidence
from datamarket.evidence.log.sealing import await_watermark
from datamarket.foundation.clock import month_of
from datamarket.foundation.db import Database
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen
from datamarket.ledger.books import actions as ledger
from datamarket.ledger.cities import actions as city_actions
from datamarket.ledger.terms import AccountKey, AccountKind
from datamarket.notices.events.terms import EventType
from datamarket.notices.subscriptions import actions as subscriptions
from datamarket.notices.subscriptions.tables import Subscription
from datamarket.payouts import files
from datamarket.payouts.bank import actions as bank_actions
from datamarket.payouts.bank import simulated as bank
from datamarket.subsidy.objections.terms import ObjectionEvent
from datamarket.subsidy.runs.terms import RunEvent
from datamarket.trading.orders.terms import OrderEvent
from datamarket.zones.terms import UseClass
from tests.world import disputes, orders, payouts, periods, prices, recoveries, subsidy, trading, zones
from tests.world.people import FINANCE, NOON, actor, enrol, moment, unique
from tests.world.sealing import sealer_in
from tests.world.trading import LEDGER_ID

OTHER_CITY = 370100
IN_MAY = date(2024, 5, 20)
SOME = Fen(5)
TILE = 256
"""So many leaves have a node of their own."""

_TABLE_OF = {
    "account_id": "ledger_account",
    "application_id": "subsidy_application",
    "batch_id": "payout_batch",
    "call_id": "subsidy_call",
    "case_id": "subsidy_case",
    "contract_id": "contract",
    "dataset_id": "listing",
    "enterprise_id": "participant",
    "ceiling_id": "price_ceiling",
    "dispute_id": "trade_dispute",
    "event_id": "audit_event",
    "entry_id": "ledger_entry",
    "line_id": "subsidy_line",
    "flag_id": "integrity_flag",
    "hold_id": "ledger_hold",
    "income_id": "permitted_income",
    "listing_id": "listing",
    "objection_id": "subsidy_objection",
    "order_id": "trade_order",
    "paper_id": "subsidy_paper",
    "participant_id": "participant",
    "payout_id": "payout",
    "product_id": "product",
    "quote_id": "quote",
    "recovery_id": "subsidy_recovery",
    "resource_id": "resource",
    "scenario_id": "scenario",
    "subscription_id": "subscription",
    "supplying_unit_id": "participant",
    "study_id": "subsidy_study",
    "trade_id": "trade",
    "use_id": "contract_use",
    "venue_id": "venue",
    "zone_id": "zone",
}


@dataclass(frozen=True)
class Market:
    """What there is, by the name that paths and bodies give it; every caller has every role."""

    things: Mapping[str, str]
    buyer: Actor
    provider: Actor
    city: Actor


async def market_in_use(database: Database) -> Market:
    """A sale of a zone's data with a refund, an order, a payout, a case, an award that is owed back, and a calculated run."""
    async with database.transaction() as session:
        operated = await zones.open_zone(session)
    agreement = await trading.active_contract(database, operated=operated)
    await trading.refund(database, agreement, (await trading.trade(database, agreement)).id)
    await disputes.opened(database, agreement.buyer_account, (await trading.trade(database, agreement)).id)
    await orders.delivered(database, agreement)
    await orders.placed(database, agreement)
    await trading.quoted(database, agreement)
    await payouts.proposed(database, payouts.Officers())
    await subscribed(database, agreement.buyer_account)
    negotiated = await connected(database, agreement)
    async with database.transaction() as session:
        income = await prices.approved(session, operated)
        await prices.ceiling(session, income.id, agreement.contract.product_id, 5_000)
    await subsidy.case(database, agreement.provider)
    case = await subsidy.case(database, agreement.provider, verified=False)
    await subsidy.application(database, agreement.provider, case)
    officers = subsidy.Officers()
    await subsidy.controls(database, agreement.provider, agreement.buyer, since=IN_MAY)
    await subsidy.detected(database, officers, year=NOON.year)
    run = await subsidy.publicised(database, officers)
    objection = await subsidy.objected(database, agreement.provider_account, run)
    await subsidy.judged(database, agreement.provider_account, objection, ObjectionEvent.WITHDRAW)
    await subsidy.moved(database, officers, run, RunEvent.REJECT, reason="核对")
    await recoveries.owed(database, officers)
    run = await subsidy.opened_run(database, officers, now=recoveries.LATER)
    await subsidy.moved(database, officers, run, RunEvent.SNAPSHOT, RunEvent.CALCULATE, now=recoveries.LATER)
    await subsidy.studied(database, officers.calculator, run)
    things = {
        "scheme_id": subsidy.CITY,
        "scheme": subsidy.CITY,
        "file": "study.csv",
        "n": "1",
        "period": str(month_of(NOON)),
        "provider_pid": str(negotiated),
        "run_id": str(run.id),
        "other_id": str(run.id),
    }
    async with database.connection() as connection:
        for name, table in _TABLE_OF.items():
            things[name] = str(await connection.fetchval(f"SELECT id FROM {table} LIMIT 1"))  # noqa: S608 - a name above
    owners = agreement.buyer.id, agreement.provider.id, None
    callers = [actor(*Role, organisation=owner) for owner in owners]
    await enrol(database, *callers)
    return Market(things, *callers)


async def subscribed(database: Database, by: Actor) -> Subscription:
    """To what is signed from now on; nothing is sent, since its secret was not made."""
    types = [EventType.CONTRACT_SIGNED]
    await enrol(database, by)
    async with database.transaction() as session:
        return await subscriptions.subscribe(
            session, by, LEDGER_ID, url="https://example.org/told", types=types, now=moment()
        )


async def connected(database: Database, deal: trading.Agreement) -> UUID:
    """The buyer asks for another contract as a connector, whose id is given, and for the data of this one."""
    pid: dict[str, Any] = {"callback_address": "https://example.org/dsp", "now": moment()}
    buyer = deal.buyer_account
    await enrol(database, buyer)
    async with database.transaction() as session:
        negotiation, _ = await dataspace.request_negotiation(
            session,
            buyer,
            LEDGER_ID,
            listing_id=deal.listed.listing.id,
            use_class=UseClass(deal.contract.use_class),
            wanted=PolicyTerms(
                purposes=frozenset({deal.purpose}), term_from=moment(), term_to=deal.contract.term_to
            ),
            consumer_pid=unique("pid"),
            **pid,
        )
        transfer: dict[str, Any] = {"contract_id": deal.contract.id, "wanted": FORMAT}
        await transfers.request_transfer(
            session, buyer, LEDGER_ID, consumer_pid=unique("pid"), **transfer, **pid
        )
    return negotiation.contract_id


async def every_book_written(database: Database, folder: Path) -> None:
    """Rows in every table of the books, of every state that guards speak of; sealed, with the key in `folder`."""
    earned = await payouts.earned(database)
    deal, officers = earned.agreements[0], payouts.Officers()
    await trading.sell_under_key(database, deal, unique("key"))
    await trading.refund(database, deal, (await trading.trade(database, deal)).id, SOME)
    await orders.placed(database, deal, quote_id=(await trading.quoted(database, deal, quantity=1)).id)
    order = await orders.delivered(database, deal, 2)
    await orders.moved(database, deal.buyer_account, order.id, OrderEvent.ACCEPT, accepted_quantity=2)
    await _paid_out(database, officers, earned)
    await trading.trade(database, deal)
    await payouts.proposed(database, officers)
    await send_to_another_city(database, deal.buyer.id)
    async with database.transaction() as session:
        await prices.approved(session, await zones.open_zone(session))
    other = periods.own_ledger()
    vat = AccountKey(other, None, AccountKind.VAT_PAYABLE)
    await periods.post(database, periods.bank(other), vat, 5, effective=IN_MAY)
    await periods.close(database, other, month_of(periods.noon_of(IN_MAY)))
    async with database.plain_transaction() as connection:
        events = [evidence.Event(FINANCE, new_id(moment()), {"of": number}) for number in range(TILE)]
        await evidence.record_many(connection, "test.note", "thing", events, now=moment())
    sealer = sealer_in(folder)
    await await_watermark(database)  # a transaction of any database of this server holds it back
    while await sealer.seal(database, now=moment()):
        pass


async def _paid_out(database: Database, officers: payouts.Officers, earned: payouts.Earned) -> None:
    """A batch sent, executed and matched with the day's statement."""
    batch = await payouts.sent(database, officers)
    content = await payouts.file_of(database, batch)
    run = bank.run_bank(content, payouts.bank_rules(), 7, receipts=earned.receipts)
    await payouts.answered(database, officers.maker, batch.id, files.write_advice(run.advice))
    async with database.transaction() as session:
        text = files.write_statement(run.statements[0])
        await bank_actions.import_statement(session, officers.maker, trading.LEDGER_ID, text, now=NOON)


async def send_to_another_city(database: Database, owner_id: UUID) -> UUID:
    """A buyer's money on its way to a city in which the buyer has some already; the transfer."""
    async with database.transaction() as session:
        await ledger.deposit(
            session,
            FINANCE,
            OTHER_CITY,
            owner_id=owner_id,
            amount_fen=SOME,
            reference=unique("advice"),
            now=moment(),
        )
        sent = await city_actions.send(
            session,
            FINANCE,
            trading.LEDGER_ID,
            owner_id=owner_id,
            to_ledger=OTHER_CITY,
            amount_fen=SOME,
            reference=unique("sent"),
            now=moment(),
        )
    return sent.id
