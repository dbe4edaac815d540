"""Reading the feed: a stretch of the sealed log, and what of it somebody may know.

Whether a thing is somebody's is asked for each event by the thing's own key: a line of `_PARTIES` a kind of thing.
As scalar questions, since the planner may turn an EXISTS into a reading of the whole table.
"""

from collections.abc import Collection
from uuid import UUID

import orjson

from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.db import Connection, PageAsked
from datamarket.notices.events.terms import PUBLIC, EventType, FeedPage, Told

STRETCH = 4_096
"""Leaves that one page looks at: 8 ms of the database's processor where all are events of somebody else's trades."""
_PARTIES = {
    "participant": "e.subject_id = $4",
    "zone": "(SELECT t.operator_id = $4 FROM zone t WHERE t.id = e.subject_id)",
    "mandate": "(SELECT t.operator_id = $4 FROM mandate t WHERE t.id = e.subject_id)",
    "scenario": "(SELECT z.operator_id = $4 FROM scenario t JOIN zone z ON z.id = t.zone_id WHERE t.id = e.subject_id)",
    "resource": "(SELECT $4 IN (t.supplying_unit_id, z.operator_id) FROM resource t JOIN zone z ON z.id = t.zone_id"
    " WHERE t.id = e.subject_id)",
    "venue": "(SELECT t.operator_id = $4 FROM venue t WHERE t.id = e.subject_id)",
    "product": "(SELECT t.maker_id = $4 FROM product t WHERE t.id = e.subject_id)",
    "listing": "(SELECT t.provider_id = $4 FROM listing t WHERE t.id = e.subject_id)",
    "contract": "(SELECT $4 IN (t.provider_id, t.buyer_id) FROM contract t WHERE t.id = e.subject_id)",
    "order": "(SELECT $4 IN (t.provider_id, t.buyer_id) FROM trade_order t WHERE t.id = e.subject_id)",
    "trade": "(SELECT $4 IN (t.provider_id, t.buyer_id) FROM trade t WHERE t.id = e.subject_id)",
    "dispute": "(SELECT $4 IN (t.provider_id, t.buyer_id) FROM trade_dispute t WHERE t.id = e.subject_id)",
    "transfer": "(SELECT $4 IN (t.provider_id, t.buyer_id) FROM transfer_process t WHERE t.id = e.subject_id)",
    "application": "(SELECT t.enterprise_id = $4 FROM subsidy_application t WHERE t.id = e.subject_id)",
    "objection": "(SELECT t.enterprise_id = $4 FROM subsidy_objection t WHERE t.id = e.subject_id)",
    "award": "(SELECT t.enterprise_id = $4 FROM subsidy_line t WHERE t.id = e.subject_id)",
    "recovery": "(SELECT t.enterprise_id = $4 AND t.decided_at IS NOT NULL FROM subsidy_recovery t WHERE t.id = e.subject_id)",
    "entry": "e.facts ->> 'owner_id' = $4::uuid::text",
    "subscription": "(SELECT t.participant_id = $4 FROM subscription t WHERE t.id = e.subject_id)",
}
"""When a thing is the organisation's, as its subject or as a counterparty. A colleague's own doing is theirs as well."""
_THEIRS = " ".join(f"WHEN '{kind}' THEN {condition}" for kind, condition in _PARTIES.items())
_PAID = (
    "(e.subject_type = 'payout_batch' AND (SELECT true FROM payout p"
    " WHERE p.ledger_id = $1 AND p.payee_id = $4 AND p.batch_id = e.subject_id LIMIT 1))"
)
"""Whose income is in a batch is told of the batch, not with its facts: those are of all payees."""
_OPEN = (
    "(e.action = ANY ($5) AND (e.subject_type <> 'listing'"
    " OR (SELECT t.published_at IS NOT NULL FROM listing t WHERE t.id = e.subject_id)))"
)
"""What everyone is told; a listing that was never published is nobody else's business, also when it ends."""
_LEAVES = """
WITH reach AS (
    SELECT least($2 + {stretch}, coalesce(max(size), 0) - 1) AS last, coalesce(max(size), 0) AS size
      FROM seal_block WHERE ledger_id = $1
), leaf AS MATERIALIZED (
    SELECT s.first_index + l.number - 1 AS position, l.id
      FROM reach, seal_leaves s, unnest(s.ids, s.kinds) WITH ORDINALITY AS l (id, kind, number)
     WHERE s.ledger_id = $1 AND s.first_index > $2 - 256 AND s.first_index <= reach.last
       AND l.kind = 'audit' AND s.first_index + l.number - 1 > $2 AND s.first_index + l.number - 1 <= reach.last
     ORDER BY position
), told AS (
    SELECT leaf.position, e.id, e.at, e.action, {shown}, e.subject_type, e.subject_id
      FROM leaf CROSS JOIN LATERAL (SELECT * FROM audit_event a WHERE a.id = leaf.id) e
     WHERE {filters}
     ORDER BY leaf.position LIMIT $3
)
SELECT reach.last, reach.size, told.* FROM reach LEFT JOIN told ON true ORDER BY told.position
"""
_TYPES = "(${slot}::text[] IS NULL OR e.action = ANY (${slot}))"
_OF_ALL = _LEAVES.format(
    stretch=STRETCH, shown="e.organisation_id, e.facts - 'rows' AS facts", filters=_TYPES.format(slot=4)
)
_OWN = f"(coalesce(CASE e.subject_type {_THEIRS} END, false) OR e.organisation_id = $4)"
_OF_ONE = _LEAVES.format(
    stretch=STRETCH,
    shown=f"CASE WHEN {_OWN} THEN e.organisation_id END AS organisation_id, CASE WHEN {_OWN} THEN e.facts - 'rows' END AS facts",
    filters=f"e.action = ANY ($6) AND ({_OPEN} OR {_OWN} OR {_PAID})",
)
_PUBLIC_ACTIONS = [kind.action for kind in PUBLIC]


