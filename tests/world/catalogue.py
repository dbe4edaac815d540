"""Venues, products and listings, made as the authority, makers and reviewers make them."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.catalogue.listings import actions as listing_actions
from datamarket.catalogue.listings import queries as listing_queries
from datamarket.catalogue.listings.tables import Listing
from datamarket.catalogue.listings.terms import ListingEvent, PriceModel, PricePlan, PriceTier
from datamarket.catalogue.products import actions as product_actions
from datamarket.catalogue.products import queries as product_queries
from datamarket.catalogue.products.queries import Described
from datamarket.catalogue.products.tables import Product, ProductVersion
from datamarket.catalogue.products.terms import Content, DeliveryForm, Identity, Modality, ProductEvent
from datamarket.catalogue.terms import Category
from datamarket.catalogue.venues import actions as venue_actions
from datamarket.catalogue.venues.tables import Venue
from datamarket.catalogue.venues.terms import FeePayer, VenueKind, VenueTerms
from datamarket.foundation.money import Fen
from datamarket.participants.tables import Participant
from datamarket.participants.terms import ParticipantKind
from datamarket.zones.resources.tables import Resource
from datamarket.zones.terms import Level, UseClass
from tests.world import zones
from tests.world.participants import acting_for, admitted
from tests.world.people import AUTHORITY, REVIEWER, moment, unique

YEARLY = PricePlan(PriceModel.PER_PERIOD, Fen(8_450_000), 365)
PER_CALL = PricePlan(PriceModel.PER_CALL, Fen(3_000))
ONE_OFF = PricePlan(PriceModel.ONE_OFF, Fen(25_600_000))
FREE = PricePlan(PriceModel.FREE, Fen(0))
GRADUATED = PricePlan(
    PriceModel.GRADUATED, Fen(100), tiers=(PriceTier(10, Fen(80)), PriceTier(20, Fen(50))), cap_fen=Fen(3_000)
)
TWO_PART = PricePlan(PriceModel.TWO_PART, Fen(5), units=1_000, basic_fen=Fen(120_000), minimum_fen=Fen(1_000))


@dataclass(frozen=True)
class Made:
    """A product with one version, its maker, and the maker's account."""

    product: Product
    version: ProductVersion
    maker: Participant
    account: Actor


@dataclass(frozen=True)
class Listed(Made):
    """A product on a venue."""

    listing: Listing
    venue: Venue


async def venue(
    session: AsyncSession,
    *,
    kind: VenueKind = VenueKind.DATA_EXCHANGE,
    qualified_from: date | None = date(2023, 1, 1),
    fee_bps: int = 100,
    fee_payer: FeePayer = FeePayer.SELLER,
    categories: tuple[Category, ...] = (),
) -> Venue:
    """An open venue with an operator of its own."""
    operator = await admitted(session, ParticipantKind.VENUE_OPERATOR)
    code = unique("V")
    terms = VenueTerms(f"模拟平台 {code}", f"Venue {code}", qualified_from, "assumed", fee_bps, fee_payer)
    return await venue_actions.open_venue(
        session,
        AUTHORITY,
        code=code,
        kind=kind,
        operator_id=operator.id,
        terms=terms,
        categories=categories,
        now=moment(),
    )


def identity(
    name_zh: str = "近海作业窗口接口",
    name_en: str = "Offshore working-window API",
    *,
    category: Category = Category.OCEAN,
    level: Level = Level.GENERAL,
    level_reason: str | None = None,
) -> Identity:
    return Identity(name_zh, name_en, category, level, level_reason)


def content(
    *resources: Resource,
    summary_zh: str = "基于潮位与风浪观测加工，可用不可见。",
    summary_en: str = "Made from tide and wave observations; usable, not visible.",
    delivery_form: DeliveryForm = DeliveryForm.API,
) -> Content:
    used = tuple(resource.id for resource in resources)
    return Content(summary_zh, summary_en, Modality.TIME_SERIES, delivery_form, used)


