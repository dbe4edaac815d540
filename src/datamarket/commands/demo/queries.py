"""What the demo looks for in its own year: a list to object to, and a sale to give money back of."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

_QUALIFIED = """
SELECT t.id, t.provider_id, t.buyer_id, t.amount_fen - t.refunded_fen AS left_fen
  FROM trade t JOIN venue v ON v.id = t.venue_id AND v.qualified_for_subsidy
 WHERE t.occurred_at >= make_timestamptz(r.year, 1, 1, 0, 0, 0, 'Asia/Shanghai')
   AND t.occurred_at < make_timestamptz(r.year + 1, 1, 1, 0, 0, 0, 'Asia/Shanghai')
   AND NOT EXISTS (SELECT FROM affiliation f WHERE f.controller_id IN (t.buyer_id, t.provider_id)
                      AND f.controlled_id IN (t.buyer_id, t.provider_id))
"""
_CONTESTED = text(f"""
SELECT l.id AS line_id, l.enterprise_id AS seller_id, t.buyer_id, o.enterprise_id AS objector_id
  FROM subsidy_line l JOIN subsidy_run r ON r.id = l.run_id
  JOIN subsidy_line o ON o.run_id = l.run_id AND o.clause_id = l.clause_id AND o.rank = l.rank + 1
 CROSS JOIN LATERAL (SELECT buyer_id, sum(left_fen) AS fen FROM ({_QUALIFIED} AND t.provider_id = l.enterprise_id) AS sold
                      GROUP BY buyer_id) AS t
  JOIN participant p ON p.id = t.buyer_id AND p.kind = 'enterprise'
 WHERE l.run_id = :run_id AND l.amount_fen > 0 AND t.buyer_id <> o.enterprise_id AND t.fen > l.base_fen - o.base_fen
 ORDER BY l.rank DESC, t.fen DESC, o.uscc LIMIT 1
""")  # noqa: S608 - a constant
_REFUNDABLE = text(f"""
SELECT l.id AS line_id, l.enterprise_id AS seller_id, t.id AS trade_id,
       least(t.left_fen, b.credit_fen - b.debit_fen - b.held_fen)::bigint AS fen
  FROM subsidy_line l JOIN subsidy_run r ON r.id = l.run_id
  JOIN ledger_account a ON a.ledger_id = r.ledger_id AND a.owner_id = l.enterprise_id AND a.kind = 'provider_income'
  JOIN ledger_balance b ON b.ledger_id = a.ledger_id AND b.account_id = a.id
 CROSS JOIN LATERAL ({_QUALIFIED} AND t.provider_id = l.enterprise_id ORDER BY left_fen DESC, t.id LIMIT 1) AS t
 WHERE l.run_id = :run_id AND l.rank IS NOT NULL AND l.amount_fen > 0 AND b.credit_fen - b.debit_fen - b.held_fen > 0
 ORDER BY 4 DESC, l.id LIMIT 1
""")  # noqa: S608 - a constant


class Contested(NamedTuple):
    """An award that would lose its rank if its seller and this buyer were one, and who comes next."""

    line_id: UUID
    seller_id: UUID
    buyer_id: UUID
    objector_id: UUID


class Refundable(NamedTuple):
    """The largest sale behind a paid award, and what its seller can give back of it."""

    line_id: UUID
    seller_id: UUID
    trade_id: UUID
    fen: int


async def find_contested(session: AsyncSession, run_id: UUID) -> Contested | None:
    """The last such award of a run; none where every rank is beyond doubt."""
    found = (await (await session.connection()).execute(_CONTESTED, {"run_id": run_id})).one_or_none()
    return Contested(*found) if found else None


async def find_refundable(session: AsyncSession, run_id: UUID) -> Refundable | None:
    """Of the ranked award whose seller has most at hand, and has something."""
    found = (await (await session.connection()).execute(_REFUNDABLE, {"run_id": run_id})).one_or_none()
    return Refundable(*found) if found else None
