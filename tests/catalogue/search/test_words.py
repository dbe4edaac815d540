"""A search finds what is on the shelf, by words of both languages and by filters together."""

from datamarket.auth.terms import Role
from datamarket.catalogue.listings.terms import PriceModel, PricePlan
from datamarket.foundation.db import Database
from datamarket.foundation.money import Fen
from datamarket.zones.terms import UseClass
from tests.catalogue.steps import move, product_body
from tests.conftest import ClientFor
from tests.world import catalogue
from tests.world.participants import acting_for, admitted
from tests.world.people import AUTHORITY, REVIEWER, unique


async def test_a_product_goes_from_draft_to_the_shelf_and_is_found_in_both_languages(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        maker = await admitted(session)
        venue = await catalogue.venue(session)
    provider, visitor = client_for(acting_for(maker, Role.PROVIDER)), client_for(None)
    made = (await provider.post("/products", json=product_body(code := unique("P")))).json()
    product = f"/products/{made['id']}"
    assert (await move(provider, product, "submit"))["content"]["state"] == "submitted"
    assert (await move(client_for(REVIEWER), product, "approve"))["approved"] == 1

    plan = {"model": "per_call", "price_fen": 3000}
    body = {"product_id": made["id"], "venue_id": str(venue.id), "plan": plan}
    listed = await provider.post("/listings", json=body)
    assert listed.status_code == 201, listed.text
    listing = f"/listings/{listed.json()['id']}"
    assert (await visitor.get(listing)).status_code == 404
    await move(provider, listing, "submit")
    await move(client_for(AUTHORITY), listing, "publish")

    shown = (await visitor.get(listing)).json()
    assert shown["quality"] == {"availability_percent": "99.9"}
    assert shown["sample_fields"][0]["name"] == "risk"
    for text in ("赤潮预警", "叶绿素", "胶", f"{code} red-tide", "RED chlorophyll 胶州湾", "ｍｏｄｅｌ"):
        found = await visitor.get("/listings", params={"text": text, "venue": str(venue.id)})
        assert [item["id"] for item in found.json()["items"]] == [shown["id"]], text
    for text in ("潮赤", "预警赤潮", "chloro", "'", "!", "' | 'a", "\\", "赤潮:*"):
        found = await visitor.get("/listings", params={"text": text, "venue": str(venue.id)})
        assert found.json()["items"] == [] or text == "赤潮:*", text


async def test_a_text_with_nul_is_a_faulty_request(client_for: ClientFor) -> None:
    assert (await client_for(None).get("/listings", params={"text": "a\x00b"})).status_code == 422


async def test_filters_hold_together_with_words(database: Database, client_for: ClientFor) -> None:
    async with database.transaction() as session:
        venue = await catalogue.venue(session)
        zoned = await catalogue.published_zone_listing(session, on=venue)
        own = await catalogue.published_listing(session, on=venue, plan=catalogue.PER_CALL)
    visitor = client_for(None)

    async def found(**wish: str) -> set[str]:
        page = await visitor.get("/listings", params={"venue": str(venue.id)} | wish)
        return {item["id"] for item in page.json()["items"]}

    both = {str(zoned.listing.id), str(own.listing.id)}
    assert await found() == await found(category="ocean") == await found(text="近海 api") == both
    assert await found(zone=str(zoned.product.zone_id), text="潮位") == {str(zoned.listing.id)}
    assert await found(price_model="per_call", delivery_form="api") == {str(own.listing.id)}
    assert await found(category="health") == await found(text="近海", price_model="free") == set()


async def test_a_listing_is_found_by_each_use_class_that_its_contracts_may_be_of(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        venue = await catalogue.venue(session)
        good = await catalogue.published_zone_listing(
            session, on=venue, use_class=UseClass.PUBLIC_GOOD, plan=PricePlan(PriceModel.FREE, Fen(0))
        )
        industry = await catalogue.published_zone_listing(session, on=venue)
        own = await catalogue.published_listing(session, on=venue)
    visitor, wish = client_for(None), {"venue": str(venue.id)}
    both = {str(one.listing.id) for one in (industry, own)}
    for use_class, ids in (("industry", both), ("public_good", both | {str(good.listing.id)})):
        page = (await visitor.get("/listings", params=wish | {"use_class": use_class})).json()
        assert {item["id"] for item in page["items"]} == ids
        facets = (await visitor.get("/listings/facets", params=wish | {"use_class": use_class})).json()
        [facet] = (one for one in facets["items"] if one["filter"] == "use_class")
        told = [(one["value"], one["name_zh"], one["count"]) for one in facet["values"]]
        assert told == [("public_good", "公共治理、公益事业", 3), ("industry", "产业发展、行业发展", 2)]
        assert facets["found"] == len(ids)
    assert (await visitor.get("/listings", params={"use_class": "any"})).status_code == 422
