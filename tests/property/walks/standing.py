"""A walk begins, and what happens to the links of its contracts: ended, restored, granted anew."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.catalogue.products import actions as product_actions
from datamarket.catalogue.products import queries as product_queries
from datamarket.catalogue.products.terms import ProductEvent
from datamarket.contracts import actions as contracts
from datamarket.contracts import queries as contract_queries
from datamarket.contracts.negotiation import actions as negotiation
from datamarket.contracts.terms import ContractEvent, OfferEvent
from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from datamarket.participants import actions as participant_actions
from datamarket.participants import queries as participant_queries
from datamarket.participants.terms import ParticipantEvent, ParticipantKind
from datamarket.trading.actions import Recorder
from datamarket.zones import actions as zone_actions
from datamarket.zones import queries as zone_queries
from datamarket.zones.mandates import actions as mandate_actions
from datamarket.zones.resources import actions as resource_actions
from datamarket.zones.resources import queries as resource_queries
from datamarket.zones.resources.terms import ResourceEvent
from datamarket.zones.terms import ExitCourse, MandateEvent, MandateMode, ZoneEvent
from tests.property.walks.model import Deal, Granted, Market, Terms, day_of
from tests.world import trading, zones
from tests.world.catalogue import PER_CALL
from tests.world.participants import acting_for, admitted
from tests.world.people import AUTHORITY, NOON
from tests.world.trading import LEDGER_ID, PLENTY

PURPOSES = ("industrial_development", "research")
PRICE, QUOTA = 3_000, 1_000
MOST_DEALS = 5
deals = st.sampled_from((0, 0, 0, 0, 1, 1, 2, 3, 4))
"""Contracts that run come first."""
parties = st.sampled_from(("provider", "buyer", "authority"))
links = st.sampled_from(("buyer", "provider", "operator", "zone", "version"))
events = ("agree", "accept", "sign", "withdraw", "reject", "suspend", "resume", "resume", "terminate")
mandate_events = st.sampled_from(
    (MandateEvent.WITHDRAW, MandateEvent.REINSTATE, MandateEvent.RENEW, MandateEvent.RENEW)
)
upsets = st.one_of(
    st.tuples(st.just("toggle"), st.tuples(links, st.booleans())),
    st.tuples(st.just("negotiate"), st.tuples(deals, parties, st.sampled_from(events))),
    st.tuples(st.just("negotiate"), st.tuples(deals, parties, st.sampled_from(events))),
    st.tuples(
        st.just("move_a_mandate"), st.tuples(st.integers(0, 3), mandate_events, st.sampled_from(ExitCourse))
    ),
    st.tuples(st.just("grant"), st.tuples(st.sampled_from((1, 2)), st.booleans(), st.booleans())),
    st.tuples(
        st.just("move_the_registration"),
        st.tuples(st.sampled_from((*[ResourceEvent.RENEW] * 9, ResourceEvent.CANCEL))),
    ),
)


class Standing(RuleBasedStateMachine):
    """Whatever is done must come out as the model says, refusals too, and leave behind what the model says."""

    loop: asyncio.AbstractEventLoop
    database: Database

    @initialize()
    def begin(self) -> None:
        self.now, self.recorder = NOON + timedelta(hours=1), Recorder(LEDGER_ID)
        self.run(self._set_up())

    async def _set_up(self) -> None:
        database = self.database
        async with database.transaction() as session:
            operated = await zones.open_zone(session)
            other = await admitted(session, ParticipantKind.ZONE_OPERATOR)
            resource = await zones.registered_resource(session, operated)
        agreed = await trading.active_contract(
            database, operated=operated, resources=(resource,), quota=QUOTA, fee_bps=200, plan=PER_CALL
        )
        self.accounts = {
            "provider": agreed.provider_account,
            "buyer": agreed.buyer_account,
            "authority": AUTHORITY,
        }
        self.operators = {operated.operator.id: operated.account, other.id: acting_for(other)}
        contract, granted = agreed.contract, operated.mandate
        self.listing, self.product, self.resource = contract.listing_id, contract.product_id, resource.id
        mandate = Granted(granted.id, operated.operator.id, granted.term_from, granted.term_to)
        assert resource.valid_to is not None
        self.market = Market(
            agreed.provider.id,
            agreed.buyer.id,
            operated.zone.id,
            agreed.listed.version.id,
            operated.operator.id,
            resource.valid_to,
            [mandate],
            funds=PLENTY,
        )
        terms = Terms(QUOTA, PRICE, (PURPOSES[0],), contract.term_to)
        deal = Deal(
            contract.id, operated.operator.id, terms, None, state="active", signed={"provider", "buyer"}
        )
        deal.term_to, deal.mandate, deal.was_active = contract.term_to, mandate, True
        self.market.deals.append(deal)

    def run(self, work: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(work)

    def attempt(self, act: Callable[[AsyncSession], Awaitable[Any]]) -> Any:
        """One transaction, a second later; its result, or the refusal."""
        self.now += timedelta(seconds=1)

        async def whole() -> Any:
            try:
                async with self.database.transaction() as session:
                    return await act(session)
            except MarketError as refused:
                return refused

        return self.run(whole())

    def deal(self, chosen: int) -> Deal:
        order = sorted(self.market.deals, key=lambda deal: deal.state != "active")
        return order[chosen % len(order)]

    def found_as(self, allowed: bool, outcome: Any) -> bool:
        """The outcome is as foreseen; whether it was done."""
        assert (not isinstance(outcome, MarketError)) == allowed, outcome
        return allowed

    def move(self, deal: Deal, party: str, event: str) -> None:
        by = self.accounts[party]

        async def act(session: AsyncSession) -> Any:
            row = await contract_queries.lock_contract(session, deal.id, visible_to=by)
            return await contracts.move_contract(
                session, by, row, ContractEvent(event), ledger_id=LEDGER_ID, reason="核查", now=self.now
            )

        allowed = self.market.may_move(deal, party, event, self.now + timedelta(seconds=1))
        if self.found_as(allowed, self.attempt(act)):
            self.market.moved(deal, party, event, self.now)

    def on_sale(self) -> bool:
        """As it is stored; the clock takes it off sale by a chore."""

        async def read() -> bool:
            async with self.database.connection() as connection:
                sql = "SELECT state = 'published' FROM listing WHERE id = $1"
                return bool(await connection.fetchval(sql, self.listing))

        return bool(self.run(read()))

    @rule(upset=upsets)
    def upset(self, upset: tuple[str, Any]) -> None:
        """What happens to links, and what contracts suffer, is one thing among many: else nothing would ever run."""
        getattr(self, upset[0])(*upset[1])

    @rule()
    def heal(self) -> None:
        """What can be restored is, and there is a mandate."""
        for link in ("buyer", "provider", "operator", "zone", "version"):
            if getattr(self.market, link) in self.market.broken:
                self.toggle(link, False)
        if self.market.in_force(self.now) is None:
            self.move_a_mandate(0, MandateEvent.REINSTATE, ExitCourse.END)
        if self.market.in_force(self.now) is None:
            self.grant(2, False, False)
        self.toggle("zone", False)
        for deal in self.market.deals:
            self.move(deal, "authority", "resume")

    def toggle(self, link: str, ends: bool) -> None:
        target = getattr(self.market, link)
        outcome = self.attempt(lambda session: self._toggled(session, link, target, ends=ends))
        if not isinstance(outcome, MarketError):
            if ends:
                self.market.broken[target] = self.now
            else:
                del self.market.broken[target]

    async def _toggled(self, session: AsyncSession, link: str, target: UUID, *, ends: bool) -> Any:
        told: dict[str, Any] = {"reason": "核查", "now": self.now}
        if link == "zone":
            zone = await zone_queries.lock_zone(session, target)
            return await zone_actions.move_zone(
                session, AUTHORITY, zone, ZoneEvent.CLOSE if ends else ZoneEvent.REOPEN, **told
            )
        if link == "version":
            row = await product_queries.lock_product(session, self.product, visible_to=AUTHORITY)
            step = ProductEvent.RECALL if ends else ProductEvent.REINSTATE
            return await product_actions.move_product(session, AUTHORITY, row, step, **told)
        party = await participant_queries.lock_participant(session, target)
        event = ParticipantEvent.SUSPEND if ends else ParticipantEvent.RESTORE
        return await participant_actions.move_participant(session, AUTHORITY, party, event, **told)

    def move_a_mandate(self, which: int, event: MandateEvent, course: ExitCourse) -> None:
        mandate = self.market.mandates[-1 - which % len(self.market.mandates)]
        asked: dict[str, Any] = {"reason": "核查"}
        if event is MandateEvent.RENEW:
            until = mandate.term_to.replace(year=mandate.term_to.year + 1)
            asked = {"term_to": until, "filed_on": day_of(self.now)}
        elif event is MandateEvent.WITHDRAW:
            asked["exit_course"] = course

        async def act(session: AsyncSession) -> Any:
            row = await zone_queries.lock_mandate(session, self.market.zone, mandate.id)
            return await mandate_actions.move_mandate(session, AUTHORITY, row, event, now=self.now, **asked)

        if isinstance(self.attempt(act), MarketError):
            return
        if event is MandateEvent.RENEW:
            mandate.term_to = asked["term_to"]
        elif event is MandateEvent.REINSTATE:
            mandate.ended = mandate.ended_at = mandate.course = None
            mandate.followed = False
        else:
            mandate.ended, mandate.ended_at, mandate.course = day_of(self.now), self.now, course.value
            for deal in self.market.under(mandate) if course is ExitCourse.END else ():
                deal.end_with_its_mandate(self.now)

    def grant(self, years: int, another: bool, follows: bool) -> None:
        begin = self.market.mandates[-1].term_to if follows else day_of(self.now)
        others = [one for one in self.operators if one != self.market.operator]
        operator = others[0] if another else self.market.operator
        until = begin.replace(year=begin.year + years, day=min(begin.day, 28))
        outcome = self.attempt(
            lambda session: zone_actions.grant_mandate(
                session,
                AUTHORITY,
                zone_id=self.market.zone,
                operator_id=operator,
                mode=MandateMode.FIELD,
                term_from=begin,
                term_to=until,
                filed_on=begin,
                now=self.now,
            )
        )
        if not isinstance(outcome, MarketError):
            mandate = Granted(outcome.id, operator, begin, until)
            self.market.mandates.append(mandate)
            if begin <= day_of(self.now):
                self.market.operator = operator
            self.market.carry(mandate, self.now)

    def move_the_registration(self, event: ResourceEvent) -> None:
        by = self.operators[self.market.operator] if event is ResourceEvent.RENEW else AUTHORITY

        async def act(session: AsyncSession) -> Any:
            row = await resource_queries.lock_resource(session, self.resource, visible_to=by)
            return await resource_actions.move_resource(session, by, row, event, reason="核查", now=self.now)

        outcome = self.attempt(act)
        if not isinstance(outcome, MarketError):
            self.market.valid_to = outcome.valid_to
            if event is ResourceEvent.CANCEL:
                self.market.broken["registration"] = self.now

    def negotiate(self, chosen: int, party: str, event: str) -> None:
        self.move(self.deal(chosen), party, event)

    @rule(chosen=deals)
    def conclude(self, chosen: int) -> None:
        """Each side does what is left to do: random sides seldom meet."""
        self._conclude(self.deal(chosen))

    def _conclude(self, deal: Deal) -> None:
        for party, event in (
            ("buyer", "accept"),
            ("provider", "agree"),
            ("provider", "sign"),
            ("buyer", "sign"),
        ):
            self.move(deal, party, event)

    @rule(chosen=deals, party=parties, event=st.sampled_from(("sign", "sign", "sign", "reject", "withdraw")))
    def answer(self, chosen: int, party: str, event: str) -> None:
        self._answer(self.deal(chosen), party, event)

    def _answer(self, deal: Deal, party: str, event: str) -> None:
        by = self.accounts[party]
        if deal.offered is None:
            return
        number = deal.offered[2]

        async def act(session: AsyncSession) -> Any:
            row = await contract_queries.lock_contract(session, deal.id, visible_to=by)
            return await negotiation.answer_amendment(
                session, by, row, number, OfferEvent(event), reason="核查", now=self.now
            )

        allowed = self.market.may_answer(deal, party, event, self.now + timedelta(seconds=1))
        if self.found_as(allowed, self.attempt(act)):
            self.market.answered(deal, event, self.now)
