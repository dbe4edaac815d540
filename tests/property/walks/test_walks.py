"""Random walks over one zone: links of authority, the clock, negotiation, uses, orders, refunds, against a model of all of it."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.contracts import actions as contracts
from datamarket.contracts import metering
from datamarket.contracts import queries as contract_queries
from datamarket.contracts.disposal import actions as disposal
from datamarket.contracts.negotiation import actions as negotiation
from datamarket.contracts.terms import Demand, Purpose
from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from datamarket.foundation.money import Fen
from datamarket.ledger.holds import actions as holds
from datamarket.trading import queries as trade_queries
from datamarket.trading import refunds
from datamarket.trading.orders import actions as orders
from datamarket.trading.orders import queries as order_queries
from datamarket.trading.orders.terms import OrderEvent
from datamarket.trading.terms import TradeIntent
from datamarket.zones.mandates import actions as mandate_actions
from datamarket.zones.terms import UseClass
from tests.property.walks.model import OPEN, OVER, RUNNING, Deal, Ordered, Terms
from tests.property.walks.standing import MOST_DEALS, PRICE, PURPOSES, Standing, deals, parties
from tests.world.books import assert_books_hold
from tests.world.orders import funds_of
from tests.world.people import AUTHORITY, NOON
from tests.world.trading import LEDGER_ID

EFFORT = int(os.environ.get("DATAMARKET_FUZZ_EFFORT", "1"))
WALKS, STEPS = (12, 50) if EFFORT == 1 else (17 * EFFORT, 200)
"""`make soak` walks 102,000 steps."""
PHASES = (Phase.generate,) if EFFORT == 1 else tuple(Phase)
"""Short walks are not made shorter when they fail: that takes minutes, which a soak has."""
CHORES: tuple[Callable[[Database, int, datetime], Awaitable[int]], ...] = (
    holds.expire_due,
    orders.expire_overdue,
    orders.lapse_escrowed,
    contracts.expire_due,
    negotiation.lapse_due,
    disposal.watch_due,
    mandate_actions.expire_due,
    orders.accept_by_silence,
)
_READ = """
SELECT c.id, c.state, c.answer_by, c.terms_number, m.used, m.reserved, m.undecided, m.state, m.term_to, m.stands_until,
       m.stopped_by IS NOT NULL, (SELECT coalesce(sum(u.quantity), 0) FROM contract_use u WHERE u.contract_id = c.id),
       (SELECT count(*) FROM contract_disposal d WHERE d.contract_id = c.id),
       (SELECT count(*) FROM contract_offer o WHERE o.contract_id = c.id AND o.state = 'open'),
       (SELECT l.target_id FROM contract_link l WHERE l.contract_id = c.id AND l.kind = 'mandate' AND l.to_at IS NULL)
  FROM contract c LEFT JOIN contract_meter m ON m.contract_id = c.id WHERE c.id = ANY ($1)
