"""A product from its making to its place on a venue, by those whose steps they are."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.rules import organisation_of
from datamarket.auth.terms import Actor
from datamarket.catalogue.listings import actions as listing_actions
from datamarket.catalogue.listings.terms import ListingEvent, PricePlan
from datamarket.catalogue.products import actions as product_actions
from datamarket.catalogue.products.terms import ProductEvent, QualityKey, SampleField


def said_of(described: Mapping[str, Any]) -> dict[str, Any]:
    """What products of a category promise, and their fields with made-up rows, as a version says them."""
    fields = (
        SampleField(name, words, first, tuple(rest)) for name, words, first, *rest in described["fields"]
    )
    promised = {QualityKey(key): promise for key, promise in described["promised"].items()}
    return {"quality": promised, "sample_fields": tuple(fields)}


async def offer_product(
    session: AsyncSession,
    maker: Actor,
    offices: Mapping[str, Actor],
    *,
    venue_id: UUID,
    plan: PricePlan,
    now: datetime,
    **product: Any,
) -> UUID:
    """Made as `product` says, submitted, approved, listed and published; its id. Raises what these actions refuse."""
    described = await product_actions.make_product(
        session, maker, maker_id=organisation_of(maker), now=now, **product
    )
    for actor, event in ((maker, ProductEvent.SUBMIT), (offices["reviewer"], ProductEvent.APPROVE)):
        await product_actions.move_product(session, actor, described, event, now=now)
    product_id = described.product.id
    await publish_listing(
        session, maker, offices, product_id=product_id, venue_id=venue_id, plan=plan, now=now
    )
    return product_id


async def publish_listing(
    session: AsyncSession,
    maker: Actor,
    offices: Mapping[str, Actor],
    *,
    product_id: UUID,
    venue_id: UUID,
    plan: PricePlan,
    now: datetime,
) -> None:
    """An approved product on a venue at a price, submitted and published. Raises what these actions refuse."""
    placed = await listing_actions.list_product(
        session, maker, product_id=product_id, venue_id=venue_id, plan=plan, now=now
    )
    for actor, publishing in ((maker, ListingEvent.SUBMIT), (offices["authority"], ListingEvent.PUBLISH)):
        await listing_actions.move_listing(session, actor, placed, publishing, now=now)
