"""Reading the chain of a contract at an instant, and what stands on a mandate."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.authority.rules import state_of
from datamarket.authority.terms import Affected, Link, LinkState, Undertaken, UndertakingState
from datamarket.contracts.terms import ContractState
from datamarket.foundation.clock import start_of_day
from datamarket.stoppages.terms import LinkKind, StoppageCause

_CHAIN = text("""
SELECT l.kind, l.target_id, l.document, l.term_from, l.term_to, coalesce(r.valid_to, m.term_to) AS ends_on,
       s.cause, s.reason, s.stops_at, u.document AS undertaken_by, u.renewed_to, u.due_on,
       CASE WHEN u.fulfilled_at <= :at THEN 'fulfilled' WHEN u.due_on <= (:at AT TIME ZONE 'Asia/Shanghai')::date THEN 'overdue'
            ELSE 'given' END AS undertaking
  FROM contract_link l
  LEFT JOIN resource r ON l.kind = 'resource' AND r.id = l.target_id
  LEFT JOIN mandate m ON l.kind = 'mandate' AND m.id = l.target_id
  LEFT JOIN LATERAL (SELECT * FROM stoppage o
                      WHERE o.target_id = l.target_id AND o.stops_at <= :at AND (o.lifted_at IS NULL OR o.lifted_at > :at)
                      ORDER BY o.told_at DESC LIMIT 1) s ON true
  LEFT JOIN LATERAL (SELECT * FROM renewal_undertaking n WHERE n.mandate_id = l.target_id AND n.given_at <= :at
                      ORDER BY n.id DESC LIMIT 1) u ON true
 WHERE l.contract_id = :contract AND l.from_at <= :at AND (l.to_at IS NULL OR l.to_at > :at) ORDER BY l.target_id
""")
_STATE = text("""
SELECT CASE split_part(e.action, '.', 2)
            WHEN 'request' THEN 'requested' WHEN 'offer' THEN 'offered' WHEN 'accept' THEN 'accepted'
            WHEN 'agree' THEN 'agreed' WHEN 'reject' THEN 'rejected'
            WHEN 'withdraw' THEN 'withdrawn' WHEN 'suspend' THEN 'suspended' WHEN 'resume' THEN 'active'
            WHEN 'terminate' THEN 'ended' WHEN 'expire' THEN 'expired'
            ELSE CASE WHEN greatest(c.provider_signed_at, c.buyer_signed_at) <= e.at
                       AND c.provider_signed_at IS NOT NULL AND c.buyer_signed_at IS NOT NULL
                      THEN 'active' ELSE 'part_signed' END END
  FROM audit_event e JOIN contract c ON c.id = e.subject_id
 WHERE e.subject_id = :contract AND e.at <= :at AND e.subject_type = 'contract' AND e.action <> 'contracts.use'
   AND split_part(e.action, '.', 2) IN ('request', 'offer', 'accept', 'agree', 'reject', 'withdraw', 'sign', 'suspend', 'resume',
                                        'terminate', 'expire')
 ORDER BY e.id DESC LIMIT 1
""")
NAMED = 100
"""Of listings, contracts and orders each so many are named; the figures count all."""
_AFFECTED = text(f"""
WITH meter AS MATERIALIZED (
    SELECT t.contract_id AS id, t.state, t.stands_until
      FROM contract_link l JOIN contract_meter t USING (contract_id) JOIN mandate d ON d.id = l.target_id
     WHERE l.target_id = :mandate AND l.to_at IS NULL AND (NOT :by_term OR t.term_to > contract_day_begins(d.term_to))
), on_sale AS MATERIALIZED (SELECT id FROM listing WHERE zone_id = :zone AND state = 'published'
), in_use AS MATERIALIZED (SELECT id FROM meter WHERE state = 'active' AND stands_until > :now
), placed AS MATERIALIZED (
    SELECT o.id, o.amount_fen FROM meter m JOIN trade_order o ON o.contract_id = m.id WHERE o.state IN ('placed', 'delivered', 'curing'))
SELECT (SELECT count(*) FROM on_sale), (SELECT count(*) FROM in_use), (SELECT count(*) FROM placed),
       (SELECT coalesce(sum(amount_fen), 0)::bigint FROM placed),
       ARRAY(SELECT id FROM on_sale ORDER BY id LIMIT {NAMED}), ARRAY(SELECT id FROM in_use ORDER BY id LIMIT {NAMED}),
       ARRAY(SELECT id FROM placed ORDER BY id LIMIT {NAMED})
""")  # noqa: S608 - of constants that stand here


async def chain_at(session: AsyncSession, contract_id: UUID, at: datetime) -> list[Link]:
    """Every link that the contract stood on then, in the order of the chain; none before both have signed."""
    rows = (await (await session.connection()).execute(_CHAIN, {"contract": contract_id, "at": at})).all()
    order = list(LinkKind)
    links = []
    for row in sorted(rows, key=lambda row: order.index(LinkKind(row.kind))):
        state = state_of(row.ends_on, row.stops_at, at)
        links.append(
            Link(
                LinkKind(row.kind),
                row.target_id,
                row.document,
                row.term_from,
                row.term_to,
                row.ends_on,
                state,
                start_of_day(row.ends_on) if state is LinkState.OVER else row.stops_at,
                row.cause and StoppageCause(row.cause),
                row.reason,
                row.undertaken_by
                and Undertaken(
                    row.undertaken_by, row.renewed_to, row.due_on, UndertakingState(row.undertaking)
                ),
            )
        )
    return links


async def state_at(session: AsyncSession, contract_id: UUID, at: datetime) -> ContractState | None:
    """The contract's own state at an instant, as the audit tells it; None before it was requested."""
    row = (await session.connection()).execute(_STATE, {"contract": contract_id, "at": at})
    found: str | None = (await row).scalar_one_or_none()
    return ContractState(found) if found else None


async def affected_by(
    session: AsyncSession, zone_id: UUID, mandate_id: UUID, *, by_term: bool = False, now: datetime
) -> Affected:
    """What the end of this mandate stops, as it is now; by its term, of contracts only those that outlast it."""
    values = {"zone": zone_id, "mandate": mandate_id, "now": now, "by_term": by_term}
    return Affected(*(await (await session.connection()).execute(_AFFECTED, values)).one())
