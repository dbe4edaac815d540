"""Listings from a draft to publication and back, and everything that the market refuses on the way."""

from typing import Any

import pytest

from datamarket.auth.terms import Actor, Role
from datamarket.catalogue.listings import queries
from datamarket.catalogue.listings import rules as listing_rules
from datamarket.catalogue.listings.terms import ListingEvent
from datamarket.catalogue.products import rules as product_rules
from datamarket.foundation.db import Database
from datamarket.foundation.states import TransitionNotAllowed
from datamarket.participants.rules import ParticipantNotAdmitted
from datamarket.participants.terms import IncomeClass
from datamarket.zones.terms import UseClass
from tests.catalogue.steps import move, move_on
from tests.conftest import ClientFor
from tests.world import catalogue, zones
from tests.world.participants import suspend
from tests.world.people import AUDITOR, AUTHORITY, actor


async def test_a_listing_answers_304_to_who_has_it_and_changes_its_tag_when_it_changes(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        listed = await catalogue.published_listing(session)
    path, visitor = f"/listings/{listed.listing.id}", client_for(None)
    tag = (await visitor.get(path)).headers["etag"]
    assert (await visitor.get(path, headers={"If-None-Match": tag})).status_code == 304
    provider = client_for(listed.account)
    await move(provider, path, "suspend")
    assert (await visitor.get(path)).status_code == 404
    again = await provider.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.json()["state"]) == (200, "suspended")
    stale = await provider.post(f"{path}/events", json={"event": "resume"}, headers={"If-Match": tag})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition.stale")