async def read_feed(
    connection: Connection,
    ledger_id: int,
    *,
    visible_to: Actor,
    types: Collection[EventType],
    page: PageAsked[int],
) -> FeedPage:
    """Events behind the position `page.after`, in the log's order, which is also that of their commits' sealing.

    A transaction that commits late is sealed late: its events get positions behind all that was read before.
    Overseers who may read audit events see all; others their organisation's and the public ones.
    """
    after = -1 if page.after is None else page.after
    asked = [kind.action for kind in types] or None
    if visible_to.may(Permission.READ_AUDIT_EVENTS):
        rows = await connection.fetch(_OF_ALL, ledger_id, after, page.limit + 1, asked)
    else:
        known = asked or [kind.action for kind in EventType]
        rows = await connection.fetch(
            _OF_ONE, ledger_id, after, page.limit + 1, visible_to.participant_id, _PUBLIC_ACTIONS, known
        )
    found = [_told(row) for row in rows if row["id"] is not None]
    if len(found) > page.limit:
        kept = found[: page.limit]
        return FeedPage(kept, kept[-1].position, more=True)
    reached = max(after, rows[0]["last"])
    return FeedPage(found, reached, more=reached + 1 < rows[0]["size"])


def _told(row: object) -> Told:
    values = dict(row)  # type: ignore[call-overload]
    facts = values["facts"]
    return Told(
        position=values["position"],
        id=UUID(int=values["id"].int),
        at=values["at"],
        action=values["action"],
        organisation_id=values["organisation_id"],
        subject_type=values["subject_type"],
        subject_id=values["subject_id"],
        facts=orjson.loads(facts) if isinstance(facts, str) else facts,
    )


async def end_of_feed(connection: Connection, ledger_id: int) -> int:
    """The last position of the log as it is now; -1 while nothing is sealed."""
    newest = "SELECT coalesce(max(size), 0) - 1 FROM seal_block WHERE ledger_id = $1"
    position: int = await connection.fetchval(newest, ledger_id)
    return position
