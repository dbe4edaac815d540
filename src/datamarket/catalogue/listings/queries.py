"""Reading listings, and the offer that a contract is made upon."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select

from datamarket.auth.terms import Actor
from datamarket.catalogue.listings.rules import ListingNotPublished, may_see_listing
from datamarket.catalogue.listings.tables import Listing
from datamarket.catalogue.listings.terms import ListingState, Offer, PricePlan, Supplier
from datamarket.catalogue.products.tables import ProductVersion
from datamarket.catalogue.terms import Category
from datamarket.catalogue.venues.tables import Venue
from datamarket.catalogue.venues.terms import FeePayer
from datamarket.foundation.db import PageAsked, asked, keyset, one_row
from datamarket.foundation.errors import NotFound
from datamarket.participants import queries as participants
from datamarket.participants.terms import IncomeClass
from datamarket.zones import queries as zones
from datamarket.zones.resources import queries as resource_queries
from datamarket.zones.terms import UseClass

_PLACED = select(Listing, Venue).join(Venue, col(Venue.id) == Listing.venue_id)


class Placed(NamedTuple):
    """A listing with its venue."""

    listing: Listing
    venue: Venue


async def get_listing(session: AsyncSession, listing_id: UUID, *, visible_to: Actor) -> Placed:
    """Raises NotFound, also for one that is not the actor's to see."""
    return await _placed(session, _PLACED.where(Listing.id == listing_id), visible_to)


async def lock_listing(session: AsyncSession, listing_id: UUID, *, visible_to: Actor) -> Placed:
    """The newest row, held until the transaction ends; its venue is only read. Raises NotFound."""
    locked = _PLACED.where(Listing.id == listing_id).with_for_update(of=Listing)
    return await _placed(session, locked.execution_options(populate_existing=True), visible_to)


async def _placed(session: AsyncSession, statement: Select[Listing, Venue], visible_to: Actor) -> Placed:
    placed = Placed(*await one_row(session, statement, "listing"))
    listing, venue = placed
    if not may_see_listing(
        visible_to, state=listing.state, provider_id=listing.provider_id, venue_operator_id=venue.operator_id
    ):
        raise NotFound(thing="listing")
    return placed


async def list_own_listings(
    session: AsyncSession, *, visible_to: Actor, state: ListingState | None, page: PageAsked[UUID]
) -> Sequence[Listing]:
    """What the actor's organisation lists, or what is listed on its venue; all of it for overseers."""
    statement = select(Listing).where(*asked((Listing.state, state)))
    if not visible_to.sees_all:
        operated = select(Venue.id).where(col(Venue.operator_id) == visible_to.participant_id)
        provided = col(Listing.provider_id) == visible_to.participant_id
        statement = statement.where(provided | col(Listing.venue_id).in_(operated))
    return (await session.exec(keyset(statement, col(Listing.id), page, newest_first=True))).all()


def plan_of(listing: Listing) -> PricePlan:
    """The price plan as it is stored."""
    return PricePlan.stored(listing.price_model, listing.price_fen, listing.period_days, listing.price_terms)


async def get_offer(session: AsyncSession, listing_id: UUID) -> Offer:
    """What a published listing offers, as it stands now. Raises NotFound, or where it once was ListingNotPublished."""
    statement = (
        select(Listing, Venue, ProductVersion.resources)
        .join(Venue, col(Venue.id) == Listing.venue_id)
        .join(ProductVersion, col(ProductVersion.id) == Listing.product_version_id)
        .where(Listing.id == listing_id, col(Listing.published_at).is_not(None))
    )
    listing, venue, resources = await one_row(session, statement, "listing")
    if listing.state != ListingState.PUBLISHED:
        raise ListingNotPublished(state=ListingState(listing.state))
    zone = await zones.get_zone(session, listing.zone_id) if listing.zone_id else None
    return Offer(
        listing_id=listing.id,
        product_id=listing.product_id,
        product_version=listing.product_version,
        provider_id=listing.provider_id,
        venue_id=venue.id,
        venue_operator_id=venue.operator_id,
        venue_fee_bps=venue.fee_bps,
        zone_id=listing.zone_id,
        operator_id=zone.operator_id if zone else None,
        use_class=UseClass(listing.use_class) if listing.use_class else None,
        suppliers=await _suppliers(session, resources),
        plan=plan_of(listing),
        category=Category(listing.category),
        venue_fee_payer=FeePayer(venue.fee_payer),
    )


async def _suppliers(session: AsyncSession, resource_ids: Sequence[UUID]) -> tuple[Supplier, ...]:
    """The distinct supplying units of the resources, in the order of the resources."""
    if not resource_ids:
        return ()
    resources = await resource_queries.resources_by_ids(session, resource_ids)
    units = dict.fromkeys(resources[key].supplying_unit_id for key in resource_ids)
    found = await participants.participants_by_ids(session, list(units))
    return tuple(Supplier(unit, IncomeClass(found[unit].income_class)) for unit in units)
