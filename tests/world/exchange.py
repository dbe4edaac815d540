"""A market that is asked much: one provider's many listings by COPY, and buyers with money under contracts of their own."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from datamarket.auth.terms import Actor
from datamarket.catalogue import words
from datamarket.catalogue.listings.tables import Listing
from datamarket.catalogue.listings.terms import ListingState, PriceModel
from datamarket.catalogue.products.tables import Product, ProductVersion
from datamarket.catalogue.products.terms import DeliveryForm, Modality, VersionState
from datamarket.catalogue.terms import Category
from datamarket.catalogue.venues.tables import Venue
from datamarket.foundation.db import Connection, Database, owner_connection
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen
from datamarket.participants.tables import Participant
from datamarket.zones.terms import Level
from tests.world import catalogue, trading
from tests.world.catalogue import Listed
from tests.world.participants import acting_for, admitted
from tests.world.people import AUDITOR, FINANCE, enrol
from tests.world.trading import Agreement

DEPOSIT = Fen(10**13)
JSON_COLUMNS = {"quality", "sample_fields"}
SUBJECTS = (
    ("海洋环境", "ocean environment"),
    ("近海气象", "coastal weather"),
    ("港口集疏运", "port hinterland traffic"),
    ("企业信用", "enterprise credit"),
    ("医疗影像", "medical imaging"),
    ("充电设施", "charging points"),
    ("渔业捕捞", "fishery catch"),
    ("住房租赁", "housing rental"),
)
FORMS = (
    ("画像", "profile"),
    ("预警", "warning"),
    ("评分", "score"),
    ("名录", "register"),
    ("时序", "series"),
)


@dataclass(frozen=True)
class Exchange:
    """What stands in the market: listings by id, their provider, and one contract of each buyer."""

    listings: list[UUID]
    provider: Actor
    deals: list[Agreement]


async def exchange(database: Database, *, listings: int, buyers: int, now: datetime) -> Exchange:
    """A venue, a provider with so many listings published up to now, and so many buyers of the first."""
    async with database.transaction() as session:
        seller = await admitted(session)
        venue = await catalogue.venue(session)
    offers = list(_generated(seller, venue, listings, now))
    await _load(database.url, offers)
    provider = acting_for(seller)
    product, version, listing = offers[0]
    first = Listed(product, version, seller, provider, listing, venue)
    deals = [await trading.active_contract(database, listed=first, funds=DEPOSIT) for _ in range(buyers)]
    await enrol(database, provider, FINANCE, AUDITOR, *(deal.buyer_account for deal in deals))
    return Exchange([listing.id for _, _, listing in offers], provider, deals)


async def _load(url: str, rows: Sequence[tuple[Product, ProductVersion, Listing]]) -> None:
    """Products, versions and listings as the actions would have left them, by COPY."""
    async with owner_connection(url) as connection:
        await _copy(connection, "product", [product for product, _, _ in rows])
        await _copy(connection, "product_version", [version for _, version, _ in rows])
        # COPY has no binary form for a tsvector: it goes through a table where it is text.
        await connection.execute("CREATE TEMP TABLE loaded (LIKE listing)")
        await connection.execute("ALTER TABLE loaded ALTER COLUMN search TYPE text USING search::text")
        await _copy(connection, "loaded", [listing for _, _, listing in rows])
        columns = ", ".join(Listing.model_fields)
        chosen = columns.replace("search", "search::tsvector")
        await connection.execute(f"INSERT INTO listing ({columns}) SELECT {chosen} FROM loaded")  # noqa: S608
        await connection.execute("VACUUM ANALYZE product, product_version, listing")


async def _copy(connection: Connection, table: str, rows: Sequence[Any]) -> None:
    columns = list(type(rows[0]).model_fields)
    records = (tuple(_plain(column, getattr(row, column)) for column in columns) for row in rows)
    await connection.copy_records_to_table(table, records=records, columns=columns)


def _plain(column: str, value: object) -> object:
    """jsonb travels as text."""
    return orjson.dumps(value).decode() if column in JSON_COLUMNS else value


def _generated(
    seller: Participant, venue: Venue, wanted: int, now: datetime
) -> Iterator[tuple[Product, ProductVersion, Listing]]:
    """Deterministic text in both languages; times a second apart, so that every order is a real one."""
    chance = random.Random(7)
    categories = list(Category)
    for number in range(wanted):
        at = now - timedelta(seconds=wanted - number)
        subject, form = chance.choice(SUBJECTS), chance.choice(FORMS)
        product = Product(
            id=new_id(at),
            code=f"BENCH-{number:07}",
            maker_id=seller.id,
            name_zh=f"{subject[0]}{form[0]}{number}",
            name_en=f"{subject[1]} {form[1]} {number}",
            category=chance.choice(categories),
            level=Level.GENERAL,
            approved=1,
            created_at=at,
        )
        version = ProductVersion(
            id=new_id(at),
            product_id=product.id,
            number=1,
            summary_zh=f"面向{chance.choice(SUBJECTS)[0]}场景的{form[0]}数据产品，按次交付。",
            summary_en=f"A {form[1]} for {chance.choice(SUBJECTS)[1]}, delivered per call.",
            resources=[],
            modality=Modality.STRUCTURED,
            delivery_form=DeliveryForm.API,
            processing="derived",
            quality={},
            sample_fields=[],
            state=VersionState.APPROVED,
            created_at=at,
        )
        yield product, version, _listing(product, version, venue, 100 + chance.randrange(100_000), at)


def _listing(
    product: Product, version: ProductVersion, venue: Venue, price_fen: int, at: datetime
) -> Listing:
    names = f"{product.code}\n{product.name_zh}\n{product.name_en}"
    text = f"{names}\n{version.summary_zh}\n{version.summary_en}"
    filters = words.filter_terms(
        zone=None, venue=venue.id, category=product.category, form=version.delivery_form, price="per_call"
    )
    filters += ["use:public_good", "use:industry"]
    return Listing(
        id=new_id(at),
        product_id=product.id,
        product_version_id=version.id,
        product_code=product.code,
        product_version=1,
        provider_id=product.maker_id,
        venue_id=venue.id,
        venue_code=venue.code,
        name_zh=product.name_zh,
        name_en=product.name_en,
        summary_zh=version.summary_zh,
        summary_en=version.summary_en,
        category=product.category,
        level=product.level,
        modality=version.modality,
        delivery_form=version.delivery_form,
        price_model=PriceModel.PER_CALL,
        price_fen=price_fen,
        state=ListingState.PUBLISHED,
        published_at=at,
        created_at=at,
        name_key=words.name_key(product.name_zh),
        phrases=words.phrases(text),
        search=words.lexemes([*words.search_terms(text), *filters]),
    )