async def draft_product(
    session: AsyncSession,
    *,
    maker: Participant | None = None,
    called: Identity | None = None,
    offering: Content | None = None,
) -> Made:
    """Of own data, with a maker of its own unless one is given."""
    owner = maker or await admitted(session)
    account = acting_for(owner)
    product, version = await product_actions.make_product(
        session,
        account,
        maker_id=owner.id,
        code=unique("P"),
        identity=called or identity(),
        content=offering or content(),
        now=moment(),
    )
    return Made(product, version, owner, account)


async def draft_zone_product(
    session: AsyncSession,
    *,
    maker: Participant | None = None,
    use_class: UseClass = UseClass.INDUSTRY,
    operated: zones.OperatedZone | None = None,
    resources: tuple[Resource, ...] = (),
    called: Identity | None = None,
) -> Made:
    """Of a zone's data, with zone, scenario and a registered resource of its own unless they are given."""
    within = operated or await zones.open_zone(session)
    used = resources or (await zones.registered_resource(session, within),)
    scenario = await zones.scenario(session, within.zone.id, use_class=use_class)
    owner = maker or await admitted(session)
    account = acting_for(owner)
    product, version = await product_actions.make_product(
        session,
        account,
        maker_id=owner.id,
        code=unique("OP"),
        identity=called or identity(),
        content=content(*used),
        zone_id=within.zone.id,
        scenario_id=scenario.id,
        now=moment(),
    )
    return Made(product, version, owner, account)


async def approve(session: AsyncSession, made: Made) -> Described:
    """Submitted by the maker, approved by somebody else."""
    for actor, event in ((made.account, ProductEvent.SUBMIT), (REVIEWER, ProductEvent.APPROVE)):
        described = await product_queries.lock_product(session, made.product.id, visible_to=actor)
        await product_actions.move_product(session, actor, described, event, now=moment())
    return described


async def approved_product(session: AsyncSession, *, called: Identity | None = None) -> Made:
    """Of own data, ready to be listed."""
    made = await draft_product(session, called=called)
    await approve(session, made)
    return made


async def list_made(
    session: AsyncSession, made: Made, *, on: Venue | None = None, plan: PricePlan = YEARLY
) -> Listed:
    """A draft of a listing."""
    where = on or await venue(session)
    listing, _ = await listing_actions.list_product(
        session, made.account, product_id=made.product.id, venue_id=where.id, plan=plan, now=moment()
    )
    return Listed(made.product, made.version, made.maker, made.account, listing, where)


async def publish(session: AsyncSession, account: Actor, listing_id: UUID) -> Listing:
    """Submitted by the provider, published by the authority."""
    for actor, event in ((account, ListingEvent.SUBMIT), (AUTHORITY, ListingEvent.PUBLISH)):
        placed = await listing_queries.lock_listing(session, listing_id, visible_to=actor)
        await listing_actions.move_listing(session, actor, placed, event, now=moment())
    return placed.listing


async def published_listing(
    session: AsyncSession,
    *,
    maker: Participant | None = None,
    on: Venue | None = None,
    plan: PricePlan = YEARLY,
    called: Identity | None = None,
    offering: Content | None = None,
) -> Listed:
    """A product of own data, on sale."""
    made = await draft_product(session, maker=maker, called=called, offering=offering)
    await approve(session, made)
    listed = await list_made(session, made, on=on, plan=plan)
    await publish(session, listed.account, listed.listing.id)
    return listed


async def published_zone_listing(
    session: AsyncSession,
    *,
    maker: Participant | None = None,
    use_class: UseClass = UseClass.INDUSTRY,
    operated: zones.OperatedZone | None = None,
    resources: tuple[Resource, ...] = (),
    on: Venue | None = None,
    plan: PricePlan = YEARLY,
) -> Listed:
    """A product of a zone's data, on sale."""
    made = await draft_zone_product(
        session, maker=maker, use_class=use_class, operated=operated, resources=resources
    )
    await approve(session, made)
    listed = await list_made(session, made, on=on, plan=plan)
    await publish(session, listed.account, listed.listing.id)
    return listed
