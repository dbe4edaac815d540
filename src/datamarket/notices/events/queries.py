"""Reading the feed: a stretch of the sealed log, and what of it somebody may know.

Whether a thing is somebody's is asked for each event by the thing's own key: a line of `_PARTIES` a kind of thing.
As scalar questions, since the planner may turn an EXISTS into a reading of the whole table.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from datamarket.auth.terms import Actor, Permission
from datamarket.evidence.log.proofs import position_of
from datamarket.foundation.db import Connection, PageAsked, there
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
WITH log AS (
    SELECT coalesce(max(size), 0) AS size FROM seal_block WHERE ledger_id = $1
), reach AS (
    SELECT size, {low} AS low, {high} AS high FROM log
), leaf AS MATERIALIZED (
    SELECT s.first_index + l.number - 1 AS position, l.id
      FROM reach, seal_leaves s, unnest(s.ids, s.kinds) WITH ORDINALITY AS l (id, kind, number)
     WHERE s.ledger_id = $1 AND s.first_index > {begin} - 256 AND s.first_index <= reach.high
       AND l.kind = 'audit' AND s.first_index + l.number - 1 BETWEEN {begin} AND reach.high
     ORDER BY position {way}
), told AS (
    SELECT leaf.position, e.id, e.at, e.action, {shown}, e.subject_type, e.subject_id
      FROM leaf CROSS JOIN LATERAL (SELECT * FROM audit_event a WHERE a.id = leaf.id) e
     WHERE {filters}
     ORDER BY leaf.position {way} LIMIT $3
)
SELECT reach.low, reach.high, reach.size, told.* FROM reach LEFT JOIN told ON true ORDER BY told.position {way}
"""
_TYPES = "(${slot}::text[] IS NULL OR e.action = ANY (${slot}))"
_OWN = f"(coalesce(CASE e.subject_type {_THEIRS} END, false) OR e.organisation_id = $4)"
_FOR_ALL = {"shown": "e.organisation_id, e.facts - 'rows' AS facts", "filters": _TYPES.format(slot=4)}
_FOR_ONE = {
    "shown": f"CASE WHEN {_OWN} THEN e.organisation_id END AS organisation_id, CASE WHEN {_OWN} THEN e.facts - 'rows' END AS facts",
    "filters": f"e.action = ANY ($6) AND ({_OPEN} OR {_OWN} OR {_PAID})",
}


class _Span(NamedTuple):
    """Which leaves are looked at, from the position `$2`; `begin` is the first of them, as an index can be asked for it."""

    low: str
    high: str
    begin: str
    way: str = ""


_ON = _Span("$2::bigint + 1", f"least($2::bigint + {STRETCH}, size - 1)", "$2::bigint + 1")
_NEWEST = "least(coalesce($2::bigint, size), size)"
_BACK = _Span(f"greatest({_NEWEST} - {STRETCH}, 0)", f"{_NEWEST} - 1", "reach.low", "DESC")
_AT = _Span("$2::bigint", "$2::bigint", "$2::bigint")
_PUBLIC_ACTIONS = [kind.action for kind in PUBLIC]


async def read_feed(
    connection: Connection,
    ledger_id: int,
    *,
    visible_to: Actor,
    types: Collection[EventType],
    page: PageAsked[int],
    newest_first: bool = False,
) -> FeedPage:
    """Events behind the position `page.after`, in the log's order, which is also that of their commits' sealing.

    A transaction that commits late is sealed late: its events get positions behind all that was read before.
    Overseers who may read audit events see all; others their organisation's and the public ones.
    For readers the newest come first, and `page.after` is the position before which one goes on.
    """
    span, after = (_BACK, page.after) if newest_first else (_ON, -1 if page.after is None else page.after)
    rows = await _rows(connection, span, (ledger_id, after, page.limit + 1), visible_to, types)
    found = [_told(row) for row in rows if row["id"] is not None]
    if len(found) > page.limit:
        kept = found[: page.limit]
        return FeedPage(kept, kept[-1].position, more=True)
    if newest_first:
        return FeedPage(found, rows[0]["low"], more=rows[0]["low"] > 0)
    reached = max(-1 if after is None else after, rows[0]["high"])
    return FeedPage(found, reached, more=reached + 1 < rows[0]["size"])


async def get_event(connection: Connection, ledger_id: int, event_id: UUID, *, visible_to: Actor) -> Told:
    """One event that is sealed, as far as somebody may know it. Raises NotFound."""
    position = there(await position_of(connection, ledger_id, event_id), "event")
    rows = await _rows(connection, _AT, (ledger_id, position, 1), visible_to, ())
    return _told(there(rows[0] if rows[0]["id"] is not None else None, "event"))


async def _rows(
    connection: Connection,
    span: _Span,
    asked: tuple[int, int | None, int],
    visible_to: Actor,
    types: Collection[EventType],
) -> Sequence[Any]:
    """How far was looked, once more with each event that was found; `asked` are ledger, position and limit."""
    wanted = [kind.action for kind in types] or None
    if visible_to.may(Permission.READ_AUDIT_EVENTS):
        return await connection.fetch(_LEAVES.format(**span._asdict(), **_FOR_ALL), *asked, wanted)
    known = wanted or [kind.action for kind in EventType]
    statement = _LEAVES.format(**span._asdict(), **_FOR_ONE)
    return await connection.fetch(statement, *asked, visible_to.participant_id, _PUBLIC_ACTIONS, known)


def _told(values: Mapping[str, Any]) -> Told:
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