"""
_MONEY = (
    "SELECT credit_fen - debit_fen, held_fen FROM ledger_balance WHERE ledger_id = $1 AND account_id = $2"
)
quantities = st.sampled_from((1, 7, 150, 400))
changes = st.sampled_from(
    (
        {"quota": 400},
        {"quota": 2_000},
        {"quota": None},
        {"price": 4_500},
        {"price": PRICE},
        {"purposes": PURPOSES[:1]},
        {"purposes": PURPOSES},
        {"years": 1},
        {"years": 2},
        {"years": 9},
        {"notice_days": 3},
        {"notice_days": 40},
        {"notice_days": 0},
    )
)


class Walk(Standing):
    """Uses, orders, refunds, negotiation and the clock, while links come and go."""

    @rule(chosen=deals, quantity=quantities, purpose=st.sampled_from(PURPOSES), priced=st.booleans())
    def use(self, chosen: int, quantity: int, purpose: str, priced: bool) -> None:
        deal, buyer = self.deal(chosen), self.accounts["buyer"]
        if not deal.was_active:
            return
        self.now += timedelta(seconds=1)
        refusal = self.market.refusal(deal, purpose, quantity, self.now)
        [outcome] = self.run(self._used(buyer, deal.id, Purpose(purpose), quantity, priced=priced))
        assert getattr(outcome, "code", None) == refusal
        if refusal is None:
            deal.use(quantity, self.now)
            if priced:
                self.sold(deal, outcome, quantity)
            else:
                deal.unpriced[outcome.id] = quantity

    async def _used(
        self, buyer: Actor, contract: UUID, purpose: Purpose, quantity: int, *, priced: bool
    ) -> list[Any]:
        async with self.database.plain_transaction() as connection:
            if priced:
                intent = TradeIntent(buyer, contract, purpose, quantity, None, self.now)
                return list(await self.recorder.record_trades(connection, [intent], now=self.now))
            assert buyer.participant_id is not None
            demand = Demand(contract, buyer.participant_id, purpose, quantity, self.now)
            return list(await metering.record_uses(connection, [(buyer, demand)], now=self.now))

    def sold(self, deal: Deal, trade: Any, quantity: int) -> None:
        assert trade.amount_fen == deal.terms.price * quantity
        deal.trades[trade.id] = trade.amount_fen
        self.market.funds -= trade.amount_fen

    @rule(chosen=deals)
    def price_a_use_and_not_twice(self, chosen: int) -> None:
        deal = self.deal(chosen)
        if not deal.unpriced:
            return
        use_id, quantity = deal.unpriced.popitem()
        self.now += timedelta(seconds=1)
        intent = TradeIntent(self.accounts["buyer"], deal.id, None, None, use_id, self.now)

        async def priced() -> Any:
            async with self.database.plain_transaction() as connection:
                return await self.recorder.record_trades(connection, [intent], now=self.now)

        [first], [again] = self.run(priced()), self.run(priced())
        self.sold(deal, first, quantity)
        assert again.code == "trade.use-priced-already"

    @rule(chosen=deals, amount=st.sampled_from((1, 2_999, 1_000_000)))
    def refund(self, chosen: int, amount: int) -> None:
        deal, by = self.deal(chosen), self.accounts["provider"]
        if not deal.trades:
            return
        trade_id = max(deal.trades)

        async def act(session: AsyncSession) -> Any:
            row = await trade_queries.lock_trade(session, trade_id, visible_to=by)
            return await refunds.refund_trade(
                session, by, row, amount_fen=Fen(amount), reason="核查", now=self.now
            )

        if self.found_as(amount <= deal.trades[trade_id], self.attempt(act)):
            deal.trades[trade_id] -= amount
            self.market.funds += amount

    @rule(chosen=deals, quantity=quantities)
    def order(self, chosen: int, quantity: int) -> None:
        deal, buyer = self.deal(chosen), self.accounts["buyer"]
        at = self.now + timedelta(seconds=1)
        deliver_by, purpose = at + timedelta(days=7), deal.terms.purposes[0]

        def act(session: AsyncSession) -> Any:
            return orders.place_order(
                session,
                buyer,
                LEDGER_ID,
                contract_id=deal.id,
                purpose=Purpose(purpose),
                quantity=quantity,
                deliver_by=deliver_by,
                acceptance_days=5,
                now=self.now,
            )

        until = deliver_by + timedelta(days=5)
        allowed = (
            deal.was_active
            and self.market.refusal(deal, purpose, quantity, at) is None
            and until < self.market.stands_until(deal)
        )
        outcome = self.attempt(act)
        if self.found_as(allowed, outcome):
            amount, cure = deal.terms.price * quantity, deal.terms.cure_days
            deal.orders[outcome.id] = Ordered(quantity, amount, deliver_by, cure_days=cure)

    @rule(chosen=deals, event=st.sampled_from(("deliver", "accept", "accept", "reject", "cancel")))
    def move_an_order(self, chosen: int, event: str) -> None:
        deal = self.deal(chosen)
        open_orders = {key: one for key, one in deal.orders.items() if one.state in OPEN}
        if not open_orders:
            return
        order_id, order = min(open_orders.items())
        by = self.accounts["provider" if event == "deliver" else "buyer"]

        async def act(session: AsyncSession) -> Any:
            row = await order_queries.lock_order(session, order_id, visible_to=by)
            return await orders.move_order(session, by, row, OrderEvent(event), reason="核查", now=self.now)

        at = self.now + timedelta(seconds=1)
        late = at >= order.ends
        allowed = {
            "deliver": order.state in {"placed", "curing"}
            and not late
            and deal.state == "active"
            and at < self.market.stands_until(deal),
            "cancel": order.state == "placed" and not late,
            "reject": order.state == "delivered" and not late and order.used_at is None,
            "accept": (order.state == "delivered" or (order.state == "curing" and not late))
            and deal.state != "suspended",
        }[event]
        outcome = self.attempt(act)
        if event == "accept" and allowed and isinstance(outcome, MarketError):
            delivered = order.state == "delivered"
            taken = min(at, order.decide_by or at, order.used_at or at) if delivered else at
            stopped = outcome.code == "contract.stopped" and taken >= self.market.stands_until(deal)
            assert stopped
            return
        if self.found_as(allowed, outcome):
            self.decided(deal, order, event, outcome)

    def decided(self, deal: Deal, order: Ordered, event: str, row: Any) -> None:
        following = {
            "deliver": "delivered",
            "cancel": "cancelled",
            "reject": "rejected",
            "accept": "accepted",
        }
        if event == "reject" and order.cure_days and order.cure_by is None:
            order.state, order.cure_by = "curing", self.now + timedelta(days=order.cure_days)
            return
        again, order.state = order.state == "curing", following[event]
        if event == "deliver":
            order.decide_by, order.used_at = self.now + timedelta(days=5), None
            self.market.funds -= 0 if again else order.amount
        elif event == "reject":
            self.market.funds += order.amount
        elif event == "accept":
            deal.used += order.quantity
            deal.trades[row.trade_id] = order.amount

    @rule(
        quota=st.sampled_from((None, 300)),
        days=st.sampled_from((100, 600)),
        cure=st.sampled_from((0, 9)),
        at_once=st.booleans(),
    )
    def request(self, quota: int | None, days: int, cure: int, at_once: bool) -> None:
        if len(self.market.deals) == MOST_DEALS:
            return
        at = self.now + timedelta(seconds=1)
        terms = Terms(quota, PRICE, (PURPOSES[0],), at + timedelta(days=days), cure_days=cure)
        deal = Deal(UUID(int=0), self.market.operator, terms, at + timedelta(days=30))
        allowed = (
            self.on_sale()
            and not {self.market.provider, self.market.buyer} & self.market.broken.keys()
            and self.market.may_run(deal, terms, at)
        )
        outcome = self.attempt(
            lambda session: contracts.request_contract(
                session,
                self.accounts["buyer"],
                listing_id=self.listing,
                purposes=frozenset({Purpose(PURPOSES[0])}),
                use_class=UseClass.INDUSTRY,
                term_from=self.now,
                term_to=terms.term_to,
                quota=quota,
                annex=terms.annex,
                now=self.now,
            )
        )
        if self.found_as(allowed, outcome):
            deal.id = outcome.id
            self.market.deals.append(deal)
            if at_once:
                self._conclude(deal)

    @rule(chosen=deals, party=parties, changed=changes, signed=st.booleans())
    def offer(self, chosen: int, party: str, changed: dict[str, Any], signed: bool) -> None:
        deal, by, at = self.deal(chosen), self.accounts[party], self.now + timedelta(seconds=1)
        said, told = dict(changed), dict(changed)
        if "years" in changed:
            until = self.market.mandates[0].term_to.year - 3 + said.pop("years")
            said["term_to"] = told["term_to"] = NOON.replace(year=until)
            told.pop("years")
        if "price" in told:
            told["price_fen"] = told.pop("price")
        if "notice_days" in told:
            told["annex"] = replace(deal.terms, notice_days=told.pop("notice_days")).annex
        if "purposes" in told:
            told["purposes"] = frozenset(Purpose(one) for one in told["purposes"])
        terms = replace(deal.terms, **said)
        allowed = self.market.may_offer(deal, party, terms, at, on_sale=self.on_sale())

        async def act(session: AsyncSession) -> Any:
            row = await contract_queries.lock_contract(session, deal.id, visible_to=by)
            return await negotiation.offer_terms(session, by, row, told, now=self.now)

        outcome = self.attempt(act)
        if "purposes" in told and not self.on_sale() and isinstance(outcome, MarketError):
            return
        if self.found_as(allowed, outcome):
            self.market.offered(deal, party, terms, outcome.number, self.now)
            if signed:
                self._answer(deal, "buyer" if party == "provider" else "provider", "sign")

    @rule(hours=st.sampled_from((1, 30, 30, 100, 200, 200, 800, 3_000)), chores=st.booleans())
    def time_passes(self, hours: int, chores: bool) -> None:
        self.now += timedelta(hours=hours)
        if chores:
            self.do_chores()

    @rule()
    def do_chores(self) -> None:
        self.now += timedelta(seconds=1)

        async def whole() -> None:
            for chore in CHORES:
                while await chore(self.database, LEDGER_ID, self.now):
                    pass

        self.run(whole())
        self.market.time_comes(self.now)
        for deal in self.market.deals:
            for order_id, order in deal.orders.items():
                if self.market.silent(deal, order, self.now):
                    self.decided(deal, order, "accept", self.run(self._order(order_id)))
        assert self.on_sale() != self.market.off_sale(self.now)

    async def _order(self, order_id: UUID) -> Any:
        async with self.database.transaction(reading=True) as session:
            return await order_queries.lock_order(session, order_id, visible_to=AUTHORITY)

    @invariant()
    def the_market_is_what_the_model_says(self) -> None:
        if not hasattr(self, "market"):
            return
        rows, money = self.run(self._read())
        assert {row[0]: tuple(row)[1:] for row in rows} == {
            deal.id: self._expected(deal) for deal in self.market.deals
        }
        held = [
            one.amount for deal in self.market.deals for one in deal.orders.values() if one.state == "placed"
        ]
        assert tuple(money) == (self.market.funds, sum(held))

    def _expected(self, deal: Deal) -> tuple[Any, ...]:
        waits = deal.state not in OVER | RUNNING or deal.offered is not None
        end = (deal.was_active and deal.state in OVER and not deal.left_to_the_clock, waits)
        if not deal.was_active:
            return (deal.state, deal.answer_by, deal.number, *[None] * 6, False, 0, *end, None)
        stands = self.market.stands_until(deal)
        metered = (deal.used, deal.reserved, deal.undecided, deal.state, deal.term_to, stands)
        assert deal.mandate is not None
        stopped = stands != deal.term_to
        return (
            deal.state,
            deal.answer_by,
            deal.number,
            *metered,
            stopped,
            deal.used,
            *end,
            deal.mandate.id,
        )

    async def _read(self) -> tuple[Any, Any]:
        async with self.database.connection() as connection:
            rows = await connection.fetch(_READ, [deal.id for deal in self.market.deals])
            return rows, await connection.fetchrow(_MONEY, LEDGER_ID, funds_of(self.market.buyer))

    def teardown(self) -> None:
        if hasattr(self, "market"):
            self.run(assert_books_hold(self.database.url))


async def test_walks_of_authority_negotiation_and_use_follow_the_model(fresh_database: Database) -> None:
    def walk() -> None:
        with asyncio.Runner() as runner:
            opened = runner.run(Database(fresh_database.url, 2).open())
            Walk.loop, Walk.database = runner.get_loop(), opened
            try:
                run_state_machine_as_test(
                    Walk,
                    settings=settings(
                        max_examples=WALKS,
                        stateful_step_count=STEPS,
                        deadline=None,
                        derandomize=EFFORT == 1,
                        database=None,
                        suppress_health_check=list(HealthCheck),
                        phases=PHASES,
                    ),
                )
            finally:
                runner.run(opened.close())

    await asyncio.to_thread(walk)
