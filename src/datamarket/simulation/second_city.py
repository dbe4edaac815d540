"""A second city in the same database: its own books, treasury, zone operator and venue; buyers of both, and their money between them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.rules import organisation_of
from datamarket.auth.terms import Actor
from datamarket.contracts import actions as contracts
from datamarket.contracts import queries as contract_queries
from datamarket.contracts.terms import ContractEvent, Purpose
from datamarket.foundation.clock import year_bounds
from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from datamarket.foundation.money import Fen
from datamarket.ledger.books import actions as bank
from datamarket.ledger.cities import actions as transfers
from datamarket.ledger.cities import queries as transfer_queries
from datamarket.ledger.cities.terms import TransferEvent
from datamarket.simulation import queries
from datamarket.simulation.city import INSPECTOR, City, Loader, documents_of
from datamarket.trading.actions import Recorder
from datamarket.trading.terms import TradeIntent
from datamarket.zones.terms import UseClass

FILE = "second_city.yaml"
DELIVERIES = 12
"""One a month."""


class SecondCity(NamedTuple):
    """Its ledger, what was sold under it, and what came from the first city and was settled with it."""

    ledger_id: int
    trades: int
    gross_fen: int
    sent_fen: int


class SecondLoader(Loader):
    """Loads the second city into a market that holds the first: the offices are the same, its inspector is its own."""

    async def load(self) -> City:
        """Everything the file says but its buyers' purchases. Raises SeedFaulty, and what an action refuses."""
        [document] = documents_of(self.folder, FILE)
        self.described = {row["category"]: row for row in documents_of(self.folder, "described.yaml")}
        async with self.database.transaction() as session:
            self.city.officials = await queries.offices(session)
        await self._each(document["participants"], self._participant)
        self.city.actors[INSPECTOR] = self.city.actors["TP-21"]
        await self._each(document["zones"], self._zone)
        await self._each(document["venues"], self._venue)
        await self._each(document["resources"], self._resource)
        await self._each(document["products"], self._product)
        return self.city


async def play_second_city(database: Database, loader: SecondLoader, home: int, *, year: int) -> SecondCity:
    """A buyer of its own and one of the first city, who sends its money there; a delivery a month to each."""
    city, [document] = await loader.load(), documents_of(loader.folder, FILE)
    ledger_id, finance, start = document["ledger"], city.officials["finance"], year_bounds(year)[0]
    async with database.transaction() as session:
        known = await queries.enterprises(session, str(home)[:4])
        [product] = city.products.values()
        listing_id, price = await queries.published(session, product[0])
    resident, guest = city.actors["DM-202"], next(one.actor for one in known if one.in_city)
    calls = {resident: document["calls"]["resident"], guest: document["calls"]["guest"]}
    paid = {buyer: Fen(count * price) for buyer, count in calls.items()}
    for ledger, buyer in ((ledger_id, resident), (home, guest)):
        reference, owner = f"{year} {FILE} {ledger}", organisation_of(buyer)
        said: dict[str, Any] = {"owner_id": owner, "amount_fen": paid[buyer], "reference": reference}
        async with database.transaction() as session:
            await bank.deposit(session, finance, ledger, **said, now=start)
    between = {"home": home, "there": ledger_id, "amount": paid[guest]}
    await _send(database, finance, guest, **between, now=start + timedelta(days=1))
    sold = await _sell(database, ledger_id, (listing_id, product[1]), calls, start)
    return SecondCity(ledger_id, len(sold), sum(sold), paid[guest])


async def _sell(
    database: Database, ledger_id: int, offer: tuple[UUID, Actor], calls: Mapping[Actor, int], start: datetime
) -> list[int]:
    """To each buyer under a contract of its own, a delivery every 29 days; the amounts."""
    intents: list[TradeIntent] = []
    for buyer, count in calls.items():
        async with database.transaction() as session:
            contract_id = await _sign(session, offer, buyer, ledger_id, now=start + timedelta(days=3))
        asked = contract_id, Purpose.INDUSTRIAL_DEVELOPMENT, count // DELIVERIES, None
        intents += [
            TradeIntent(buyer, *asked, start + timedelta(days=10 + 29 * month)) for month in range(DELIVERIES)
        ]
    intents.sort(key=lambda intent: intent.occurred_at)
    async with database.plain_transaction() as connection:
        outcomes = await Recorder(ledger_id).record_trades(connection, intents, now=intents[-1].occurred_at)
    refused = [outcome for outcome in outcomes if isinstance(outcome, MarketError)]
    if refused:
        raise refused[0]
    return [outcome.amount_fen for outcome in outcomes if not isinstance(outcome, MarketError)]


async def _send(
    database: Database, finance: Actor, guest: Actor, *, home: int, there: int, amount: Fen, now: datetime
) -> None:
    """A buyer's money goes from one city to the other, and both settle."""
    said: dict[str, Any] = {"owner_id": organisation_of(guest), "amount_fen": amount, "reference": FILE}
    async with database.transaction() as session:
        sent = await transfers.send(session, finance, home, to_ledger=there, **said, now=now)
    await transfers.receive_due(database, home, now)
    for ledger in (home, there):
        async with database.transaction() as session:
            row = await transfer_queries.lock_transfer(session, ledger, sent.id, visible_to=finance)
            await transfers.move_transfer(session, finance, row, TransferEvent.SETTLE, reason=None, now=now)


async def _sign(
    session: AsyncSession, offer: tuple[UUID, Actor], buyer: Actor, ledger_id: int, *, now: datetime
) -> UUID:
    """A contract of the second city: its accounts are opened there."""
    listing_id, provider = offer
    contract = await contracts.request_contract(
        session,
        buyer,
        listing_id=listing_id,
        purposes=frozenset({Purpose.INDUSTRIAL_DEVELOPMENT}),
        use_class=UseClass.INDUSTRY,
        term_from=now,
        term_to=now + timedelta(days=400),
        quota=None,
        now=now,
    )
    for actor, event in (
        (provider, ContractEvent.AGREE),
        (provider, ContractEvent.SIGN),
        (buyer, ContractEvent.SIGN),
    ):
        locked = await contract_queries.lock_contract(session, contract.id, visible_to=actor)
        await contracts.move_contract(session, actor, locked, event, ledger_id=ledger_id, now=now)
    return contract.id
