"""Whatever happens to its links, in any order: a contract's chain at any instant is what the audit events alone tell."""

import os
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.authority import queries as authority
from datamarket.authority.terms import LinkState
from datamarket.catalogue.products import actions as product_actions
from datamarket.catalogue.products import queries as product_queries
from datamarket.catalogue.products.terms import ProductEvent
from datamarket.contracts import queries as contract_queries
from datamarket.contracts.negotiation import actions as negotiation
from datamarket.contracts.terms import OfferEvent
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import Connection, Database, PageAsked
from datamarket.foundation.errors import MarketError
from datamarket.participants import actions as participant_actions
from datamarket.participants import queries as participant_queries
from datamarket.participants.terms import ParticipantEvent
from datamarket.zones import actions as zone_actions
from datamarket.zones import queries as zone_queries
from datamarket.zones.mandates import actions as mandate_actions
from datamarket.zones.resources import actions as resource_actions
from datamarket.zones.resources import queries as resource_queries
from datamarket.zones.resources.rules import OPERATOR_EVENTS
from datamarket.zones.resources.terms import ResourceEvent
from datamarket.zones.rules import add_years
from datamarket.zones.terms import ExitCourse, MandateEvent, MandateMode, ZoneEvent
from tests.contracts.test_chain import standing_deal
from tests.world.people import AUTHORITY, NOON
from tests.world.trading import LEDGER_ID, Agreement
from tests.world.zones import REGISTRATION_STEPS, OperatedZone

EFFORT = int(os.environ.get("DATAMARKET_FUZZ_EFFORT", "1"))
"""How many times as many histories; `make soak` takes more."""
FIRST = NOON + timedelta(hours=1)
"""After the signature."""
PAIRS: dict[str, tuple[Any, Any]] = {
    "party": (ParticipantEvent.SUSPEND, ParticipantEvent.RESTORE),
    "zone": (ZoneEvent.CLOSE, ZoneEvent.REOPEN),
    "mandate": (MandateEvent.WITHDRAW, MandateEvent.REINSTATE),
    "version": (ProductEvent.RECALL, ProductEvent.REINSTATE),
}
TOGGLED = ("buyer", "provider", "operator", "zone", "mandate", "version")
moves = st.one_of(
    st.tuples(st.sampled_from(TOGGLED), st.sampled_from([None, *ExitCourse])),
    st.tuples(st.sampled_from(("next mandate", "renew mandate", "chores", "amend")), st.none()),
    st.tuples(
        st.just("registration"),
        st.sampled_from(((ResourceEvent.CANCEL,), (ResourceEvent.RENEW,), REGISTRATION_STEPS)),
    ),
)
histories = st.lists(st.tuples(moves, st.sampled_from((1, 20, 400, 9_000))), min_size=3, max_size=14)
"""Moves, each so many hours after the one before."""
_FROM_THE_AUDIT = """
WITH event AS (
    SELECT id, at, split_part(action, '.', 2) AS verb, subject_type, subject_id, facts FROM audit_event WHERE at <= $2
), signature AS (
    SELECT at, facts FROM event WHERE subject_id = $1 AND verb IN ('sign', 'sign-amendment') AND facts ? 'links' ORDER BY at DESC LIMIT 1
), signed AS (
    SELECT s.at, l ->> 0 AS kind, (l ->> 1)::uuid AS target FROM signature s, jsonb_array_elements(s.facts -> 'links') AS l
), link AS (
    SELECT s.kind, CASE WHEN s.kind = 'mandate' THEN coalesce(
             (SELECT (e.facts ->> 'to')::uuid FROM event e
               WHERE e.subject_id = $1 AND e.verb = 'carry' AND e.at >= s.at ORDER BY e.at DESC LIMIT 1), s.target) ELSE s.target END AS target
      FROM signed s
), told AS (
    SELECT l.kind, l.target,
           (SELECT e.verb IN ('suspend', 'withdraw', 'close', 'withdraw-mandate', 'recall-product', 'resource-cancel') FROM event e
             WHERE (e.subject_id = l.target OR e.facts ->> 'version' = l.target::text)
               AND e.verb IN ('suspend', 'withdraw', 'restore', 'close', 'reopen', 'withdraw-mandate', 'reinstate-mandate',
                              'recall-product', 'reinstate-product', 'resource-cancel')
             ORDER BY e.at DESC LIMIT 1) AS stopped,
           (SELECT coalesce(e.facts ->> 'valid_to', e.facts ->> 'term_to')::date FROM event e
             WHERE l.target IN (e.subject_id, (e.facts ->> 'mandate')::uuid)
               AND (l.kind = 'resource' AND e.facts ->> 'valid_to' IS NOT NULL OR l.kind = 'mandate' AND e.facts ? 'term_to')
             ORDER BY e.at DESC LIMIT 1) AS ends
      FROM link l
)
SELECT kind, target, NOT coalesce(stopped, false) AND ($2 AT TIME ZONE 'Asia/Shanghai')::date < coalesce(ends, 'infinity')
  FROM told
"""


