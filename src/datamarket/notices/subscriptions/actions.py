"""Making, replaying and ending subscriptions; taking those whose turn it is, and writing down what became of it."""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth import queries as accounts
from datamarket.auth.terms import CLOCK, Actor, Role
from datamarket.evidence import actions as evidence
from datamarket.foundation.db import Connection, Database, driver
from datamarket.foundation.ids import new_id, new_ids
from datamarket.notices.events.queries import end_of_feed
from datamarket.notices.events.terms import EventType
from datamarket.notices.subscriptions import queries, rules
from datamarket.notices.subscriptions.tables import Subscription
from datamarket.notices.subscriptions.terms import Due, PauseReason, Sending, SubscriptionEvent

SALT_BYTES = 16
LOG_DAYS = 30
"""For how long what was sent can be looked up; the events themselves stay."""
LARGEST_FORGETTING = 10_000


async def subscribe(
    session: AsyncSession,
    actor: Actor,
    ledger_id: int,
    *,
    url: str,
    types: Collection[EventType],
    now: datetime,
) -> Subscription:
    """Messages of what happens from now on, once the secret was made. Raises SubscriptionsTooMany.

    The caller has checked the address.
    """
    await accounts.lock_account(session, actor.account_id)
    if await queries.has_most(session, actor.account_id):
        raise rules.SubscriptionsTooMany(most=rules.MOST_SUBSCRIPTIONS)
    row = Subscription(
        id=new_id(now),
        ledger_id=ledger_id,
        participant_id=actor.participant_id,
        account_id=actor.account_id,
        url=url,
        types=sorted(types),
        position=await end_of_feed(await driver(session), ledger_id),
        due_at=now,
        created_at=now,
    )
    session.add(row)
    await evidence.record(
        session, actor, "notices.subscribe", ("subscription", row.id), now=now, types=row.types
    )
    return row


async def renew_salt(session: AsyncSession, actor: Actor, row: Subscription, *, now: datetime) -> bytes:
    """The salt of a new secret; what is signed from now on is signed with it. Raises TransitionNotAllowed once ended."""
    rules.SUBSCRIPTION_LIFE.after(row.state, SubscriptionEvent.END)
    row.salt = secrets.token_bytes(SALT_BYTES)
    row.version += 1
    await evidence.record(session, actor, "notices.renew-secret", ("subscription", row.id), now=now)
    return row.salt


async def replay(
    session: AsyncSession, actor: Actor, row: Subscription, *, after: int | None, now: datetime
) -> None:
    """Everything behind a position is sent (again), or what waits where none is given; one that rests goes on.

    Raises PositionAhead, TransitionNotAllowed.
    """
    end = await end_of_feed(await driver(session), row.ledger_id)
    if after is not None and after > end:
        raise rules.PositionAhead(position=after, end=end)
    row.state = rules.SUBSCRIPTION_LIFE.after(row.state, SubscriptionEvent.REPLAY)
    row.position = row.position if after is None else after
    row.pause_reason, row.failures, row.due_at = None, 0, now
    row.version += 1
    facts = {"after": row.position}
    await evidence.record(
        session, actor, "notices.replay-subscription", ("subscription", row.id), now=now, **facts
    )


async def end_subscription(session: AsyncSession, actor: Actor, row: Subscription, *, now: datetime) -> None:
    """Nothing is sent any more, and its secret can be made by nobody. Raises TransitionNotAllowed."""
    row.state = rules.SUBSCRIPTION_LIFE.after(row.state, SubscriptionEvent.END)
    row.pause_reason = row.salt = None
    row.version += 1
    await evidence.record(session, actor, "notices.end-subscription", ("subscription", row.id), now=now)


_TAKE = """
UPDATE subscription AS s SET due_at = $2::timestamptz + $3::interval
  FROM account AS a
 WHERE a.id = s.account_id
   AND s.id IN (SELECT id FROM subscription
                 WHERE ledger_id = $1 AND state = 'active' AND salt IS NOT NULL AND due_at <= $2
                   AND position < (SELECT max(size) - 1 FROM seal_block WHERE ledger_id = $1)
                 ORDER BY failures, due_at LIMIT $4 FOR UPDATE SKIP LOCKED)
RETURNING s.id, s.url, s.types, s.salt, s.position, s.failures, s.version,
          a.id AS account_id, a.participant_id, a.roles, a.active
"""


async def take_due(
    connection: Connection, ledger_id: int, *, most: int, lease: timedelta, now: datetime
) -> list[Due]:
    """Subscriptions that the feed goes on for, healthy ones first; no other process takes them until the lease is over."""
    rows = await connection.fetch(_TAKE, ledger_id, now, lease, most)
    return [_due(row) for row in rows]


def _due(row: Any) -> Due:
    told = dict(row)
    roles, account, owner = (told.pop(name) for name in ("roles", "account_id", "participant_id"))
    subscriber = Actor(account, owner, frozenset(map(Role, roles)))
    types = tuple(EventType(kind) for kind in told.pop("types"))
    return Due(**told, subscriber=subscriber, types=types)


_WRITE_SENDINGS = """
INSERT INTO subscription_sending (id, subscription_id, position, event_id, at, outcome, status, milliseconds)
SELECT d.id, $1, d.position, d.event_id, d.at, d.outcome, d.status, d.milliseconds
  FROM unnest($2::uuid[], $3::bigint[], $4::uuid[], $5::timestamptz[], $6::text[], $7::int[], $8::int[])
       AS d (id, position, event_id, at, outcome, status, milliseconds)
"""
_SETTLE = """
UPDATE subscription SET position = $3, failures = $4, due_at = $5, pause_reason = $6::text,
       state = CASE WHEN $6::text IS NULL THEN state ELSE 'paused' END,
       version = version + CASE WHEN $6::text IS NULL THEN 0 ELSE 1 END
 WHERE id = $1 AND version = $2 AND state = 'active' RETURNING id
"""


async def settle(
    connection: Connection,
    due: Due,
    sendings: Sequence[Sending],
    *,
    position: int,
    failures: int,
    due_at: datetime,
    pause: PauseReason | None,
    now: datetime,
) -> None:
    """What was sent is written down, and where the next turn begins; not where the holder has moved it meanwhile."""
    if sendings:
        positions, events, instants, outcomes, statuses, times = map(list, zip(*sendings, strict=True))
        ids = new_ids(instants)
        await connection.execute(
            _WRITE_SENDINGS, due.id, ids, positions, events, instants, outcomes, statuses, times
        )
    moved = await connection.fetchval(_SETTLE, due.id, due.version, position, failures, due_at, pause)
    if moved and pause:
        event = evidence.Event(CLOCK, due.id, {"reason": pause, "position": position})
        await evidence.record_many(connection, "notices.pause-subscription", "subscription", [event], now=now)


_FORGET = """
DELETE FROM subscription_sending
 WHERE id IN (SELECT id FROM subscription_sending WHERE id < $1 ORDER BY id LIMIT $2)
"""


async def forget_sendings(database: Database, _ledger_id: int, now: datetime) -> int:
    """What was sent too long ago is deleted, one batch; ids begin with their time."""
    async with database.plain_transaction() as connection:
        told = await connection.execute(_FORGET, new_id(now - timedelta(days=LOG_DAYS)), LARGEST_FORGETTING)
    return int(told.rpartition(" ")[2])
