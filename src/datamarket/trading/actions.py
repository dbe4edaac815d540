"""Recording trades, always as a batch: metered, priced, split, posted, written down."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from datamarket.auth.rules import organisation_of
from datamarket.auth.terms import Actor
from datamarket.contracts import metering
from datamarket.contracts.queries import FrozenTermsReader
from datamarket.contracts.terms import Demand, FrozenTerms
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import Connection, refusal_of
from datamarket.foundation.errors import MarketError, NotFound
from datamarket.foundation.ids import new_ids
from datamarket.ledger import posting
from datamarket.ledger.rules import ONE_POSTING
from datamarket.ledger.terms import EntryId, EntryKind, Posting
from datamarket.trading import queries, recording, rules
from datamarket.trading.revenue.files import pricing_waits, revenue_rules
from datamarket.trading.tables import ERRORS
from datamarket.trading.terms import Sale, Trade, TradeIntent

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
        try:
            async with connection.transaction():
                return await self._record_together(connection, intents, now)
        except asyncpg.IntegrityConstraintViolationError as error:
            broken = error.constraint_name or ""
            if broken not in ONE_TRADE:
                raise
            if len(intents) == 1:
                return [refusal_of(broken, ONE_TRADE)]
        middle = len(intents) // 2
        first = await self.record_trades(connection, intents[:middle], now=now)
        return first + await self.record_trades(connection, intents[middle:], now=now)

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

    async def _record_together(
        self, connection: Connection, intents: Sequence[TradeIntent], now: datetime
    ) -> list[Outcome]:
        """All intents that the contracts allow, in a handful of set-based statements."""
        terms = await self.reader.read(connection, [intent.contract_id for intent in intents])
        outcomes: dict[int, Outcome] = {}
        used = await self._meter(connection, intents, terms, outcomes)
        sales = [
            self._sale(intents[position], terms[intents[position].contract_id], quantity)
            for position, (_, quantity) in used.items()
        ]
        trades = [
            _trade(
                trade_id,
                intents[position],
                terms[intents[position].contract_id],
                used[position],
                sold,
                now=now,
            )
            for trade_id, position, sold in zip(_ids(intents, used), used, sales, strict=True)
        ]
        outcomes.update(zip(used, trades, strict=True))
        postings = {
            position: _settlement(entry_id, intents[position], trade, sold)
            for entry_id, position, trade, sold in zip(_ids(intents, used), used, trades, sales, strict=True)
            if trade.amount_fen
        }
        if not trades:
            return [outcomes[position] for position in range(len(intents))]
        metered = [use for position in used if (use := intents[position].use_id) is not None]
        await recording.write_trades(connection, self.ledger_id, trades, metered=metered, now=now)
        entries = [postings[position].id if position in postings else None for position in used]
        actors = [intents[position].actor for position in used]
        await recording.tell_of_trades(connection, trades, actors, entries, now=now)
        await posting.post(connection, self.ledger_id, list(postings.values()), now=now)
        return [outcomes[position] for position in range(len(intents))]

    async def _meter(
        self,
        connection: Connection,
        intents: Sequence[TradeIntent],
        terms: Mapping[UUID, FrozenTerms],
        outcomes: dict[int, Outcome],
    ) -> dict[int, tuple[UUID, int]]:
        """Use and quantity of each intent that may go on; refusals go into `outcomes`."""
        used: dict[int, tuple[UUID, int]] = {}
        demands: dict[int, Demand] = {}
        known = await queries.uses(
            connection, [intent.use_id for intent in intents if intent.use_id is not None]
        )
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
                    self._admit(position, intent, contract, known=known, used=used, demands=demands)
                except MarketError as refusal:
                    outcomes[position] = refusal
        await self._meter_new(connection, intents, demands, used, outcomes)
        return dict(sorted(used.items()))

    def _admit(
        self,
        position: int,
        intent: TradeIntent,
        contract: FrozenTerms,
        *,
        known: Mapping[UUID, tuple[UUID, int]],
        used: dict[int, tuple[UUID, int]],
        demands: dict[int, Demand],
    ) -> None:
        """A use metered before is priced as it is; anything else becomes a demand on the meter."""
        if intent.use_id is not None:
            contract_id, quantity = known.get(intent.use_id, (None, 0))
            if contract_id != intent.contract_id:
                raise NotFound(thing="use")
            self._sale(intent, contract, quantity)
            used[position] = (intent.use_id, quantity)
        elif intent.purpose is not None and intent.quantity is not None:
            self._sale(intent, contract, intent.quantity)
            demands[position] = Demand(
                intent.contract_id, contract.buyer_id, intent.purpose, intent.quantity, intent.occurred_at
            )

    async def _meter_new(
        self,
        connection: Connection,
        intents: Sequence[TradeIntent],
        demands: Mapping[int, Demand],
        used: dict[int, tuple[UUID, int]],
        outcomes: dict[int, Outcome],
    ) -> None:
        if not demands:
            return
        refusals = await metering.meter(connection, list(demands.values()))
        outcomes.update({p: no for p, no in zip(demands, refusals, strict=True) if no is not None})
        fresh = [position for position in demands if position not in outcomes]
        for use_id, position in zip(_ids(intents, fresh), fresh, strict=True):
            used[position] = (use_id, demands[position].quantity)
        await metering.record_uses(
            connection,
            [used[position][0] for position in fresh],
            [demands[position] for position in fresh],
            [intents[position].actor.account_id for position in fresh],
            priced=True,
        )

    def _sale(self, intent: TradeIntent, terms: FrozenTerms, quantity: int) -> Sale:
        """Raises AmountTooLarge, NoRevenueRule."""
        rule = rules.rule_at(revenue_rules(), business_date(intent.occurred_at))
        return rules.sale(self.ledger_id, terms, quantity, rule)


def _trade(
    trade_id: UUID,
    intent: TradeIntent,
    terms: FrozenTerms,
    use: tuple[UUID, int],
    sold: Sale,
    *,
    now: datetime,
) -> Trade:
    return Trade(
        id=trade_id,
        contract_id=terms.contract_id,
        use_id=use[0],
        buyer_id=terms.buyer_id,
        provider_id=terms.provider_id,
        venue_id=terms.venue_id,
        zone_id=terms.zone_id,
        product_id=terms.product_id,
        category=terms.category,
        quantity=use[1],
        unit_price_fen=terms.plan.price_fen,
        amount_fen=sold.amount_fen,
        split=sold.split,
        revenue_rule=sold.revenue_rule,
        occurred_at=intent.occurred_at,
        recorded_at=now,
    )


def _settlement(entry_id: UUID, intent: TradeIntent, trade: Trade, sold: Sale) -> Posting:
    return Posting(
        id=EntryId(entry_id),
        kind=EntryKind.SETTLEMENT,
        effective_at=intent.occurred_at,
        source_type="trade",
        source_id=trade.id,
        actor_id=intent.actor.account_id,
        legs=sold.legs,
    )


def _ids(intents: Sequence[TradeIntent], positions: Iterable[int]) -> list[UUID]:
    """A fresh id for each of these intents, led by the instant of its trade."""
    return new_ids([intents[position].occurred_at for position in positions])
