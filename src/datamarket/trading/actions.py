"""Recording trades, always as a batch: metered, priced, split, posted, written down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from datamarket.auth.rules import organisation_of
from datamarket.auth.terms import Actor
from datamarket.contracts import metering
from datamarket.contracts import queries as contracts
from datamarket.contracts.accounts import accounts_of
from datamarket.contracts.queries import FrozenTermsReader
from datamarket.contracts.rules import TermsReplaced
from datamarket.contracts.terms import Demand, FrozenTerms
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import Connection, Database
from datamarket.foundation.desks.writes import Write, write_together
from datamarket.foundation.errors import MarketError, NotFound
from datamarket.foundation.ids import new_ids
from datamarket.foundation.waiting.constraints import constraint_of, refusal_of
from datamarket.ledger import posting
from datamarket.ledger.holds import actions as holds
from datamarket.ledger.rules import ONE_POSTING
from datamarket.ledger.terms import EntryId, EntryKind, Posting
from datamarket.trading import charging, queries, recording, rules
from datamarket.trading.revenue.files import pricing_waits, revenue_rules
from datamarket.trading.tables import ERRORS
from datamarket.trading.terms import PricedUse, Sale, Trade, TradeIntent

Outcome = Trade | MarketError
ONE_TRADE: Mapping[str, type[MarketError]] = {**ONE_POSTING, **ERRORS}
"""Constraints that one intent of a batch may break; any other refuses the batch."""


@dataclass
class Recorder:
    """Records trades of one market; remembers frozen terms between batches."""

    ledger_id: int
    reader: FrozenTermsReader = field(default_factory=FrozenTermsReader)

    async def record_trades(
        self, connection: Connection, intents: Sequence[TradeIntent], *, now: datetime
    ) -> list[Outcome]:
        """Meter, price, split, post and record each intent; one outcome per intent, in their order.

        A refused intent changes nothing and never fails its neighbours: when the database refuses the
        batch as a whole (a buyer's funds, a use priced before), its halves are tried, down to the one.
        """
        if not intents:
            return []
        outcomes = await self._try(connection, intents, now)
        if outcomes is None:
            await self._hold_still(connection, intents)
            outcomes = await self._record_halves(connection, intents, now)
        return outcomes

    async def _try(
        self, connection: Connection, intents: Sequence[TradeIntent], now: datetime
    ) -> list[Outcome] | None:
        """One outcome per intent, or none and nothing changed where the database refuses several at once."""
        try:
            async with connection.transaction():
                return await self._record_together(connection, intents, now)
        except asyncpg.IntegrityConstraintViolationError as error:
            broken = constraint_of(error, ONE_TRADE) or ""
            if broken not in ONE_TRADE:
                raise
            return [refusal_of(broken, ONE_TRADE)] if len(intents) == 1 else None

    async def _record_halves(
        self, connection: Connection, intents: Sequence[TradeIntent], now: datetime
    ) -> list[Outcome]:
        middle = len(intents) // 2
        outcomes: list[Outcome] = []
        for half in (intents[:middle], intents[middle:]):
            done = await self._try(connection, half, now)
            outcomes += await self._record_halves(connection, half, now) if done is None else done
        return outcomes

    async def _hold_still(self, connection: Connection, intents: Sequence[TradeIntent]) -> None:
        """Every meter and balance that these may touch, in the order of all: between two steps, nobody waits for us."""
        terms = await self.reader.read(connection, list({intent.contract_id for intent in intents}))
        await contracts.lock_plain_meters(connection, list(terms))
        accounts = {account.id for sold in terms.values() for account in accounts_of(self.ledger_id, sold)}
        await holds.lock_balances(connection, self.ledger_id, accounts)

    async def price_use(self, connection: Connection, actor: Actor, use_id: UUID, *, now: datetime) -> Trade:
        """The seller prices what its buyer has used and left unpriced too long: a trade like the buyer's own.

        Raises NotFound, NoRevenueRule, UseNotDue, UsePricedAlready, FundsInsufficient: the use stays listed.
        """
        contract_id, used_at = await queries.use_sold_by(connection, use_id, organisation_of(actor))
        due = rules.seller_prices_from(used_at, pricing_waits())
        if now < due:
            raise rules.UseNotDue(until=due.isoformat())
        intent = TradeIntent(actor, contract_id, None, None, use_id, now, by_seller=True)
        [outcome] = await self.record_trades(connection, [intent], now=now)
        if isinstance(outcome, MarketError):
            raise outcome
        return outcome

    async def plan_trades(
        self, connection: Connection, intents: Sequence[TradeIntent], *, now: datetime
    ) -> tuple[list[Outcome], list[Write]] | None:
        """Trades as they are when each use is permitted, and the writes that are refused when one is not.

        None where a price depends on what was used before, or a contract is used by two.
        """
        outcomes: dict[int, Outcome] = {}
        sales = await self._sales(connection, intents, await self._known(connection, intents), outcomes)
        demands = _demands(intents, sales)
        metered = metering.meter_all(
            list(demands.values()), {sold.terms.contract_id: sold.terms for sold in sales.values()}
        )
        if metered is None or any(sold.terms.plan.counts for sold in sales.values()):
            return None
        uses, writes = _uses(intents, sales, demands)
        writes = metered + writes + self._writes(intents, sales, uses, outcomes, now)
        return [outcomes[position] for position in range(len(intents))], writes

    async def _record_together(
        self, connection: Connection, intents: Sequence[TradeIntent], now: datetime, *, again: bool = False
    ) -> list[Outcome]:
        """All intents that the contracts allow, in a handful of set-based statements.

        Terms that were remembered, and have been amended since, are read `again`, once: their meter is held by then.
        """
        outcomes: dict[int, Outcome] = {}
        known = await self._known(connection, intents)
        sales = await self._sales(connection, intents, known, outcomes)
        counts = any(sold.terms.plan.counts for sold in sales.values())
        if counts:  # nobody else charges the same months before this batch is written
            await contracts.lock_plain_meters(
                connection, list({sold.terms.contract_id for sold in sales.values()})
            )
        demands = _demands(intents, sales)
        refusals = await metering.meter(connection, list(demands.values()), self.reader, now=now)
        outcomes |= {p: error for p, error in zip(demands, refusals, strict=True) if error is not None}
        uses, writes = _uses(intents, sales, {p: d for p, d in demands.items() if p not in outcomes})
        if counts:
            sales = await self._charged(connection, intents, known, {p: sales[p] for p in uses})
        replaced = [p for p, outcome in outcomes.items() if isinstance(outcome, TermsReplaced)]
        if replaced:
            await self._hold_still(connection, intents)
        await write_together(connection, writes + self._writes(intents, sales, uses, outcomes, now))
        if replaced and not again:
            late = [intents[position] for position in replaced]
            self.reader.forget({intent.contract_id for intent in late})
            priced = await self._record_together(connection, late, now, again=True)
            outcomes.update(zip(replaced, priced, strict=True))
        return [outcomes[position] for position in range(len(intents))]

    def _writes(
        self,
        intents: Sequence[TradeIntent],
        sales: Mapping[int, Sale],
        uses: Mapping[int, UUID],
        outcomes: dict[int, Outcome],
        now: datetime,
    ) -> list[Write]:
        """What is written of the sales that have a use: their trades, which go into `outcomes`, events and postings."""
        if not uses:
            return []
        allowed = [intents[position] for position in uses]
        instants = [intent.occurred_at for intent in allowed]
        trades = [
            Trade(trade_id, use_id, sales[position], at, now)
            for trade_id, (position, use_id), at in zip(
                new_ids(instants), uses.items(), instants, strict=True
            )
        ]
        outcomes.update(zip(uses, trades, strict=True))
        entries = [
            _settlement(entry_id, intent.actor, trade) if trade.amount_fen else None
            for entry_id, intent, trade in zip(new_ids(instants), allowed, trades, strict=True)
        ]
        metered = [intent.use_id for intent in allowed if intent.use_id is not None]
        actors = [intent.actor for intent in allowed]
        writes = recording.writes_of_trades(self.ledger_id, trades, actors, entries, metered=metered, now=now)
        return writes + posting.writes_of(self.ledger_id, [entry for entry in entries if entry], now=now)

    @staticmethod
    async def _known(connection: Connection, intents: Sequence[TradeIntent]) -> dict[UUID, PricedUse]:
        return await queries.uses(
            connection, [use for intent in intents if (use := intent.use_id) is not None]
        )

    async def _sales(
        self,
        connection: Connection,
        intents: Sequence[TradeIntent],
        known: Mapping[UUID, PricedUse],
        outcomes: dict[int, Outcome],
    ) -> dict[int, Sale]:
        """What each intent comes to that its contract allows, at most where it counts; refusals go into `outcomes`."""
        terms = await self.reader.read(connection, list({intent.contract_id for intent in intents}))
        sales: dict[int, Sale] = {}
        for position, intent in enumerate(intents):
            contract = terms.get(intent.contract_id)
            if contract is None or intent.actor.participant_id != (
                contract.provider_id if intent.by_seller else contract.buyer_id
            ):
                outcomes[position] = await queries.why_no_contract(
                    connection, intent.contract_id, intent.actor.participant_id
                )
            else:
                try:
                    sales[position] = self._sale(intent, contract, known)
                except MarketError as refusal:
                    outcomes[position] = refusal
        return sales

    async def _charged(
        self,
        connection: Connection,
        intents: Sequence[TradeIntent],
        known: Mapping[UUID, PricedUse],
        sales: Mapping[int, Sale],
    ) -> dict[int, Sale]:
        """The same sales, those under plans that count at what they come to now that it is known which are allowed."""
        counted = {p: sold for p, sold in sales.items() if sold.terms.plan.counts}
        uses = {
            p: known[use_id]
            if (use_id := intents[p].use_id)
            else PricedUse(sold.terms.contract_id, sold.quantity, intents[p].occurred_at, sold.terms.number)
            for p, sold in counted.items()
        }
        plans = {sold.terms.contract_id: sold.terms.plan for sold in counted.values()}
        amounts = await charging.charge(connection, plans, uses)
        charged = {
            p: rules.sale(
                self.ledger_id,
                sold.terms,
                sold.quantity,
                rules.rule_at(revenue_rules(), business_date(intents[p].occurred_at)),
                amounts[p],
            )
            for p, sold in counted.items()
        }
        return {**sales, **charged}

    def _sale(self, intent: TradeIntent, terms: FrozenTerms, known: Mapping[UUID, PricedUse]) -> Sale:
        """A use metered before is priced as it is. Raises NotFound, TermsReplaced, AmountTooLarge, NoRevenueRule."""
        quantity = intent.quantity or 0
        if intent.use_id is not None:
            use = known.get(intent.use_id)
            if use is None or use.contract_id != terms.contract_id:
                raise NotFound(thing="use")
            if use.terms_number != terms.number:
                raise TermsReplaced
            quantity = use.quantity
        rule = rules.rule_at(revenue_rules(), business_date(intent.occurred_at))
        return rules.sale(self.ledger_id, terms, quantity, rule)


async def charge_fees(database: Database, ledger_id: int, now: datetime) -> int:
    """Fees whose time has come are charged, one batch; what the buyer's funds do not pay stays with the unpriced uses."""
    async with database.plain_transaction() as connection:
        intents = await charging.claim_fees(connection, now)
        outcomes = await Recorder(ledger_id).record_trades(connection, intents, now=now)
    return sum(not isinstance(outcome, MarketError) for outcome in outcomes)


def _demands(intents: Sequence[TradeIntent], sales: Mapping[int, Sale]) -> dict[int, Demand]:
    """What the sales use that were not metered before."""
    return {
        position: Demand(
            sold.terms.contract_id,
            sold.terms.buyer_id,
            intent.purpose,
            sold.quantity,
            intent.occurred_at,
            sold.terms.number,
            intent.operands,
        )
        for position, sold in sales.items()
        if (intent := intents[position]).use_id is None and intent.purpose is not None
    }


def _uses(
    intents: Sequence[TradeIntent], sales: Mapping[int, Sale], metered: Mapping[int, Demand]
) -> tuple[dict[int, UUID], list[Write]]:
    """The use of each sale, in their order: one metered before, or a new one, which is to be written."""
    ids = new_ids([demand.at for demand in metered.values()])
    accounts = [intents[position].actor.account_id for position in metered]
    new = dict(zip(metered, ids, strict=True))
    uses = {
        position: use_id
        for position in sales
        if (use_id := new.get(position, intents[position].use_id)) is not None
    }
    return uses, metering.writes_of_uses(ids, list(metered.values()), accounts, priced=True)


def _settlement(entry_id: UUID, actor: Actor, trade: Trade) -> Posting:
    return Posting(
        EntryId(entry_id),
        EntryKind.SETTLEMENT,
        trade.occurred_at,
        "trade",
        trade.id,
        actor.account_id,
        trade.sold.legs,
    )