async def test_who_is_suspended_offers_nothing_until_it_is_restored(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        listed = await catalogue.published_listing(session)
    path, visitor, provider = f"/listings/{listed.listing.id}", client_for(None), client_for(listed.account)
    shown = (await visitor.get("/listings", params={"venue": str(listed.venue.id)})).json()["items"]
    assert [item["id"] for item in shown] == [str(listed.listing.id)]
    async with database.transaction() as session:
        await suspend(session, listed.maker.id)
    assert (await visitor.get(path)).status_code == 404
    assert (await visitor.get("/listings", params={"venue": str(listed.venue.id)})).json()["items"] == []
    held = (await provider.get(path)).json()
    assert (held["state"], "no longer stands" in held["reason"]) == ("suspended", True)
    assert (await provider.post(f"{path}/events", json={"event": "resume"})).status_code == 409
    authority = client_for(AUTHORITY)
    await authority.post(
        f"/participants/{listed.maker.id}/events", json={"event": "restore", "reason": "整改完成"}
    )
    assert (await visitor.get(path)).json()["state"] == "published"


async def test_a_draft_changes_with_if_match_and_a_published_price_never(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        listed = await catalogue.list_made(session, await catalogue.approved_product(session))
    path, provider = f"/listings/{listed.listing.id}", client_for(listed.account)
    change = {"plan": {"model": "one_off", "price_fen": 1}}
    assert (await provider.patch(path, json=change)).status_code == 428
    tag = (await provider.get(path)).headers["etag"]
    changed = await provider.patch(path, json=change, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["price_fen"]) == (200, 1)
    assert changed.headers["etag"] != tag
    async with database.transaction() as session:
        await catalogue.publish(session, listed.account, listed.listing.id)
    tag = (await provider.get(path)).headers["etag"]
    refused = await provider.patch(path, json=change, headers={"If-Match": tag})
    assert (refused.status_code, refused.json()["code"]) == (409, "listing.fixed")


async def test_my_listings_are_shown_to_me_my_venue_and_the_overseers_in_any_state(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        listed = await catalogue.list_made(session, await catalogue.approved_product(session))
        other = await catalogue.venue(session)
    listing = str(listed.listing.id)

    async def mine(who: Actor, **wish: str) -> list[str]:
        page = await client_for(who).get("/listings", params={"mine": "true"} | wish)
        return [item["id"] for item in page.json()["items"]]

    assert await mine(listed.account) == await mine(listed.account, state="draft") == [listing]
    assert await mine(listed.account, state="published") == []
    assert await mine(actor(Role.OPERATOR, organisation=listed.venue.operator_id)) == [listing]
    assert await mine(actor(Role.OPERATOR, organisation=other.operator_id)) == []
    assert listing in await mine(AUDITOR)
    assert (await client_for(None).get("/listings", params={"mine": "true"})).status_code == 401


async def test_only_an_approved_version_is_listed(database: Database) -> None:
    async with database.transaction() as session:
        made = await catalogue.draft_product(session)
        with pytest.raises(product_rules.VersionNotApproved):
            await catalogue.list_made(session, made)


async def test_the_same_version_is_on_one_venue_once_by_each_price_model(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        listed = await catalogue.published_listing(session)
        again = await catalogue.list_made(session, listed, on=listed.venue)
    await move(client_for(listed.account), f"/listings/{again.listing.id}", "submit")
    refused = await client_for(AUTHORITY).post(
        f"/listings/{again.listing.id}/events", json={"event": "publish"}
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "listing.listed-already")


async def test_use_for_the_public_good_is_free(database: Database) -> None:
    async with database.transaction() as session:
        made = await catalogue.draft_zone_product(session, use_class=UseClass.PUBLIC_GOOD)
        await catalogue.approve(session, made)
        with pytest.raises(listing_rules.PublicGoodNotFree):
            await catalogue.list_made(session, made, plan=catalogue.PER_CALL)
        await catalogue.list_made(session, made, plan=catalogue.FREE)


async def test_a_suspended_provider_publishes_nothing(database: Database) -> None:
    async with database.transaction() as session:
        listed = await catalogue.list_made(session, await catalogue.approved_product(session))
        await suspend(session, listed.maker.id)
        with pytest.raises(ParticipantNotAdmitted):
            await catalogue.publish(session, listed.account, listed.listing.id)


async def test_an_offer_names_who_supplies_and_only_while_it_is_published(database: Database) -> None:
    async with database.transaction() as session:
        operated = await zones.open_zone(session)
        bureau = await zones.supplying_unit(session)
        school = await zones.supplying_unit(session, IncomeClass.INSTITUTION)
        resources = [
            await zones.registered_resource(session, operated, supplier=unit)
            for unit in (bureau, school, bureau)
        ]
        listed = await catalogue.published_zone_listing(
            session, operated=operated, resources=tuple(resources)
        )
        offer = await queries.get_offer(session, listed.listing.id)
        assert [(supplier.participant_id, supplier.income_class) for supplier in offer.suppliers] == [
            (bureau.id, IncomeClass.ADMINISTRATIVE),
            (school.id, IncomeClass.INSTITUTION),
        ]
        assert (offer.operator_id, offer.provider_id) == (operated.operator.id, listed.maker.id)
        assert (offer.plan, offer.use_class) == (catalogue.YEARLY, UseClass.INDUSTRY)
        await move_on(session, listed, ListingEvent.SUSPEND, listed.account)
        with pytest.raises(listing_rules.ListingNotPublished):
            await queries.get_offer(session, listed.listing.id)
        with pytest.raises(TransitionNotAllowed):
            await move_on(session, listed, ListingEvent.PUBLISH, AUTHORITY)


async def test_a_plan_with_terms_is_shown_as_it_was_stated_and_a_bad_one_says_what_is_wrong(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        made = await catalogue.approved_product(session)
        venue = await catalogue.venue(session)
    provider = client_for(made.account)
    plan: dict[str, Any] = {
        "model": "package",
        "price_fen": 400,
        "units": 10,
        "tiers": [{"above": 20, "price_fen": 300}],
    }
    asked = {"product_id": str(made.product.id), "venue_id": str(venue.id), "plan": plan}
    for code, changed in (
        ("listing.tier-not-whole", {"tiers": [{"above": 25, "price_fen": 300}]}),
        ("listing.tiers-disordered", {"tiers": [*plan["tiers"], *plan["tiers"]]}),
        ("listing.plan-term-misplaced", {"basic_fen": 1}),
        ("listing.plan-term-missing", {"units": 1}),
        ("listing.cap-below-minimum", {"minimum_fen": 2, "cap_fen": 1}),
        ("request.invalid", {"minimum_fen": -1}),
    ):
        refused = await provider.post("/listings", json=asked | {"plan": plan | changed})
        assert (refused.status_code, refused.json()["code"]) == (422, code)
    listed = (await provider.post("/listings", json=asked)).json()
    path = f"/listings/{listed['id']}"
    terms = {"units": 10, "tiers": plan["tiers"], "basic_fen": 0, "minimum_fen": 0, "cap_fen": None}
    assert (await provider.get(path)).json()["price_terms"] == listed["price_terms"] == terms
    plain = {"plan": {"model": "per_call", "price_fen": 7}}
    edited = await provider.patch(path, json=plain, headers={"If-Match": '"1"'})
    assert (edited.json()["price_terms"], edited.json()["price_model"]) == (None, "per_call")
    assert (await provider.get(path)).json()["price_terms"] is None
