"""From a draft to a published listing and back, and everything that the market refuses on the way."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor, Role
from datamarket.catalogue import rules
from datamarket.catalogue.listings import actions as listing_actions
from datamarket.catalogue.listings import queries
from datamarket.catalogue.listings import rules as listing_rules
from datamarket.catalogue.listings.terms import ListingEvent
from datamarket.catalogue.products import actions as product_actions
from datamarket.catalogue.products import queries as product_queries
from datamarket.catalogue.products import rules as product_rules
from datamarket.catalogue.products.terms import Processing, ProductEvent
from datamarket.catalogue.terms import Category
from datamarket.catalogue.venues import rules as venue_rules
from datamarket.foundation.db import Database
from datamarket.foundation.states import TransitionNotAllowed
from datamarket.participants.affiliations.actions import affiliate
from datamarket.participants.rules import ParticipantNotAdmitted
from datamarket.participants.terms import IncomeClass, ParticipantKind
from datamarket.zones.resources.rules import CoreNeverTrades
from datamarket.zones.terms import Level, UseClass
from tests.conftest import Client, ClientFor
from tests.world import catalogue, zones
from tests.world.participants import acting_for, admitted, suspend
from tests.world.people import AUDITOR, AUTHORITY, REVIEWER, actor, moment, unique


def product_body(code: str, **changes: Any) -> dict[str, Any]:
    return {
        "code": code,
        "name_zh": "胶州湾赤潮预警模型",
        "name_en": "Red-tide warning model of the bay",
        "category": "ocean",
        "level": "general",
        "summary_zh": "由水温、叶绿素观测计算。",
        "summary_en": "Computed from water temperature and chlorophyll.",
        "modality": "time_series",
        "delivery_form": "model",
        "quality": {"availability_percent": "99.9"},
        "sample_fields": [{"name": "risk", "description": "风险等级", "sample": "3"}],
    } | changes


async def move(client: Client, path: str, event: str, **more: Any) -> dict[str, Any]:
    answer = await client.post(f"{path}/events", json={"event": event} | more)
    assert answer.status_code == 200, answer.text
    moved: dict[str, Any] = answer.json()
    return moved


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


async def test_a_product_draft_changes_until_it_is_submitted(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        made = await catalogue.draft_product(session)
    path, provider = f"/products/{made.product.id}", client_for(made.account)
    tag = (await provider.get(path)).headers["etag"]
    body = {"name_zh": "新名称", "summary_en": "Better.", "sample_fields": []}
    changed = await provider.patch(path, json=body, headers={"If-Match": tag})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["name_zh"], changed.json()["content"]["summary_en"]) == ("新名称", "Better.")
    stale = await provider.patch(path, json=body, headers={"If-Match": tag})
    assert stale.status_code == 412
    await move(provider, path, "submit")
    fixed = await provider.patch(path, json=body, headers={"If-Match": "*"})
    assert (fixed.status_code, fixed.json()["code"]) == (409, "product.version-fixed")


async def test_a_second_version_is_reviewed_while_the_first_stays_on_sale(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        listed = await catalogue.published_listing(session)
    path, provider = f"/products/{listed.product.id}", client_for(listed.account)
    stranger = client_for(actor(Role.BUYER))
    body = {key: value for key, value in product_body("x").items() if key not in catalogue_identity()}
    second = await provider.post(f"{path}/versions", json=body)
    assert (second.status_code, second.json()["content"]["number"]) == (201, 2), second.text
    assert (await provider.post(f"{path}/versions", json=body)).json()["code"] == "product.version-unfinished"
    assert (await stranger.get(path)).json()["content"]["number"] == 1
    renamed = await provider.patch(path, json={"name_zh": "另一个名称"}, headers={"If-Match": "*"})
    assert renamed.json()["code"] == "product.identity-fixed"
    await move(provider, path, "submit")
    await move(client_for(REVIEWER), path, "approve")
    assert (await stranger.get(path)).json()["content"]["number"] == 2
    numbers = [item["number"] for item in (await stranger.get(f"{path}/versions")).json()["items"]]
    assert numbers == [2, 1]
    still = await provider.post(f"{path}/events", json={"event": "retire", "version": 1})
    assert (still.status_code, still.json()["code"]) == (409, "product.still-listed")
    await move(provider, f"/listings/{listed.listing.id}", "delist")
    assert (await move(provider, path, "retire", version=1))["content"]["state"] == "retired"
    assert (await stranger.get(path)).json()["approved"] == 2


def catalogue_identity() -> set[str]:
    return {"code", "name_zh", "name_en", "category", "level"}


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
    assert await events(REVIEWER, product) == []
    await move(client_for(made.account), product, "submit")
    assert await events(made.account, product) == []
    assert await events(REVIEWER, product) == ["return", "approve", "reject"]
    assert await events(listed.account, listing) == ["suspend", "delist"]
    assert await events(operator, listing) == ["suspend", "delist"]
    assert await events(actor(Role.BUYER), listing) == await events(AUDITOR, listing) == []


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


async def test_nobody_reviews_their_own_product(database: Database) -> None:
    async with database.transaction() as session:
        made = await catalogue.draft_product(session)
        await submit(session, made)
        of_maker = actor(Role.REVIEWER, organisation=made.maker.id)
        same_account = replace(made.account, participant_id=None, roles=frozenset({Role.REVIEWER}))
        for reviewer in (of_maker, same_account):
            with pytest.raises(product_rules.OwnReview):
                await approve_as(session, reviewer, made.product.id)
        with pytest.raises(rules.CatalogueEventNotYours):
            await approve_as(session, AUTHORITY, made.product.id)


async def test_an_affiliate_of_the_maker_does_not_review_either(database: Database) -> None:
    async with database.transaction() as session:
        made = await catalogue.draft_product(session)
        auditor = await admitted(session, ParticipantKind.THIRD_PARTY)
        await affiliate(
            session,
            AUTHORITY,
            controller_id=made.maker.id,
            controlled_id=auditor.id,
            from_on=date(2024, 1, 1),
            now=moment(),
        )
        await submit(session, made)
        with pytest.raises(product_rules.OwnReview):
            await approve_as(session, acting_for(auditor), made.product.id)


async def approve_as(session: AsyncSession, reviewer: Actor, product_id: UUID) -> None:
    described = await product_queries.lock_product(session, product_id, visible_to=reviewer)
    await product_actions.move_product(session, reviewer, described, ProductEvent.APPROVE, now=moment())


async def test_core_data_and_raw_public_data_never_enter(database: Database) -> None:
    async with database.transaction() as session:
        with pytest.raises(CoreNeverTrades):
            await catalogue.draft_product(session, called=catalogue.identity(level=Level.CORE))
        operated = await zones.open_zone(session)
        core = await zones.registered_resource(session, operated, level=Level.CORE)
        made = await catalogue.draft_zone_product(session, operated=operated, resources=(core,))
        with pytest.raises(CoreNeverTrades):
            await submit(session, made)
        good = await catalogue.draft_zone_product(session, operated=operated)
        raw = replace(product_queries.content_of(good.version), processing=Processing.RAW)
        with pytest.raises(product_rules.RawPublicData):
            await product_actions.edit_product(
                session,
                good.account,
                product_queries.Described(good.product, good.version),
                identity=product_queries.identity_of(good.product),
                content=raw,
                now=moment(),
            )


async def submit(session: AsyncSession, made: catalogue.Made, now: datetime | None = None) -> None:
    by = made.account
    described = await product_queries.lock_product(session, made.product.id, visible_to=by)
    await product_actions.move_product(session, by, described, ProductEvent.SUBMIT, now=now or moment())


async def test_a_zone_product_stands_on_registered_resources_of_its_own_zone(database: Database) -> None:
    async with database.transaction() as session:
        operated, other = await zones.open_zone(session), await zones.open_zone(session)
        foreign = await zones.registered_resource(session, other)
        draft = await zones.draft_resource(session, operated)
        important = await zones.registered_resource(session, operated, level=Level.IMPORTANT)
        for resource, refusal in (
            (foreign, product_rules.ResourceNotOfZone),
            (draft, product_rules.ResourceNotRegistered),
            (important, product_rules.LevelTooLow),
        ):
            made = await catalogue.draft_zone_product(session, operated=operated, resources=(resource,))
            with pytest.raises(refusal):
                await submit(session, made)
        reassessed = catalogue.identity(level_reason="脱敏后重新定级，记录编号 2024-07")
        await submit(
            session,
            await catalogue.draft_zone_product(
                session, operated=operated, resources=(important,), called=reassessed
            ),
        )


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


async def move_on(
    session: AsyncSession,
    listed: catalogue.Listed,
    event: ListingEvent,
    by: Actor,
    now: datetime | None = None,
) -> None:
    placed = await queries.lock_listing(session, listed.listing.id, visible_to=by)
    await listing_actions.move_listing(session, by, placed, event, now=now or moment())


async def test_only_an_approved_version_is_listed(database: Database) -> None:
    async with database.transaction() as session:
        made = await catalogue.draft_product(session)
        with pytest.raises(product_rules.VersionNotApproved):
            await catalogue.list_made(session, made)


async def test_a_venue_admits_its_categories_while_it_is_open(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        made = await catalogue.approved_product(session)
        ports = await catalogue.venue(session, categories=(Category.PORT,))
        with pytest.raises(venue_rules.VenueDoesNotAdmit):
            await catalogue.list_made(session, made, on=ports)
        listed = await catalogue.list_made(session, made)
    venue = f"/venues/{listed.venue.id}"
    await move(client_for(listed.account), f"/listings/{listed.listing.id}", "submit")
    await move(client_for(AUTHORITY), venue, "close", reason="整顿")
    refused = await client_for(AUTHORITY).post(
        f"/listings/{listed.listing.id}/events", json={"event": "publish"}
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "listing.venue-closed")


async def test_the_venue_decides_on_its_own_ground_only(database: Database, client_for: ClientFor) -> None:
    async with database.transaction() as session:
        listed = await catalogue.list_made(session, await catalogue.approved_product(session))
        elsewhere = await catalogue.venue(session)
    path, provider = f"/listings/{listed.listing.id}", client_for(listed.account)
    await move(provider, path, "submit")
    own = client_for(actor(Role.OPERATOR, organisation=listed.venue.operator_id))
    other = client_for(actor(Role.OPERATOR, organisation=elsewhere.operator_id))
    publish = {"event": "publish"}
    assert (await other.post(f"{path}/events", json=publish)).status_code == 404
    assert (await provider.post(f"{path}/events", json=publish)).status_code == 403
    assert (await own.post(f"{path}/events", json={"event": "return"})).status_code == 422
    assert (await move(own, path, "return", reason="价格说明不清"))["state"] == "draft"
    await move(provider, path, "submit")
    await move(own, path, "publish")
    assert (await other.post(f"{path}/events", json={"event": "suspend"})).status_code == 403
    await move(own, path, "suspend", reason="核查")
    held = await provider.post(f"{path}/events", json={"event": "resume"})
    assert (held.status_code, held.json()["code"]) == (403, "listing.held-by-venue")
    assert (await move(client_for(AUTHORITY), path, "resume"))["state"] == "published"


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


async def test_venues_are_public_and_kept_by_the_authority(database: Database, client_for: ClientFor) -> None:
    async with database.transaction() as session:
        venue = await catalogue.venue(session)
    path, authority = f"/venues/{venue.id}", client_for(AUTHORITY)
    seen = await client_for(None).get(path)
    terms = {"name_zh": "新名称", "name_en": "New", "source": "assumed", "fee_bps": 80, "fee_payer": "split"}
    body = terms | {"qualified_from": None}
    assert (await authority.patch(path, json=body)).status_code == 428
    changed = await authority.patch(path, json=body, headers={"If-Match": seen.headers["etag"]})
    assert (changed.json()["fee_bps"], changed.json()["qualified_for_subsidy"]) == (80, False)
    assert (await client_for(REVIEWER).post(f"{path}/events", json={"event": "close"})).status_code == 403
    opened = {"code": venue.code, "kind": "compute", "operator_id": str(venue.operator_id)}
    taken = await authority.post("/venues", json=body | opened)
    assert (taken.status_code, taken.json()["code"]) == (409, "venue.code-taken")
    assert (await client_for(None).get("/venues", params={"limit": 1})).json()["next"]


async def test_products_of_others_are_seen_once_a_version_is_approved(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        operated = await zones.open_zone(session)
        made = await catalogue.draft_zone_product(session, operated=operated)
    buyer, maker = client_for(actor(Role.BUYER)), client_for(made.account)
    wish = {"zone": str(operated.zone.id)}
    assert (await buyer.get(f"/products/{made.product.id}")).status_code == 404
    assert (await buyer.get("/products", params=wish)).json()["items"] == []
    assert len((await maker.get("/products", params=wish | {"mine": "true"})).json()["items"]) == 1
    async with database.transaction() as session:
        await catalogue.approve(session, made)
    shown = (await buyer.get("/products", params=wish | {"state": "approved"})).json()["items"]
    assert [item["id"] for item in shown] == [str(made.product.id)]
