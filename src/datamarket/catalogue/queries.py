"""Reading venues, products, versions and listings; the offer that a contract is made upon."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, case, exists, literal
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor, Permission
from datamarket.catalogue.rules import ListingNotPublished
from datamarket.catalogue.tables import Listing, Product, ProductVersion, Venue
from datamarket.catalogue.terms import (
    Category,
    Content,
    DeliveryForm,
    FeePayer,
    Identity,
    ListingState,
    Modality,
    Offer,
    PriceModel,
    PricePlan,
    Processing,
    QualityKey,
    SampleField,
    Supplier,
    VersionState,
)
from datamarket.foundation.errors import NotFound
from datamarket.foundation.money import Fen
from datamarket.participants import queries as participants
from datamarket.participants.terms import IncomeClass
from datamarket.zones import queries as zones
from datamarket.zones.terms import Level, UseClass

LIVE = (ListingState.SUBMITTED, ListingState.PUBLISHED, ListingState.SUSPENDED)


class Described(NamedTuple):
    """A product with the version that its reader may see: the newest, or the newest approved one."""

    product: Product
    version: ProductVersion


class Placed(NamedTuple):
    """A listing with its venue."""

    listing: Listing
    venue: Venue


async def get_venue(session: AsyncSession, venue_id: UUID, *, lock: bool = False) -> Venue:
    """Raises NotFound."""
    venue = await session.get(Venue, venue_id, with_for_update=lock or None)
    if venue is None:
        raise NotFound(thing="venue")
    return venue


async def find_venue_by_code(session: AsyncSession, code: str) -> Venue | None:
    return (await session.exec(select(Venue).where(Venue.code == code))).first()


async def list_venues(session: AsyncSession, *, limit: int, after: str | None) -> Sequence[Venue]:
    """By code."""
    statement = select(Venue).order_by(col(Venue.code)).limit(limit + 1)
    if after is not None:
        statement = statement.where(col(Venue.code) > after)
    return (await session.exec(statement)).all()


def _privileged(actor: Actor) -> bool:
    return actor.sees_all or actor.may(Permission.REVIEW_PRODUCT)


def _seen_version(actor: Actor) -> ColumnElement[int | None]:
    """The number of the version that stands for the product to this reader; NULL when none does."""
    all_seen = literal(_privileged(actor))
    own = col(Product.maker_id) == actor.participant_id
    return case((all_seen | own, col(Product.newest)), else_=col(Product.approved))


async def get_product(
    session: AsyncSession, product_id: UUID, *, visible_to: Actor, lock: bool = False
) -> Described:
    """Raises NotFound. Locked, it is the truth until the transaction ends."""
    statement = (
        select(Product, ProductVersion)
        .join(
            ProductVersion,
            (col(ProductVersion.product_id) == Product.id)
            & (col(ProductVersion.number) == _seen_version(visible_to)),
        )
        .where(Product.id == product_id)
    )
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    row = (await session.exec(statement)).first()
    if row is None:
        raise NotFound(thing="product")
    return Described(*row)


async def get_version(
    session: AsyncSession, product_id: UUID, number: int, *, to_change: bool = False
) -> ProductVersion:
    """Locked: a version that is being listed is not retired meanwhile. Raises NotFound."""
    statement = select(ProductVersion).where(
        ProductVersion.product_id == product_id, ProductVersion.number == number
    )
    locked = statement.with_for_update(read=not to_change).execution_options(populate_existing=True)
    version = (await session.exec(locked)).first()
    if version is None:
        raise NotFound(thing="product version")
    return version


async def list_products(
    session: AsyncSession,
    *,
    visible_to: Actor,
    mine: bool,
    zone: UUID | None,
    state: VersionState | None,
    limit: int,
    after: UUID | None,
) -> Sequence[Described]:
    """Newest first; `state` is that of the version that the reader sees."""
    statement = (
        select(Product, ProductVersion)
        .join(
            ProductVersion,
            (col(ProductVersion.product_id) == Product.id)
            & (col(ProductVersion.number) == _seen_version(visible_to)),
        )
        .order_by(col(Product.id).desc())
        .limit(limit + 1)
    )
    if mine:
        statement = statement.where(col(Product.maker_id) == visible_to.participant_id)
    if zone is not None:
        statement = statement.where(Product.zone_id == zone)
    if state is not None:
        statement = statement.where(ProductVersion.state == state)
    if after is not None:
        statement = statement.where(col(Product.id) < after)
    return [Described(*row) for row in (await session.exec(statement)).all()]


async def list_versions(
    session: AsyncSession, product: Product, *, visible_to: Actor, limit: int, after: int | None
) -> Sequence[ProductVersion]:
    """Newest first; who is neither maker nor reviewer sees what was approved."""
    statement = (
        select(ProductVersion)
        .where(ProductVersion.product_id == product.id)
        .order_by(col(ProductVersion.number).desc())
        .limit(limit + 1)
    )
    if not (_privileged(visible_to) or visible_to.participant_id == product.maker_id):
        seen = (VersionState.APPROVED, VersionState.RETIRED)
        statement = statement.where(col(ProductVersion.state).in_(seen))
    if after is not None:
        statement = statement.where(col(ProductVersion.number) < after)
    return (await session.exec(statement)).all()


async def newest_approved(session: AsyncSession, product_id: UUID) -> int | None:
    """The number of the newest approved version."""
    statement = (
        select(ProductVersion.number)
        .where(ProductVersion.product_id == product_id, ProductVersion.state == VersionState.APPROVED)
        .order_by(col(ProductVersion.number).desc())
    )
    return (await session.exec(statement)).first()


async def is_listed(session: AsyncSession, version_id: UUID) -> bool:
    """Whether any listing of this version is, or is about to be, on sale."""
    statement = select(
        exists().where(col(Listing.product_version_id) == version_id, col(Listing.state).in_(LIVE))
    )
    return bool((await session.exec(statement)).one())


def may_see_listing(actor: Actor | None, *, state: str, provider_id: UUID, venue_operator_id: UUID) -> bool:
    """What is published is everyone's; all else the provider's, the venue's and the overseers'."""
    if state == ListingState.PUBLISHED:
        return True
    if actor is None:
        return False
    return actor.sees_all or (
        actor.participant_id is not None and actor.participant_id in {provider_id, venue_operator_id}
    )


async def get_listing(session: AsyncSession, listing_id: UUID, *, visible_to: Actor) -> Placed:
    """The listing, locked, and its venue. Raises NotFound."""
    statement = select(Listing, Venue).join(Venue, col(Venue.id) == Listing.venue_id)
    statement = statement.where(Listing.id == listing_id).with_for_update(of=Listing)
    row = (await session.exec(statement.execution_options(populate_existing=True))).first()
    if row is None:
        raise NotFound(thing="listing")
    listing, venue = row
    if not may_see_listing(
        visible_to, state=listing.state, provider_id=listing.provider_id, venue_operator_id=venue.operator_id
    ):
        raise NotFound(thing="listing")
    return Placed(listing, venue)


async def list_own_listings(
    session: AsyncSession, *, visible_to: Actor, state: ListingState | None, limit: int, after: UUID | None
) -> Sequence[Listing]:
    """What the actor's organisation lists, or what is listed on its venue; all of it for overseers."""
    statement = select(Listing).order_by(col(Listing.id).desc()).limit(limit + 1)
    if not visible_to.sees_all:
        operated = select(Venue.id).where(col(Venue.operator_id) == visible_to.participant_id)
        provided = col(Listing.provider_id) == visible_to.participant_id
        statement = statement.where(provided | col(Listing.venue_id).in_(operated))
    if state is not None:
        statement = statement.where(Listing.state == state)
    if after is not None:
        statement = statement.where(col(Listing.id) < after)
    return (await session.exec(statement)).all()


