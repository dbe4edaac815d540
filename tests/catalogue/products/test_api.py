"""Products from draft to approval and beyond, and what the review refuses."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor, Role
from datamarket.catalogue import rules
from datamarket.catalogue.products import actions as product_actions
from datamarket.catalogue.products import queries as product_queries
from datamarket.catalogue.products import rules as product_rules
from datamarket.catalogue.products.terms import Processing, ProductEvent
from datamarket.foundation.db import Database
from datamarket.participants.affiliations.actions import affiliate
from datamarket.participants.terms import ParticipantKind
from datamarket.zones.resources.rules import CoreNeverTrades
from datamarket.zones.terms import Level
from tests.catalogue.steps import move, product_body, submit
from tests.conftest import ClientFor
from tests.world import catalogue, zones
from tests.world.participants import acting_for, admitted
from tests.world.people import AUTHORITY, REVIEWER, actor, moment


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
