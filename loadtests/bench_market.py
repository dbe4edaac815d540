"""The market that the bench measures: many listings by COPY, and traders with money and signed contracts."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor, Role
from datamarket.catalogue import words
from datamarket.catalogue.listings.tables import Listing
from datamarket.catalogue.listings.terms import ListingState, PriceModel
from datamarket.catalogue.products.tables import Product, ProductVersion
from datamarket.catalogue.products.terms import DeliveryForm, Modality, VersionState
from datamarket.catalogue.terms import Category
from datamarket.catalogue.venues import actions as catalogue
from datamarket.catalogue.venues.tables import Venue
from datamarket.catalogue.venues.terms import FeePayer, VenueKind, VenueTerms
from datamarket.contracts import actions as contracts
from datamarket.contracts.terms import ContractEvent, Purpose
from datamarket.foundation.db import Database
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen
from datamarket.ledger.books import actions as ledger
from datamarket.participants import actions as participants
from datamarket.participants import rules as participant_rules
from datamarket.participants.tables import Participant
from datamarket.participants.terms import IncomeClass, ParticipantEvent, ParticipantKind
from datamarket.zones.terms import Level, UseClass

DEPOSIT = Fen(10**13)
JSON_COLUMNS = {"quality", "sample_fields"}
TERM = timedelta(days=365)
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
class Trader:
    """A buyer with money, and its own signed contract."""

    actor: Actor
    contract_id: UUID


@dataclass(frozen=True)
class Grown:
    """What stands in the market when it has grown."""

    listings: list[UUID]
    provider: Actor
    venue: Venue
    traders: list[Trader]


def actor_of(participant: Participant | None, *roles: Role, now: datetime) -> Actor:
    return Actor(new_id(now), participant.id if participant else None, frozenset(roles))


async def grow(database: Database, ledger_id: int, *, listings: int, traders: int, now: datetime) -> Grown:
    """A venue, a provider with so many published listings, and so many traders."""
    authority = actor_of(None, Role.AUTHORITY, now=now)
    async with database.transaction() as session:
        seller = await _admit(session, authority, ParticipantKind.ENTERPRISE, 0, now)
        operator = await _admit(session, authority, ParticipantKind.VENUE_OPERATOR, 1, now)
        venue = await catalogue.open_venue(
            session,
            authority,
            code="V-BENCH",
            kind=VenueKind.DATA_EXCHANGE,
            operator_id=operator.id,
            terms=VenueTerms("量测交易平台", "Bench exchange", None, "bench", 100, FeePayer.SELLER),
            now=now,
        )
    ids = await _load_listings(database.url, seller, venue, listings, now)
    provider = actor_of(seller, Role.PROVIDER, now=now)
    grown = [
        await _trader(
            database,
            authority,
            provider,
            ledger_id=ledger_id,
            listing_id=ids[0],
            serial=2 + number,
            now=now,
        )
        for number in range(traders)
    ]
    return Grown(ids, provider, venue, grown)


async def _admit(
    session: AsyncSession, authority: Actor, kind: ParticipantKind, serial: int, now: datetime
) -> Participant:
    body = f"91370212QDBE{serial:05}"
    applied = await participants.register_participant(
        session,
        authority,
        uscc=body + participant_rules.check_digit(body),
        name_zh=f"量测主体{serial}",
        name_en=f"Bench {serial}",
        kind=kind,
        income_class=IncomeClass.ENTERPRISE,
        division="370212",
        industry="6450",
        now=now,
    )
    return await participants.move_participant(
        session, authority, applied.id, ParticipantEvent.ADMIT, now=now
    )


async def _trader(
    database: Database,
    authority: Actor,
    provider: Actor,
    *,
    ledger_id: int,
    listing_id: UUID,
    serial: int,
    now: datetime,
) -> Trader:
    """Through the same actions as any other."""
    async with database.transaction() as session:
        participant = await _admit(session, authority, ParticipantKind.ENTERPRISE, serial, now)
        buyer = actor_of(participant, Role.BUYER, now=now)
        await ledger.deposit(
            session,
            actor_of(None, Role.FINANCE, now=now),
            ledger_id,
            owner_id=participant.id,
            amount_fen=DEPOSIT,
            reference=f"bench {participant.id}",
            now=now,
        )
        contract = await contracts.request_contract(
            session,
            buyer,
            listing_id=listing_id,
            purposes=frozenset({Purpose.INDUSTRIAL_DEVELOPMENT}),
            use_class=UseClass.INDUSTRY,
            term_from=now - timedelta(days=1),
            term_to=now + TERM,
            quota=None,
            now=now,
        )
        for party, event in (
            (provider, ContractEvent.AGREE),
            (provider, ContractEvent.SIGN),
            (buyer, ContractEvent.SIGN),
        ):
            await contracts.move_contract(session, party, contract, event, ledger_id=ledger_id, now=now)
    return Trader(buyer, contract.id)


async def _load_listings(
    url: str, seller: Participant, venue: Venue, wanted: int, now: datetime
) -> list[UUID]:
    """Products, versions and listings as the actions would have left them, by COPY."""
    rows = list(_generated(seller, venue, wanted, now))
    connection = await asyncpg.connect(url)
    try:
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
    finally:
        await connection.close()
    return [listing.id for _, _, listing in rows]


async def _copy(connection: "asyncpg.Connection[asyncpg.Record]", table: str, rows: Sequence[Any]) -> None:
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