def identity_of(product: Product) -> Identity:
    """The identity as it is stored."""
    return Identity(
        product.name_zh,
        product.name_en,
        Category(product.category),
        Level(product.level),
        product.level_reason,
    )


def content_of(version: ProductVersion) -> Content:
    """The content as it is stored."""
    return Content(
        summary_zh=version.summary_zh,
        summary_en=version.summary_en,
        modality=Modality(version.modality),
        delivery_form=DeliveryForm(version.delivery_form),
        resources=tuple(version.resources),
        processing=Processing(version.processing),
        quality={QualityKey(key): promise for key, promise in version.quality.items()},
        sample_fields=tuple(SampleField(**sample) for sample in version.sample_fields),
    )


def plan_of(listing: Listing) -> PricePlan:
    """The price plan as it is stored."""
    return PricePlan(PriceModel(listing.price_model), Fen(listing.price_fen), listing.period_days)


async def get_offer(session: AsyncSession, listing_id: UUID) -> Offer:
    """What a published listing offers, as it stands now. Raises NotFound or ListingNotPublished."""
    statement = (
        select(Listing, Venue, ProductVersion.resources)
        .join(Venue, col(Venue.id) == Listing.venue_id)
        .join(ProductVersion, col(ProductVersion.id) == Listing.product_version_id)
        .where(Listing.id == listing_id)
    )
    row = (await session.exec(statement)).first()
    if row is None:
        raise NotFound(thing="listing")
    listing, venue, resources = row
    if listing.state != ListingState.PUBLISHED:
        raise ListingNotPublished(state=listing.state)
    zone = await zones.get_zone(session, listing.zone_id) if listing.zone_id else None
    return Offer(
        listing_id=listing.id,
        product_id=listing.product_id,
        product_code=listing.product_code,
        product_version=listing.product_version,
        provider_id=listing.provider_id,
        venue_id=venue.id,
        venue_operator_id=venue.operator_id,
        venue_fee_bps=venue.fee_bps,
        zone_id=listing.zone_id,
        operator_id=zone.operator_id if zone else None,
        scenario_id=listing.scenario_id,
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
    resources = await zones.resources_by_ids(session, resource_ids)
    units = dict.fromkeys(resources[key].supplying_unit_id for key in resource_ids)
    found = await participants.participants_by_ids(session, list(units))
    return tuple(Supplier(unit, IncomeClass(found[unit].income_class)) for unit in units)
