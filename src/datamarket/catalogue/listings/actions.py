"""Listing approved versions on venues, and moving a listing through its life."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor, Permission
from datamarket.catalogue import rules as catalogue_rules
from datamarket.catalogue import words
from datamarket.catalogue.listings import queries, rules
from datamarket.catalogue.listings.ceilings import check_ceilings
from datamarket.catalogue.listings.queries import Placed
from datamarket.catalogue.listings.rules import LISTING_LIFE
from datamarket.catalogue.listings.tables import Listing
from datamarket.catalogue.listings.terms import ListingEvent, ListingState, PricePlan
from datamarket.catalogue.products import queries as product_queries
from datamarket.catalogue.products import rules as product_rules
from datamarket.catalogue.products import sources
from datamarket.catalogue.products.tables import Product, ProductVersion
from datamarket.catalogue.products.terms import VersionState
from datamarket.catalogue.terms import Category
from datamarket.catalogue.venues import queries as venue_queries
from datamarket.catalogue.venues import rules as venue_rules
from datamarket.catalogue.venues.tables import Venue
from datamarket.catalogue.venues.terms import VenueState
from datamarket.evidence.actions import record
from datamarket.foundation.clock import business_date
from datamarket.foundation.ids import new_id
from datamarket.participants import queries as participants
from datamarket.zones.terms import Level, UseClass


async def list_product(
    session: AsyncSession,
    actor: Actor,
    *,
    product_id: UUID,
    venue_id: UUID,
    plan: PricePlan,
    now: datetime,
    number: int | None = None,
) -> Placed:
    """A draft of a listing of the newest approved version, or of the one of this number.

    Raises CatalogueEventNotYours, VersionNotApproved, VenueClosed, VenueDoesNotAdmit, PublicGoodNotFree,
    PlanFaulty and whatever else speaks against a plan.
    """
    product, version = await product_queries.get_product(session, product_id, visible_to=actor)
    catalogue_rules.check_own(actor, Permission.LIST_PRODUCT, product.maker_id, "list")
    wanted = number or product.approved or version.number
    if wanted != version.number:
        version = await product_queries.get_version(session, product_id, wanted)
    if version.state != VersionState.APPROVED:
        raise product_rules.VersionNotApproved(state=VersionState(version.state))
    venue = await venue_queries.get_venue(session, venue_id)
    venue_rules.check_venue(VenueState(venue.state), venue.categories, Category(product.category))
    use_class = await sources.check_scenario(session, product.zone_id, product.scenario_id)
    rules.check_plan(plan, use_class)
    listing = Listing(id=new_id(now), created_at=now, **_columns(product, version, venue, plan, use_class))
    session.add(listing)
    await record(
        session, actor, "catalogue.list-product", ("listing", listing.id), now=now, **_terms(listing)
    )
    return Placed(listing, venue)


async def edit_listing(
    session: AsyncSession,
    actor: Actor,
    placed: Placed,
    *,
    venue_id: UUID | None = None,
    plan: PricePlan | None = None,
    now: datetime,
) -> Placed:
    """Another venue or price, while it is a draft: what is published keeps its price. Raises ListingFixed."""
    listing, venue = placed
    catalogue_rules.check_own(actor, Permission.LIST_PRODUCT, listing.provider_id, "edit")
    if listing.state != ListingState.DRAFT:
        raise rules.ListingFixed(state=ListingState(listing.state))
    if venue_id is not None:
        venue = await venue_queries.get_venue(session, venue_id)
        venue_rules.check_venue(VenueState(venue.state), venue.categories, Category(listing.category))
    plan = plan or queries.plan_of(listing)
    use_class = UseClass(listing.use_class) if listing.use_class else None
    rules.check_plan(plan, use_class)
    product, version = await product_queries.get_product(session, listing.product_id, visible_to=actor)
    if version.id != listing.product_version_id:
        version = await product_queries.get_version(session, product.id, listing.product_version)
    for name, value in _columns(product, version, venue, plan, use_class).items():
        setattr(listing, name, value)
    listing.version += 1
    await record(
        session, actor, "catalogue.edit-listing", ("listing", listing.id), now=now, **_terms(listing)
    )
    return Placed(listing, venue)


async def move_listing(
    session: AsyncSession,
    actor: Actor,
    placed: Placed,
    event: ListingEvent,
    *,
    reason: str | None = None,
    now: datetime,
) -> Placed:
    """Move a listing; into the market only if its version, venue, provider and sources still may be there.

    Raises CatalogueEventNotYours, ListingHeld, TransitionNotAllowed, ReasonMissing, ListedAlready, and whatever
    speaks against entering the market.
    """
    listing, venue = placed
    decides = rules.may_decide(actor, provider_id=listing.provider_id, venue_operator_id=venue.operator_id)
    _check_mover(actor, placed, event)
    LISTING_LIFE.check_reason(event, reason)
    state = LISTING_LIFE.after(listing.state, event)
    if event in rules.TO_MARKET:
        await _check_market_entry(session, listing, venue, now)
        listing.published_at = listing.published_at or now
    listing.state, listing.stopped_by = state, None
    listing.held_by_venue = event is ListingEvent.SUSPEND and decides
    listing.reason = reason
    listing.version += 1
    facts = {"state": listing.state, "reason": reason}
    await record(session, actor, f"catalogue.{event}-listing", ("listing", listing.id), now=now, **facts)
    return placed


def may_move(actor: Actor, placed: Placed, event: ListingEvent) -> bool:
    """Whether this event of this listing is the actor's."""
    listing, venue = placed
    return rules.may_move_listing(
        actor,
        event,
        provider_id=listing.provider_id,
        venue_operator_id=venue.operator_id,
        held_by_venue=listing.held_by_venue,
    )


