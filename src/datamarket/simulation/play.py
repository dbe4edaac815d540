"""Makes a planned year happen, through the same actions that the API calls, in simulated time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.catalogue.listings.terms import PriceModel, PricePlan
from datamarket.contracts import actions as contracts
from datamarket.contracts import queries as contract_queries
from datamarket.contracts.terms import ContractEvent, Purpose
from datamarket.foundation.clock import business_date, year_bounds
from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from datamarket.foundation.money import Fen
from datamarket.ledger.books import actions as ledger
from datamarket.participants import actions as participants
from datamarket.participants import queries as participant_queries
from datamarket.participants.terms import IncomeClass, ParticipantEvent, ParticipantKind
from datamarket.simulation import names, queries
from datamarket.simulation.city import renew_mandates, renew_registrations
from datamarket.simulation.offers import offer_product
from datamarket.simulation.plan import PlannedContract, PlannedTrade, Planner, YearPlan
from datamarket.simulation.shapes import shapes
from datamarket.simulation.terms import Enterprise, Heard, Stage
from datamarket.trading import queries as trading
from datamarket.trading import refunds
from datamarket.trading.actions import Recorder
from datamarket.trading.terms import Trade, TradeIntent
from datamarket.zones.terms import UseClass

BATCH = 1000
CHUNK = 25


@dataclass(frozen=True)
class YearResult:
    """What happened: counts, and the digest of the books."""

    year: int
    contracts: int
    trades: int
    refunds: int
    suspended: str | None
    tied: tuple[str, str] | None
    books_sha256: str


class Player:
    """Plays years in one market."""

    def __init__(self, database: Database, ledger_id: int, heard: Heard) -> None:
        self.database = database
        self.ledger_id = ledger_id
        self.city_code = str(ledger_id)[:4]
        self.heard = heard
        self.recorder = Recorder(ledger_id)
        self.offices: dict[str, Actor] = {}
        self.known: dict[str, Enterprise] = {}
        self.is_wide = False

    async def play(self, year: int, *, enterprises: int, trades: int, seed: int, stress: bool) -> YearResult:
        """One year. Raises LookupError in a market without its city."""
        random = Random(f"{seed}/{year}")
        start, end = year_bounds(year)
        async with self.database.transaction() as session:
            self.offices = await queries.offices(session)
        admitted_at = start - timedelta(days=12)
        await self._admit(random, enterprises, admitted_at)
        if enterprises > shapes().everyone_sells_above:
            self.is_wide = True
            await self._stock(Random(f"{seed}/{year}/offers"), admitted_at)
        await renew_mandates(self.database, self.offices["authority"], business_date(end))
        await renew_registrations(self.database, business_date(end))
        plan = await self._plan(random, year, trades, stress=stress)
        await self._fund(plan, start)
        contract_ids = await self._conclude(plan, start)
        recorded = await self._trade(plan, contract_ids)
        refunded = await self._refund(plan, recorded)
        async with self.database.transaction() as session:
            digest = await queries.books_sha256(session)
        return YearResult(
            year, len(plan.contracts), len(plan.trades), refunded, plan.suspended, plan.tied, digest
        )

    async def _admit(self, random: Random, wanted: int, now: datetime) -> None:
        """Fictional enterprises, until there are as many as wanted."""
        async with self.database.transaction() as session:
            known = len(await queries.enterprises(session, self.city_code))
        outside = shapes().outside_share
        for first in range(known, wanted, CHUNK):
            async with self.database.transaction() as session:
                for serial in range(first, min(first + CHUNK, wanted)):
                    local = random.randrange(outside.denominator) >= outside.numerator
                    await self._admit_one(session, random, serial, local=local, now=now)
                    self.heard(Stage.ADMIT, 1)

    async def _admit_one(
        self, session: AsyncSession, random: Random, serial: int, *, local: bool, now: datetime
    ) -> None:
        division = random.choice(names.DISTRICTS if local else names.OUTSIDE)
        zh, en = names.fictional_name(random, serial)
        made = await participants.register_participant(
            session,
            self.offices["authority"],
            uscc=names.fictional_code(division, serial),
            name_zh=zh,
            name_en=en,
            kind=ParticipantKind.ENTERPRISE,
            income_class=IncomeClass.ENTERPRISE,
            division=division,
            industry="6450",
            now=now,
        )
        await participants.move_participant(
            session, self.offices["authority"], made, ParticipantEvent.ADMIT, now=now
        )

    async def _stock(self, random: Random, now: datetime) -> None:
        """Whoever has nothing that counts to sell by use lists a product, some of them two."""
        async with self.database.transaction() as session:
            known = await queries.enterprises(session, self.city_code)
            selling = {shelf.provider for shelf in await queries.shelves(session) if shelf.counts_by_use}
            venue_id = await queries.general_venue(session)
        idle = [enterprise for enterprise in known if enterprise.uscc not in selling]
        second = shapes().second_product_share
        for first in range(0, len(idle), CHUNK):
            async with self.database.transaction() as session:
                for seller in idle[first : first + CHUNK]:
                    products = 2 if random.randrange(second.denominator) < second.numerator else 1
                    for number in range(1, products + 1):
                        identity, content = names.fictional_product(random, seller.uscc)
                        await offer_product(
                            session,
                            seller.actor,
                            self.offices,
                            code=f"SIM-{seller.uscc}-{number}",
                            identity=identity,
                            content=content,
                            venue_id=venue_id,
                            plan=PricePlan(PriceModel.PER_CALL, random.choice(shapes().added_prices)),
                            now=now,
                        )
                    self.heard(Stage.OFFER, 1)

    async def _plan(self, random: Random, year: int, trades: int, *, stress: bool) -> YearPlan:
        async with self.database.transaction() as session:
            enterprises = await queries.enterprises(session, self.city_code)
            shelves = await queries.shelves(session)
            affiliated = await queries.affiliated(session)
        self.known = {enterprise.uscc: enterprise for enterprise in enterprises}
        planner = Planner(
            random, shapes(), year, enterprises=enterprises, shelves=shelves, affiliated=affiliated
        )
        return planner.make(trades, stress=stress)

    async def _fund(self, plan: YearPlan, start: datetime) -> None:
        """Each buyer pays in what it will spend, and a tenth more."""
        for code, amount in sorted(plan.deposits().items()):
            if not amount:
                continue
            async with self.database.transaction() as session:
                await ledger.deposit(
                    session,
                    self.offices["finance"],
                    self.ledger_id,
                    owner_id=self.known[code].id,
                    amount_fen=Fen(amount + amount // 10),
                    reference=f"{plan.year} {code}",
                    now=start + timedelta(days=1),
                )

    async def _conclude(self, plan: YearPlan, start: datetime) -> list[UUID]:
        """Request, agree, sign, sign: every contract of the year, in its first week."""
        concluded: list[UUID] = []
        for first in range(0, len(plan.contracts), CHUNK):
            async with self.database.transaction() as session:
                for planned in plan.contracts[first : first + CHUNK]:
                    concluded.append(await self._conclude_one(session, planned, start))
                    self.heard(Stage.CONTRACT, 1)
        return concluded

    async def _conclude_one(self, session: AsyncSession, planned: PlannedContract, start: datetime) -> UUID:
        buyer, seller = self.known[planned.buyer].actor, self.known[planned.seller].actor
        public = planned.shelf.public_good
        now = start + timedelta(days=2)
        contract = await contracts.request_contract(
            session,
            buyer,
            listing_id=planned.shelf.listing_id,
            purposes=frozenset({Purpose.PUBLIC_WELFARE if public else Purpose.INDUSTRIAL_DEVELOPMENT}),
            use_class=UseClass.PUBLIC_GOOD if public else UseClass.INDUSTRY,
            term_from=start,
            term_to=year_bounds(business_date(start).year)[1],
            quota=None if self.is_wide else planned.units,  # a wide market is made to be used further
            now=now,
        )
        for actor, event in (
            (seller, ContractEvent.AGREE),
            (seller, ContractEvent.SIGN),
            (buyer, ContractEvent.SIGN),
        ):
            locked = await contract_queries.lock_contract(session, contract.id, visible_to=actor)
            await contracts.move_contract(session, actor, locked, event, ledger_id=self.ledger_id, now=now)
        return contract.id

    async def _trade(self, plan: YearPlan, contract_ids: Sequence[UUID]) -> dict[int, Trade]:
        """All trades in their order, a batch at a time; whoever is to be suspended is, in between."""
        kept: dict[int, Trade] = {}
        for first in range(0, len(plan.trades), BATCH):
            batch = plan.trades[first : first + BATCH]
            if plan.suspended_at and plan.suspended and batch[-1].at >= plan.suspended_at:
                await self._suspend(plan.suspended, plan.suspended_at)
                plan.suspended_at = None
            intents = [
                self._intent(plan.contracts[trade.contract], trade, contract_ids[trade.contract])
                for trade in batch
            ]
            async with self.database.plain_transaction() as connection:
                outcomes = await self.recorder.record_trades(connection, intents, now=batch[-1].at)
            for position, outcome in enumerate(outcomes, first):
                if isinstance(outcome, MarketError):
                    raise outcome
                if plan.trades[position].refund_at is not None:
                    kept[position] = outcome
            self.heard(Stage.TRADE, len(batch))
        return kept

    def _intent(self, planned: PlannedContract, trade: PlannedTrade, contract_id: UUID) -> TradeIntent:
        purpose = Purpose.PUBLIC_WELFARE if planned.shelf.public_good else Purpose.INDUSTRIAL_DEVELOPMENT
        buyer = self.known[planned.buyer].actor
        return TradeIntent(buyer, contract_id, purpose, trade.quantity, None, trade.at)

    async def _suspend(self, code: str, when: datetime) -> None:
        async with self.database.transaction() as session:
            await participants.move_participant(
                session,
                self.offices["authority"],
                await participant_queries.lock_participant(session, self.known[code].id),
                ParticipantEvent.SUSPEND,
                reason="申报材料存疑，暂停核查（模拟）",
                now=when,
            )

    async def _refund(self, plan: YearPlan, recorded: dict[int, Trade]) -> int:
        """Refunds in their order, some of them after the year's end."""
        planned = sorted(
            (trade.refund_at, position) for position, trade in enumerate(plan.trades) if trade.refund_at
        )
        for first in range(0, len(planned), CHUNK):
            async with self.database.transaction() as session:
                for when, position in planned[first : first + CHUNK]:
                    seller = self.known[plan.contracts[plan.trades[position].contract].seller].actor
                    row = await trading.lock_trade(session, recorded[position].id, visible_to=seller)
                    amount = plan.trades[position].refund_fen
                    await refunds.refund_trade(
                        session,
                        seller,
                        row,
                        amount_fen=Fen(amount) if amount else None,
                        reason="交付质量未达合同附件约定（模拟）",
                        now=when,
                    )
                    self.heard(Stage.REFUND, 1)
        return len(planned)
