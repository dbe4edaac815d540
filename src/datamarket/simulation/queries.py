"""What the simulator must know of the city it plays in: read once, before the year begins."""

import hashlib
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor, Role
from datamarket.catalogue.listings.terms import PriceModel
from datamarket.simulation.terms import OFFICES, OPENED_LATER, Affiliated, Enterprise, Shelf

_ENTERPRISES = text("""
SELECT p.id, p.uscc, p.division, a.id AS account_id FROM participant p
  LEFT JOIN account a ON a.participant_id = p.id
 WHERE p.kind = 'enterprise' AND p.state = 'admitted' ORDER BY p.uscc
""")
_SHELVES = text("""
SELECT l.id, p.uscc, l.price_model, l.price_fen, v.qualified_for_subsidy, l.use_class, l.zone_id
  FROM listing l JOIN participant p ON p.id = l.provider_id JOIN venue v ON v.id = l.venue_id
 WHERE l.state = 'published' AND p.state = 'admitted' AND l.price_terms IS NULL ORDER BY l.product_code
""")
_GENERAL_VENUE = text("""
SELECT id FROM venue WHERE qualified_for_subsidy AND state = 'open' AND categories = '{}' ORDER BY code LIMIT 1
""")
_AFFILIATED = text("""
SELECT a.uscc AS controller, b.uscc AS controlled FROM affiliation f
  JOIN participant a ON a.id = f.controller_id JOIN participant b ON b.id = f.controlled_id
 WHERE f.to_on IS NULL AND a.kind = 'enterprise' AND b.kind = 'enterprise' ORDER BY 1, 2
""")
_LAPSING = text("""
SELECT r.id, r.valid_to, z.operator_id, a.id AS account_id
  FROM resource r JOIN zone z ON z.id = r.zone_id LEFT JOIN account a ON a.participant_id = z.operator_id
 WHERE r.state = 'registered' AND r.valid_to <= :until ORDER BY r.code
""")
_ENDING = text("""
SELECT id, zone_id, term_to FROM mandate WHERE state = 'granted' AND followed_by IS NULL AND term_to < :until ORDER BY zone_id
""")
_BEGUN = text("SELECT max(begun) FROM (SELECT min(term_from) AS begun FROM mandate GROUP BY zone_id) AS zone")
TRADING = frozenset({Role.PROVIDER, Role.BUYER})


async def enterprises(session: AsyncSession, city_code: str) -> list[Enterprise]:
    """Every admitted enterprise, in the order of its code; without an account, its own id acts for it."""
    rows = (await (await session.connection()).execute(_ENTERPRISES)).all()
    return [
        Enterprise(
            row.id,
            row.uscc,
            Actor(row.account_id or row.id, row.id, TRADING),
            row.division.startswith(city_code),
        )
        for row in rows
    ]


async def shelves(session: AsyncSession) -> list[Shelf]:
    """Every published listing of an admitted provider at units times price, in the order of its product's code."""
    rows = (await (await session.connection()).execute(_SHELVES)).all()
    return [
        Shelf(
            row.id,
            row.uscc,
            PriceModel(row.price_model),
            row.price_fen,
            row.qualified_for_subsidy,
            row.use_class == "public_good",
            row.zone_id is None,
        )
        for row in rows
    ]


async def lapsing(session: AsyncSession, until: date) -> list[tuple[UUID, date, Actor]]:
    """Registrations that are over by this day, each with the last day of its validity and who renews it."""
    rows = (await (await session.connection()).execute(_LAPSING, {"until": until})).all()
    operating = frozenset({Role.OPERATOR})
    return [
        (row.id, row.valid_to, Actor(row.account_id or row.operator_id, row.operator_id, operating))
        for row in rows
    ]


async def ending(session: AsyncSession, until: date) -> list[tuple[UUID, UUID, date]]:
    """Mandates that are over before this day: its zone, itself, and the first day after its term."""
    rows = (await (await session.connection()).execute(_ENDING, {"until": until})).all()
    return [(row.zone_id, row.id, row.term_to) for row in rows]


async def zone_id_of(session: AsyncSession, code: str) -> UUID:
    """Raises NoResultFound."""
    statement = text("SELECT id FROM zone WHERE code = :code")
    found: UUID = (await (await session.connection()).execute(statement, {"code": code})).scalar_one()
    return found


async def begun_on(session: AsyncSession) -> date | None:
    """From when on every zone has had a mandate; None in a city without zones."""
    begun: date | None = (await (await session.connection()).execute(_BEGUN)).scalar_one()
    return begun


async def general_venue(session: AsyncSession) -> UUID:
    """The first open venue that admits every category and counts for the subsidy. Raises NoResultFound."""
    found: UUID = (await (await session.connection()).execute(_GENERAL_VENUE)).scalar_one()
    return found


async def affiliated(session: AsyncSession) -> list[Affiliated]:
    rows = (await (await session.connection()).execute(_AFFILIATED)).all()
    return [Affiliated(row.controller, row.controlled) for row in rows]


async def published(session: AsyncSession, product_id: UUID) -> tuple[UUID, int]:
    """The listing of a product, and its price in fen. Raises NoResultFound."""
    statement = text("SELECT id, price_fen FROM listing WHERE product_id = :product AND state = 'published'")
    row = (await (await session.connection()).execute(statement, {"product": product_id})).one()
    return row.id, row.price_fen


async def count_cases(session: AsyncSession) -> int:
    """How many the register has."""
    found: int = (
        await (await session.connection()).execute(text("SELECT count(*) FROM subsidy_case"))
    ).scalar_one()
    return found


async def has_participants(session: AsyncSession) -> bool:
    """Whether any city was loaded."""
    statement = text("SELECT EXISTS (SELECT FROM participant)")
    return bool((await (await session.connection()).execute(statement)).scalar_one())


async def offices(session: AsyncSession) -> dict[str, Actor]:
    """Who acts for each public body; a city of before has no second finance account. Raises LookupError when none was loaded."""
    statement = text("SELECT username, id FROM account WHERE username = ANY(:usernames)")
    rows = (await (await session.connection()).execute(statement, {"usernames": list(OFFICES)})).all()
    if missing := set(OFFICES) - OPENED_LATER - {row.username for row in rows}:
        raise LookupError(missing)
    return {row.username: Actor(row.id, None, frozenset({OFFICES[row.username]})) for row in rows}


_BOOKS = text("""
SELECT concat_ws('|', to_char(t.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), s.uscc, b.uscc, v.code,
                 t.quantity, t.amount_fen, t.refunded_fen, t.split::text) AS line
  FROM trade t JOIN participant s ON s.id = t.provider_id JOIN participant b ON b.id = t.buyer_id
  JOIN venue v ON v.id = t.venue_id
 ORDER BY line
""")


async def books_sha256(session: AsyncSession) -> str:
    """The digest of every trade as one line, in one order, read a few at a time: equal books give an equal one."""
    digest, between = hashlib.sha256(), b""
    async for line in (await (await session.connection()).stream(_BOOKS)).scalars():
        digest.update(between + line.encode())
        between = b"\n"
    return digest.hexdigest()
