"""Reading flags, and writing down what detectors found."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.db import Connection, PageAsked, asked, keyset, lock_row, one_row
from datamarket.foundation.ids import new_ids
from datamarket.subsidy.integrity.detectors import Parameters
from datamarket.subsidy.integrity.statements import STATEMENTS
from datamarket.subsidy.integrity.tables import IntegrityFlag
from datamarket.subsidy.integrity.terms import Detector, Finding, FlagState

_ROW = f"""jsonb_build_object('integrity_flag', jsonb_build_object(id::text, (
       SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(integrity_flag)) WHERE key = ANY ('{{{",".join(sorted(IntegrityFlag.TOLD))}}}'))))
       AS told"""  # noqa: S608 - constants
"""What an event tells of a flag."""
# A trade that lies in several of a flag's terms counts once. Weighed first: a shard takes no INSERT straight from its tables.
_RAISE = f"""
WITH weighed AS MATERIALIZED (
    SELECT f.*, sold.trades, sold.fen + claimed.fen AS fen
      FROM unnest($6::uuid[], $7::text[], $8::int[], $9::text[], $10::text[], $11::jsonb[])
           AS f (id, detector, version, statement, evidence, found)
      CROSS JOIN LATERAL (
           SELECT count(*) AS trades, coalesce(sum(t.amount_fen - t.refunded_fen), 0)::bigint AS fen FROM trade AS t
            WHERE t.id IN (
                  SELECT one.id FROM jsonb_to_recordset(f.found -> 'sales')
                           AS s (provider_id uuid, buyer_id uuid, from_at timestamptz, to_at timestamptz)
                    JOIN trade AS one ON one.ledger_id = $1 AND one.provider_id = s.provider_id AND one.buyer_id = s.buyer_id
                                     AND one.occurred_at >= s.from_at AND one.occurred_at < s.to_at)) AS sold
      CROSS JOIN LATERAL (SELECT coalesce(sum((i ->> 'fen')::bigint), 0)::bigint AS fen FROM jsonb_array_elements(f.found -> 'items') AS i) AS claimed
)
INSERT INTO integrity_flag (id, ledger_id, year, detector, detector_version, statement_sha256, parameters, members, sales,
                            figures, evidence_sha256, trades, amount_fen, state, raised_by, raised_at, version, claimed_items)
SELECT f.id, $1, $2, f.detector, f.version, f.statement, $3::jsonb, ARRAY(SELECT jsonb_array_elements_text(f.found -> 'members')::uuid),
       f.found -> 'sales', f.found -> 'figures', f.evidence, f.trades, f.fen, 'raised', $4, $5, 1, f.found -> 'items'
  FROM weighed AS f
    ON CONFLICT (ledger_id, year, detector, evidence_sha256) DO NOTHING
RETURNING id, detector, members, evidence_sha256, trades, amount_fen, {_ROW}
"""  # noqa: S608 - constants
_SOLD = text("""
SELECT sold.provider_id, p.name_zh, p.name_en, sold.buyer_id, b.name_zh, b.name_en, sold.trades, sold.fen, sold.first_at, sold.last_at
  FROM (SELECT t.provider_id, t.buyer_id, count(*) AS trades, sum(t.amount_fen - t.refunded_fen)::bigint AS fen,
               min(t.occurred_at) AS first_at, max(t.occurred_at) AS last_at
          FROM trade AS t
         WHERE t.id IN (
               SELECT one.id FROM integrity_flag AS f
                 CROSS JOIN jsonb_to_recordset(f.sales)
                         AS s (provider_id uuid, buyer_id uuid, from_at timestamptz, to_at timestamptz)
                 JOIN trade AS one ON one.ledger_id = f.ledger_id AND one.provider_id = s.provider_id
                                  AND one.buyer_id = s.buyer_id AND one.occurred_at >= s.from_at AND one.occurred_at < s.to_at
                WHERE f.id = :flag)
         GROUP BY t.provider_id, t.buyer_id) AS sold
  JOIN participant AS p ON p.id = sold.provider_id
  JOIN participant AS b ON b.id = sold.buyer_id
 ORDER BY sold.fen DESC, sold.provider_id, sold.buyer_id
