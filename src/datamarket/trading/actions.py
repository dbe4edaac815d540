"""Recording trades, always as a batch, and refunding them. SQL stands here because this is the hot path."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from datamarket.contracts import metering
from datamarket.contracts.queries import FrozenTermsReader
from datamarket.contracts.terms import Demand, FrozenTerms
from datamarket.evidence import actions as evidence
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import Connection
from datamarket.foundation.errors import MarketError, NotFound
from datamarket.foundation.ids import new_ids
from datamarket.ledger import posting
from datamarket.ledger.rules import AlreadyPosted, FundsInsufficient, PeriodClosed
from datamarket.ledger.terms import EntryId, EntryKind, Posting
from datamarket.trading import queries, rules
from datamarket.trading.revenue.files import revenue_rules
from datamarket.trading.tables import UsePricedAlready
from datamarket.trading.terms import Order, Sale, Trade

Outcome = Trade | MarketError
REFUSALS: Mapping[str, type[MarketError]] = {
    "ledger_balance_not_overdrawn": FundsInsufficient,
    "business_key_pkey": AlreadyPosted,
    "ledger_period_open": PeriodClosed,
    "trade_use_key": UsePricedAlready,
}


@dataclass
class Recorder:
    """Records trades of one market; remembers frozen terms between batches."""

    ledger_id: int
    reader: FrozenTermsReader = field(default_factory=FrozenTermsReader)

    async def record_trades(
        self, connection: Connection, orders: Sequence[Order], *, now: datetime
    ) -> list[Outcome]:
        """Meter, price, split, post and record each order; one outcome per order, in order.

        A refused order changes nothing and never fails its neighbours: when the database refuses the
        batch as a whole (a buyer's funds, a use priced before), its halves are tried, down to the one.
        """
        if not orders:
            return []
        try:
            async with connection.transaction():
                return await self._record_together(connection, orders, now)
        except asyncpg.IntegrityConstraintViolationError as error:
            refusal = REFUSALS.get(getattr(error, "constraint_name", None) or "")
            if refusal is None:
                raise
            if len(orders) == 1:
                return [refusal()]
        middle = len(orders) // 2
        first = await self.record_trades(connection, orders[:middle], now=now)
        return first + await self.record_trades(connection, orders[middle:], now=now)

    async def _record_together(
        self, connection: Connection, orders: Sequence[Order], now: datetime
    ) -> list[Outcome]:
        """All orders that the contracts allow, in a handful of set-based statements."""
        terms = await self.reader.read(connection, [order.contract_id for order in orders])
        outcomes: dict[int, Outcome] = {}
        used = await self._meter(connection, orders, terms, outcomes)
        sales = [
            self._sale(orders[position], terms[orders[position].contract_id], quantity)
            for position, (_, quantity) in used.items()
        ]
        trades = [
            _trade(
                trade_id, orders[position], terms[orders[position].contract_id], used[position], sold, now=now
            )
            for trade_id, position, sold in zip(_ids(orders, used), used, sales, strict=True)
        ]
        outcomes.update(zip(used, trades, strict=True))
        postings = {
            position: _settlement(entry_id, orders[position], trade, sold)
            for entry_id, position, trade, sold in zip(_ids(orders, used), used, trades, sales, strict=True)
            if trade.amount_fen
        }
        await queries.insert_trades(connection, self.ledger_id, trades, now=now)
        await evidence.record_many(
            connection,
            "trading.record",
            "trade",
            [
                evidence.Event(
                    orders[position].actor,
                    trade.id,
                    {
                        "amount_fen": trade.amount_fen,
                        "entry_id": postings[position].id if trade.amount_fen else None,
                    },
                )
                for position, trade in zip(used, trades, strict=True)
            ],
            now=now,
        )
        await posting.post(connection, self.ledger_id, list(postings.values()), now=now)
        return [outcomes[position] for position in range(len(orders))]

    async def _meter(
        self,
        connection: Connection,
        orders: Sequence[Order],
        terms: Mapping[UUID, FrozenTerms],
        outcomes: dict[int, Outcome],
    ) -> dict[int, tuple[UUID, int]]:
        """Use and quantity of each order that may go on; refusals go into `outcomes`."""
        used: dict[int, tuple[UUID, int]] = {}
        demands: dict[int, Demand] = {}
        known = await queries.uses(connection, [order.use_id for order in orders if order.use_id is not None])
        for position, order in enumerate(orders):
            contract = terms.get(order.contract_id)
            if contract is None or contract.buyer_id != order.actor.participant_id:
                outcomes[position] = await self._why_unknown(connection, order)
            else:
                try:
                    self._place(position, order, contract, known=known, used=used, demands=demands)
                except MarketError as refusal:
                    outcomes[position] = refusal
        await self._meter_new(connection, orders, demands, used, outcomes)
        return dict(sorted(used.items()))

    def _place(
        self,
        position: int,
        order: Order,
        contract: FrozenTerms,
        *,
        known: Mapping[UUID, tuple[UUID, int]],
        used: dict[int, tuple[UUID, int]],
        demands: dict[int, Demand],
    ) -> None:
        """A use metered before is priced as it is; anything else becomes a demand on the meter."""
        if order.use_id is not None:
            contract_id, quantity = known.get(order.use_id, (None, 0))
            if contract_id != order.contract_id:
                raise NotFound(thing="use")
            self._sale(order, contract, quantity)
            used[position] = (order.use_id, quantity)
        elif order.purpose is not None and order.quantity is not None:
            self._sale(order, contract, order.quantity)
            demands[position] = Demand(
                order.contract_id, contract.buyer_id, order.purpose, order.quantity, order.occurred_at
            )

    async def _meter_new(
        self,
        connection: Connection,
        orders: Sequence[Order],
        demands: Mapping[int, Demand],
        used: dict[int, tuple[UUID, int]],
        outcomes: dict[int, Outcome],
    ) -> None:
        if not demands:
            return
        refusals = await metering.meter(connection, list(demands.values()))
        outcomes.update({p: no for p, no in zip(demands, refusals, strict=True) if no is not None})
        fresh = [position for position in demands if position not in outcomes]
        for use_id, position in zip(_ids(orders, fresh), fresh, strict=True):
            used[position] = (use_id, demands[position].quantity)
        await metering.record_uses(
            connection,
            [used[position][0] for position in fresh],
            [demands[position] for position in fresh],
            [orders[position].actor.account_id for position in fresh],
        )

    async def _why_unknown(self, connection: Connection, order: Order) -> MarketError:
        """An own contract that is not active yet says so; any other is not there."""
        state = await queries.state_of_own_contract(connection, order.contract_id, order.actor.participant_id)
        return NotFound(thing="contract") if state is None else rules.contract_not_active(state)

    def _sale(self, order: Order, terms: FrozenTerms, quantity: int) -> Sale:
        """Raises AmountTooLarge, NoRevenueRule."""
        rule = rules.rule_at(revenue_rules(), business_date(order.occurred_at))
        return rules.sale(self.ledger_id, terms, quantity, rule)


def _trade(
    trade_id: UUID,
    order: Order,
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
        occurred_at=order.occurred_at,
        recorded_at=now,
    )


def _settlement(entry_id: UUID, order: Order, trade: Trade, sold: Sale) -> Posting:
    return Posting(
        id=EntryId(entry_id),
        kind=EntryKind.SETTLEMENT,
        effective_at=order.occurred_at,
        source_type="trade",
        source_id=trade.id,
        actor_id=order.actor.account_id,
        legs=sold.legs,
    )


def _ids(orders: Sequence[Order], positions: Iterable[int]) -> list[UUID]:
    """A fresh id for each of these orders, led by the instant of its trade."""
    return new_ids([orders[position].occurred_at for position in positions])
