"""Counting and adding up: plain SQL over the rows of every slice; no statement returns more than `MOST` rows."""

from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.clock import business_date
from datamarket.foundation.tables import quoted
from datamarket.statistics.terms import Group, Grouping, Turnover, YearBrought, names_of
from datamarket.subsidy.runs.rules import PUBLIC

MOST = 500
# S608 in this module: every part of a statement is a constant that stands here.
_COUNTS = """
SELECT (SELECT count(*) FROM zone z WHERE state = 'open' AND EXISTS (
                SELECT FROM mandate m WHERE m.zone_id = z.id AND m.term_from <= :on AND coalesce(m.ended_on, m.term_to) > :on))
                 AS open_zones,
       (SELECT coalesce(sum(records), 0)::bigint FROM resource WHERE state = 'registered' AND valid_to > :on) AS registered_records,
       (SELECT count(*) FROM participant WHERE kind = 'enterprise' AND state = 'admitted') AS admitted_enterprises,
       (SELECT count(DISTINCT q.participant_id) FROM qualification q JOIN participant p ON p.id = q.participant_id
         WHERE q.kind = 'data_merchant' AND p.state = 'admitted'
           AND q.granted_on <= :on AND (q.until_on IS NULL OR q.until_on > :on)) AS data_merchants,
       tally.operation_products, tally.exchange_products, tally.published_listings,
       (SELECT count(*) FROM contract_meter WHERE state = 'active' AND stands_until > :now) AS active_contracts,
       (SELECT coalesce(sum(b.credit_fen - b.debit_fen), 0)::bigint
          FROM ledger_account a JOIN ledger_balance b ON b.ledger_id = a.ledger_id AND b.account_id = a.id
         WHERE a.ledger_id = :ledger_id AND a.kind = 'treasury')
       + (SELECT coalesce(sum(amount_fen), 0)::bigint FROM payout
           WHERE ledger_id = :ledger_id AND account_kind = 'treasury' AND state IN ('sent', 'executed')) AS treasury_income_fen
  FROM (SELECT coalesce(sum(many) FILTER (WHERE kind = 'operation_products'), 0)::bigint AS operation_products,
               coalesce(sum(many) FILTER (WHERE kind = 'exchange_products'), 0)::bigint AS exchange_products,
               coalesce(sum(many) FILTER (WHERE kind = 'published_listings'), 0)::bigint AS published_listings
          FROM market_tally) AS tally
"""
# What trades and refunds keep by contract and month, and open disputes: a million trades are some thousand rows.
_SOLD = """(
    SELECT ledger_id, month, contract_id, provider_id, venue_id, trades - free_trades AS trades, free_trades, gross_fen,
           refunded_fen, 0 AS disputed_fen FROM monthly_turnover
    UNION ALL
    SELECT t.ledger_id, turnover_month(t.occurred_at), t.contract_id, t.provider_id, t.venue_id, 0, 0, 0, 0, d.amount_fen
      FROM trade_dispute d JOIN trade t ON t.id = d.trade_id WHERE d.state IN ('opened', 'answered')
) AS sold"""
_SUMS = (
    "sum(trades)::bigint AS trades, sum(free_trades)::bigint AS free_trades, sum(gross_fen)::bigint AS gross_fen,"
    " sum(refunded_fen)::bigint AS refunded_fen, sum(disputed_fen)::bigint AS disputed_fen"
)
_EVER = "sold.ledger_id = :ledger_id"
_IN_YEAR = "sold.ledger_id = :ledger_id AND month >= :first AND month < :next"
_YEARS = f"""
SELECT extract(year FROM month)::int AS year, {_SUMS}
  FROM {_SOLD} WHERE {_EVER} GROUP BY year ORDER BY year DESC LIMIT {MOST}
"""  # noqa: S608
# What the treasury kept of the bookings of a year, before it was paid out; and awards of the runs that everyone may see.
_INCOME = """
SELECT year, sum(fen)::bigint AS fen FROM (
    SELECT extract(year FROM d.day)::int AS year, d.credit_fen - d.debit_fen AS fen
      FROM ledger_account a JOIN ledger_day d ON d.ledger_id = a.ledger_id AND d.account_id = a.id
     WHERE a.ledger_id = :ledger_id AND a.kind = 'treasury'
     UNION ALL
    SELECT extract(year FROM b.sent_at AT TIME ZONE 'Asia/Shanghai')::int, p.amount_fen
      FROM payout p JOIN payout_batch b ON b.ledger_id = p.ledger_id AND b.id = p.batch_id
     WHERE p.ledger_id = :ledger_id AND p.account_kind = 'treasury' AND p.state IN ('sent', 'executed')
) AS booked GROUP BY year
"""
_AWARDED = f"""
SELECT r.year, sum(l.amount_fen)::bigint AS fen, count(DISTINCT l.uscc) AS enterprises
  FROM subsidy_run r JOIN subsidy_line l ON l.run_id = r.id
 WHERE r.ledger_id = :ledger_id AND r.state IN ({quoted(PUBLIC)}) AND l.amount_fen > 0 GROUP BY r.year
"""  # noqa: S608
_EXPRESSIONS = {
    Grouping.ZONE: "zone_id",
    Grouping.VENUE: "sold.venue_id",
    Grouping.CATEGORY: "category",
    Grouping.MONTH: "to_char(month, 'YYYY-MM')",
}
_LARGEST_FIRST = "gross_fen - refunded_fen DESC, key"