""")
_LAPSE = f"""
WITH integrity_flag AS (
    UPDATE integrity_flag SET state = 'lapsed', version = version + 1
     WHERE ledger_id = $1 AND year = $2 AND state = 'raised' AND detector = ANY ($3) AND evidence_sha256 <> ALL ($4)
    RETURNING *)
SELECT id, {_ROW} FROM integrity_flag
"""  # noqa: S608 - constants
_COMES_BACK = f"""
WITH integrity_flag AS (
    UPDATE integrity_flag SET state = 'raised', version = version + 1
     WHERE ledger_id = $1 AND year = $2 AND state = 'lapsed' AND evidence_sha256 = ANY ($3)
    RETURNING *)
SELECT id, {_ROW} FROM integrity_flag
"""  # noqa: S608 - constants


async def raise_flags(
    connection: Connection,
    ledger_id: int,
    year: int,
    findings: Sequence[Finding],
    rules: Parameters,
    *,
    raised_by: UUID,
    now: datetime,
) -> list[asyncpg.Record]:
    """One statement for all; what is known already stays as it is."""
    asks = {statement.detector: statement for statement in STATEMENTS}
    texts = [asks[finding.detector] for finding in findings]
    found = [
        orjson.dumps(
            {
                "members": finding.members,
                "sales": [sale.to_json() for sale in finding.sales],
                "figures": finding.figures,
                "items": [item.to_json() for item in finding.items],
            },
            default=str,
        ).decode()
        for finding in findings
    ]
    return await connection.fetch(
        _RAISE,
        ledger_id,
        year,
        orjson.dumps(rules.to_json()).decode(),
        raised_by,
        now,
        new_ids([now] * len(findings)),
        [text.detector.value for text in texts],
        [text.version for text in texts],
        [text.sha256 for text in texts],
        [finding.sha256 for finding in findings],
        found,
    )


async def follow(
    connection: Connection, ledger_id: int, year: int, looked: Collection[Detector], found: Collection[str]
) -> tuple[list[asyncpg.Record], list[asyncpg.Record]]:
    """Raised flags that these detectors find no more lapse, and lapsed ones that are found again are raised: both."""
    names = [detector.value for detector in looked]
    lapsed = await connection.fetch(_LAPSE, ledger_id, year, names, list(found))
    back = await connection.fetch(_COMES_BACK, ledger_id, year, list(found))
    return lapsed, back


async def get_flag(session: AsyncSession, flag_id: UUID) -> IntegrityFlag:
    """Raises NotFound."""
    return await one_row(session, select(IntegrityFlag).where(IntegrityFlag.id == flag_id), "flag")


class SoldBetween(NamedTuple):
    """What one member sold to another within the terms of a flag, refunds taken off, as the books know it now."""

    provider_id: UUID
    provider_zh: str
    provider_en: str
    buyer_id: UUID
    buyer_zh: str
    buyer_en: str
    trades: int
    amount_fen: int
    first_at: datetime
    last_at: datetime


async def sold_within(session: AsyncSession, flag: IntegrityFlag) -> list[SoldBetween]:
    """The largest first."""
    rows = await session.exec(_SOLD, params={"flag": flag.id})  # type: ignore[call-overload] # a text
    return [SoldBetween(*row) for row in rows]


async def lock_flag(session: AsyncSession, flag_id: UUID) -> IntegrityFlag:
    """The newest row, held until the transaction ends. Raises NotFound."""
    return await lock_row(session, IntegrityFlag, flag_id, "flag")


async def list_flags(
    session: AsyncSession,
    ledger_id: int,
    *,
    year: int | None,
    state: FlagState | None,
    detector: Detector | None,
    participant: UUID | None,
    page: PageAsked[UUID],
) -> Sequence[IntegrityFlag]:
    """In the order they were raised."""
    wanted = asked(
        (IntegrityFlag.year, year), (IntegrityFlag.state, state), (IntegrityFlag.detector, detector)
    )
    statement = select(IntegrityFlag).where(IntegrityFlag.ledger_id == ledger_id, *wanted)
    if participant is not None:
        statement = statement.where(col(IntegrityFlag.members).contains([participant]))
    return (await session.exec(keyset(statement, col(IntegrityFlag.id), page))).all()
