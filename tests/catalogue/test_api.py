"""What products and listings have in common: each actor's events, and the zone's mandate behind both."""

from datetime import timedelta

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor, Role
from datamarket.catalogue.listings.terms import ListingEvent
from datamarket.catalogue.products import rules as product_rules
from datamarket.foundation.db import Database
from tests.catalogue.steps import move, move_on, submit
from tests.conftest import ClientFor
from tests.world import catalogue, zones
from tests.world.people import AUDITOR, AUTHORITY, REVIEWER, actor, moment


async def test_each_actor_is_shown_only_their_own_events(database: Database, client_for: ClientFor) -> None:
    async with database.transaction() as session:
        made = await catalogue.draft_product(session)
        listed = await catalogue.published_listing(session)
    operator = actor(Role.OPERATOR, organisation=listed.venue.operator_id)
    product, listing = f"/products/{made.product.id}", f"/listings/{listed.listing.id}"

    async def events(who: Actor, path: str) -> list[str]:
        shown: list[str] = (await client_for(who).get(f"{path}/allowed-events")).json()["events"]
        return shown

    assert await events(made.account, product) == ["submit"]
    await move(client_for(made.account), product, "submit")
    assert await events(made.account, product) == []
    assert await events(REVIEWER, product) == ["return", "approve", "reject"]
    assert await events(listed.account, listing) == ["suspend", "delist"]
    assert await events(operator, listing) == ["suspend", "delist"]
    assert await events(actor(Role.BUYER), listing) == await events(AUDITOR, listing) == []


async def test_a_zone_without_a_mandate_brings_nothing_to_market(database: Database) -> None:
    async with database.transaction() as session:
        lapsing = await zones.open_zone(session, term_to=moment().date() + timedelta(days=1))
        listed = await catalogue.list_made(session, await zoned_and_approved(session, lapsing))
        draft = await catalogue.draft_zone_product(session, operated=lapsing)
        await move_on(session, listed, ListingEvent.SUBMIT, listed.account)
        later = moment() + timedelta(days=2)
        with pytest.raises(product_rules.ZoneWithoutMandate):
            await move_on(session, listed, ListingEvent.PUBLISH, AUTHORITY, later)
        with pytest.raises(product_rules.ZoneWithoutMandate):
            await submit(session, draft, later)


async def zoned_and_approved(session: AsyncSession, operated: zones.OperatedZone) -> catalogue.Made:
    made = await catalogue.draft_zone_product(session, operated=operated)
    await catalogue.approve(session, made)
    return made