def _check_mover(actor: Actor, placed: Placed, event: ListingEvent) -> None:
    if may_move(actor, placed, event):
        return
    listing = placed.listing
    if event is ListingEvent.RESUME and listing.held_by_venue and actor.participant_id == listing.provider_id:
        raise rules.ListingHeld
    raise catalogue_rules.CatalogueEventNotYours(event=event)


async def _check_market_entry(session: AsyncSession, listing: Listing, venue: Venue, now: datetime) -> None:
    number = listing.product_version
    version = await product_queries.lock_version_shared(session, listing.product_id, number)
    if version.state != VersionState.APPROVED:
        raise product_rules.VersionNotApproved(state=VersionState(version.state))
    venue_rules.check_venue(VenueState(venue.state), venue.categories, Category(listing.category))
    await participants.lock_admitted(session, listing.provider_id)
    await sources.check_sources(
        session,
        zone_id=listing.zone_id,
        resources=version.resources,
        level=Level(listing.level),
        on=business_date(now),
    )
    public, plan = listing.zone_id is not None, queries.plan_of(listing)
    await check_ceilings(
        session, listing.product_id, plan, business_date(now), on_public_data=public, publishing=True
    )


def _columns(
    product: Product, version: ProductVersion, venue: Venue, plan: PricePlan, use_class: UseClass | None
) -> dict[str, Any]:
    """What a listing repeats of its product, version and venue, and by what it is found."""
    filters = words.filter_terms(
        zone=product.zone_id,
        venue=venue.id,
        category=product.category,
        form=version.delivery_form,
        price=plan.model,
    )
    filters += [term for one in rules.use_classes(use_class) for term in words.filter_terms(use=one)]
    names = f"{product.code}\n{product.name_zh}\n{product.name_en}"
    text = f"{names}\n{version.summary_zh}\n{version.summary_en}"
    return {
        "product_id": product.id,
        "product_version_id": version.id,
        "product_code": product.code,
        "product_version": version.number,
        "provider_id": product.maker_id,
        "venue_id": venue.id,
        "venue_code": venue.code,
        "zone_id": product.zone_id,
        "scenario_id": product.scenario_id,
        "use_class": use_class,
        "name_zh": product.name_zh,
        "name_en": product.name_en,
        "summary_zh": version.summary_zh,
        "summary_en": version.summary_en,
        "category": product.category,
        "level": product.level,
        "modality": version.modality,
        "delivery_form": version.delivery_form,
        "price_model": plan.model,
        "price_fen": plan.price_fen,
        "period_days": plan.period_days,
        "price_terms": plan.terms,
        "name_key": words.name_key(product.name_zh),
        "phrases": words.phrases(text),
        "search": words.lexemes([*words.search_terms(text), *filters]),
    }


def _terms(listing: Listing) -> dict[str, Any]:
    return {
        "product_id": str(listing.product_id),
        "product_version": listing.product_version,
        "venue": listing.venue_code,
        "price_model": listing.price_model,
        "price_fen": listing.price_fen,
        "period_days": listing.period_days,
        **({"price_terms": listing.price_terms} if listing.price_terms else {}),
    }