async def toggle(
    session: AsyncSession,
    deal: Agreement,
    operated: OperatedZone,
    link: str,
    *,
    end: bool,
    now: datetime,
    **given: Any,
) -> None:
    """Whoever may ends the link, or restores it."""
    event = PAIRS.get(link, PAIRS["party"])[not end]
    told: dict[str, Any] = {"reason": "核查", "now": now}
    if link == "zone":
        zone = await zone_queries.lock_zone(session, operated.zone.id)
        await zone_actions.move_zone(session, AUTHORITY, zone, event, **told)
    elif link == "version":
        row = await product_queries.lock_product(session, deal.contract.product_id, visible_to=AUTHORITY)
        await product_actions.move_product(session, AUTHORITY, row, event, **told)
    elif link == "mandate":
        newest = (await zone_queries.list_mandates(session, operated.zone.id, page=PageAsked(50)))[-1]
        mandate = await zone_queries.lock_mandate(session, operated.zone.id, newest.id)
        await mandate_actions.move_mandate(
            session, AUTHORITY, mandate, event, **told, **(given if end else {})
        )
    else:
        party = {"buyer": deal.buyer, "provider": deal.provider, "operator": operated.operator}[link]
        held = await participant_queries.lock_participant(session, party.id)
        await participant_actions.move_participant(session, AUTHORITY, held, event, **told)


async def move(
    session: AsyncSession, operated: OperatedZone, what: str, event: ResourceEvent, now: datetime
) -> None:
    """A mandate granted or renewed, or a step of the registration."""
    zone_id, on = operated.zone.id, business_date(now)
    if what == "registration":
        [row] = await resource_queries.list_resources(
            session, visible_to=AUTHORITY, zone_id=zone_id, page=PageAsked(2)
        )
        row = await resource_queries.lock_resource(session, row.id, visible_to=AUTHORITY)
        by = operated.account if event in OPERATOR_EVENTS else AUTHORITY
        await resource_actions.move_resource(session, by, row, event, reason="核查", now=now)
    elif what == "next mandate":
        await zone_actions.grant_mandate(
            session,
            AUTHORITY,
            zone_id=zone_id,
            operator_id=operated.operator.id,
            mode=MandateMode.FIELD,
            term_from=on,
            term_to=add_years(on, 2),
            filed_on=on,
            now=now,
        )
    else:
        newest = (await zone_queries.list_mandates(session, zone_id, page=PageAsked(50)))[-1]
        mandate = await zone_queries.lock_mandate(session, zone_id, newest.id)
        await mandate_actions.move_mandate(
            session,
            AUTHORITY,
            mandate,
            MandateEvent.RENEW,
            term_to=add_years(mandate.term_to, 1),
            filed_on=on,
            now=now,
        )


async def amend(session: AsyncSession, deal: Agreement, now: datetime) -> None:
    """Another quota, which both sign: what the contract stands on is frozen anew."""
    contract = await contract_queries.lock_contract(
        session, deal.contract.id, visible_to=deal.provider_account
    )
    quota = {"quota": (contract.quota or 1_000) + 1}
    offer = await negotiation.offer_terms(session, deal.provider_account, contract, quota, now=now)
    await negotiation.answer_amendment(
        session, deal.buyer_account, contract, offer.number, OfferEvent.SIGN, now=now
    )


async def happen(
    database: Database, deal: Agreement, operated: OperatedZone, what: tuple[str, Any], now: datetime
) -> datetime:
    """One move; what is refused changes nothing. What toggles ends, or else is restored; a registration takes months."""
    name, chosen = what
    if name == "chores":
        await mandate_actions.expire_due(database, LEDGER_ID, now)
    steps: tuple[Any, ...] = chosen if name == "registration" else (True, False)
    for step in steps:
        try:
            async with database.transaction() as session:
                if name in TOGGLED:
                    await toggle(session, deal, operated, name, end=step, now=now, exit_course=chosen)
                elif name == "amend":
                    await amend(session, deal, now)
                elif name != "chores":
                    await move(session, operated, name, step, now)
        except MarketError:
            continue
        if name != "registration":
            break
        now += timedelta(days=20)
    return now


async def shown(session: AsyncSession, contract_id: UUID, at: datetime) -> set[tuple[str, UUID, bool]]:
    links = await authority.chain_at(session, contract_id, at)
    return {(link.kind.value, link.target_id, link.state is LinkState.STANDING) for link in links}


async def audited(connection: Connection, contract_id: UUID, at: datetime) -> set[tuple[str, UUID, bool]]:
    return {(row[0], row[1], row[2]) for row in await connection.fetch(_FROM_THE_AUDIT, contract_id, at)}


@settings(
    max_examples=10 * EFFORT,
    deadline=None,
    derandomize=EFFORT == 1,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(histories, st.lists(st.integers(0, 60_000), min_size=3, max_size=3))
async def test_the_chain_at_any_instant_is_what_the_audit_events_alone_tell(
    fresh_database: Database, history: list[tuple[tuple[str, Any], int]], hours: list[int]
) -> None:
    deal, operated = await standing_deal(fresh_database)
    now, instants = FIRST, [NOON - timedelta(days=1), *(FIRST + timedelta(hours=each) for each in hours)]
    for what, later in history:
        now += timedelta(hours=later)
        instants.append(now - timedelta(seconds=1))
        now = await happen(fresh_database, deal, operated, what, now)
        instants += [now - timedelta(days=30), now + timedelta(seconds=1)]
    async with fresh_database.transaction(reading=True) as session, fresh_database.connection() as connection:
        for at in instants:
            told = await audited(connection, deal.contract.id, at)
            assert await shown(session, deal.contract.id, at) == told
            assert len(told) in {0, 9}
