"""Reading the chain of a contract at an instant, and what stands on a mandate."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.authority.rules import state_of
from datamarket.authority.terms import Affected, Link, LinkState
from datamarket.contracts.terms import ContractState
from datamarket.foundation.clock import start_of_day
from datamarket.stoppages.terms import LinkKind, StoppageCause

_CHAIN = text("""
SELECT l.kind, l.target_id, l.document, l.term_from, l.term_to, coalesce(r.valid_to, m.term_to) AS ends_on,
       s.cause, s.reason, s.stops_at
  FROM contract_link l
  LEFT JOIN resource r ON l.kind = 'resource' AND r.id = l.target_id
  LEFT JOIN mandate m ON l.kind = 'mandate' AND m.id = l.target_id
  LEFT JOIN LATERAL (SELECT * FROM stoppage o
                      WHERE o.target_id = l.target_id AND o.stops_at <= :at AND (o.lifted_at IS NULL OR o.lifted_at > :at)
                      ORDER BY o.told_at DESC LIMIT 1) s ON true
 WHERE l.contract_id = :contract ORDER BY l.target_id
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
 WHERE e.subject_id = :contract AND e.at <= :at
   AND split_part(e.action, '.', 2) IN ('request', 'offer', 'accept', 'agree', 'reject', 'withdraw', 'sign', 'suspend', 'resume',
                                        'terminate', 'expire')
 ORDER BY e.id DESC LIMIT 1
""")
_AFFECTED = text("""
SELECT (SELECT count(*) FROM listing WHERE zone_id = :zone AND state = 'published'),
       (SELECT count(*) FROM contract_link l JOIN contract_meter t USING (contract_id)
         WHERE l.target_id = :mandate AND t.state = 'active' AND t.stands_until > :now),
       count(o.id), coalesce(sum(o.amount_fen), 0)::bigint
  FROM contract_link l JOIN trade_order o USING (contract_id)
 WHERE l.target_id = :mandate AND o.state IN ('placed', 'delivered')
""")


async def chain_at(session: AsyncSession, contract_id: UUID, at: datetime) -> list[Link]:
    """Every link that both parties signed upon, in the order of the chain; none before both have signed."""
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
            )
        )
    return links


async def state_at(session: AsyncSession, contract_id: UUID, at: datetime) -> ContractState | None:
    """The contract's own state at an instant, as the audit tells it; None before it was requested."""
    row = (await session.connection()).execute(_STATE, {"contract": contract_id, "at": at})
    found: str | None = (await row).scalar_one_or_none()
    return ContractState(found) if found else None


async def affected_by(session: AsyncSession, zone_id: UUID, mandate_id: UUID, *, now: datetime) -> Affected:
    """What the end of this mandate stops, as it is now."""
    values = {"zone": zone_id, "mandate": mandate_id, "now": now}
    return Affected(*(await (await session.connection()).execute(_AFFECTED, values)).one())