def _turnover(by: Grouping, when: str) -> str:
    """Added up first, named afterwards: a name is looked up once a group."""
    contract = (
        "JOIN contract ON contract.id = contract_id" if by in {Grouping.ZONE, Grouping.CATEGORY} else ""
    )
    added = (
        f"SELECT {_EXPRESSIONS[by]} AS grouped, {_SUMS} FROM {_SOLD} {contract} WHERE {when} GROUP BY grouped"  # noqa: S608
    )
    if by in {Grouping.ZONE, Grouping.VENUE}:
        named, join = "p.code AS key, p.id, p.name_zh, p.name_en", f"LEFT JOIN {by} p ON p.id = added.grouped"
    else:
        named, join = "grouped AS key, NULL::uuid AS id, NULL AS name_zh, NULL AS name_en", ""
    order = "key DESC" if by is Grouping.MONTH else _LARGEST_FIRST
    return (
        f"SELECT {named}, trades, free_trades, gross_fen, refunded_fen, disputed_fen"  # noqa: S608
        f" FROM ({added}) AS added {join} ORDER BY {order} LIMIT {MOST}"
    )


def _league(when: str) -> str:
    return f"""
SELECT s.rank, p.id, p.uscc, p.name_zh, p.name_en, s.trades, s.free_trades, s.gross_fen, s.refunded_fen, s.disputed_fen
  FROM (SELECT provider_id, {_SUMS}, rank() OVER (ORDER BY sum(gross_fen - refunded_fen) DESC) AS rank
          FROM {_SOLD} JOIN participant seller ON seller.id = provider_id AND seller.kind = 'enterprise'
         WHERE {when} GROUP BY provider_id HAVING sum(gross_fen - refunded_fen) > 0) AS s
  JOIN participant p ON p.id = s.provider_id
 WHERE s.rank <= :ranks ORDER BY s.rank, p.uscc LIMIT {MOST}
"""  # noqa: S608


_TURNOVER = {(by, when): text(_turnover(by, when)) for by in Grouping for when in (_EVER, _IN_YEAR)}
_LEAGUE = {when: text(_league(when)) for when in (_EVER, _IN_YEAR)}


class Counts(NamedTuple):
    """What there is in the market now."""

    open_zones: int
    registered_records: int
    admitted_enterprises: int
    data_merchants: int
    operation_products: int
    exchange_products: int
    published_listings: int
    active_contracts: int
    treasury_income_fen: int


class Ranked(NamedTuple):
    """An enterprise's place: equals share one, and the next place is left out."""

    rank: int
    id: UUID
    uscc: str
    name_zh: str
    name_en: str
    turnover: Turnover


async def count_market(session: AsyncSession, ledger_id: int, *, now: datetime) -> Counts:
    """What there is now: what is over, stopped or not yet begun is not counted."""
    connection = await session.connection()
    row = (
        await connection.execute(
            text(_COUNTS), {"ledger_id": ledger_id, "on": business_date(now), "now": now}
        )
    ).one()
    return Counts(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


async def turnover_by_year(session: AsyncSession, ledger_id: int) -> dict[int, Turnover]:
    """Newest year first."""
    connection = await session.connection()
    rows = (await connection.execute(text(_YEARS), {"ledger_id": ledger_id})).all()
    return {row.year: _turnover_of(row) for row in rows}


async def years_brought(session: AsyncSession, ledger_id: int) -> list[YearBrought]:
    """What each year with trades brought, newest first."""
    connection, asked = await session.connection(), {"ledger_id": ledger_id}
    income = {row.year: row.fen for row in (await connection.execute(text(_INCOME), asked)).all()}
    awarded = {row.year: row[1:] for row in (await connection.execute(text(_AWARDED), asked)).all()}
    years = await turnover_by_year(session, ledger_id)
    return [
        YearBrought(year, turnover, income.get(year, 0), *awarded.get(year, (0, 0)))
        for year, turnover in years.items()
    ]


async def turnover(session: AsyncSession, ledger_id: int, *, by: Grouping, year: int | None) -> list[Group]:
    """One line a group, largest net first, months newest first; of one business year, or of all time."""
    when, values = _period(ledger_id, year)
    rows = (await (await session.connection()).execute(_TURNOVER[by, when], values)).all()
    return [
        Group(row.key, row.id, names_of(by, row.key, (row.name_zh, row.name_en)), _turnover_of(row))
        for row in rows
    ]


async def league_table(
    session: AsyncSession, ledger_id: int, *, year: int | None, ranks: int
) -> list[Ranked]:
    """Sellers among the enterprises by net turnover, down to a rank; all who share that rank are in it."""
    when, values = _period(ledger_id, year)
    rows = (await (await session.connection()).execute(_LEAGUE[when], values | {"ranks": ranks})).all()
    return [Ranked(row.rank, row.id, row.uscc, row.name_zh, row.name_en, _turnover_of(row)) for row in rows]


def _period(ledger_id: int, year: int | None) -> tuple[str, dict[str, Any]]:
    if year is None:
        return _EVER, {"ledger_id": ledger_id}
    return _IN_YEAR, {"ledger_id": ledger_id, "first": date(year, 1, 1), "next": date(year + 1, 1, 1)}


def _turnover_of(row: Row[Any]) -> Turnover:
    return Turnover(row.trades, row.free_trades, row.gross_fen, row.refunded_fen, row.disputed_fen)
