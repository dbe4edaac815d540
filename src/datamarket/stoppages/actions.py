"""Stopping a link and lifting the stop, with what follows for listings and contracts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import driver
from datamarket.foundation.ids import new_id
from datamarket.stoppages import queries
from datamarket.stoppages.tables import Stoppage
from datamarket.stoppages.terms import StoppageCause

UNDER_WAY = timedelta(seconds=10)
"""More than a request may wait for a lock (`request_deadline_seconds`); a use further ahead is a clock's error."""


async def stop(
    session: AsyncSession,
    actor: Actor,
    target_id: UUID,
    cause: StoppageCause,
    *,
    reason: str | None,
    wind_down_days: int = 0,
    now: datetime,
) -> None:
    """The link no longer stands: listings stop at once, contracts after the wind-down. The caller holds its row.

    A use that held its meter before us was permitted, though its instant may be later than ours: we stop right after it.
    """
    connection = await driver(session)
    await queries.lock_followers(connection, [target_id], business_date(now))
    used_at = await queries.last_use_of(connection, target_id, now, now + UNDER_WAY)
    session.add(
        Stoppage(
            id=new_id(now),
            target_id=target_id,
            cause=cause,
            reason=reason,
            told_at=now,
            stops_at=max(now + timedelta(days=wind_down_days), used_at or now),
        )
    )
    await follow(session, actor, [target_id], now=now)


async def lift(session: AsyncSession, actor: Actor, target_id: UUID, *, now: datetime) -> None:
    """The link stands again, and so does all that no other link stops. The caller holds its row."""
    found = await queries.open_stoppage(session, target_id)
    if found is not None:
        found.lifted_at = max(now, found.told_at)
    await follow(session, actor, [target_id], now=now)


async def follow(
    session: AsyncSession, actor: Actor, targets: Sequence[UUID] | None, *, now: datetime
) -> int:
    """Bring what stands on these links to what they are now: also when only a term has changed. How many changed.

    Without targets, every listing of a zone, for what has run out by its term: meters know that term.
    """
    await session.flush()
    connection, changed = await driver(session), 0
    on = business_date(now)
    listings, meters = await queries.lock_followers(connection, targets, on)
    followed: dict[tuple[str, str], list[Any]] = {}
    if listings:  # a statement on listings tells every process of a change, even where it changes nothing
        followed["catalogue.{}-listing", "listing"] = await connection.fetch(
            "SELECT * FROM listing_follow($1, $2)", targets, on
        )
    if meters:
        followed["contracts.{}", "contract"] = await connection.fetch(
            "SELECT * FROM contract_follow($1, $2)", targets, now
        )
    for (action, subject), rows in followed.items():
        for verb, stopped in (("stop", True), ("restore", False)):
            events = [
                evidence.Event(actor, row["id"], {"stopped_by": row["stopped_by"], "until": row["until"]})
                for row in rows
                if row["stops"] == stopped
            ]
            if events:
                await evidence.record_many(connection, action.format(verb), subject, events, now=now)
            changed += len(events)
    return changed


async def hand_over(
    session: AsyncSession,
    actor: Actor,
    mandate_id: UUID,
    running: Sequence[UUID],
    *,
    successor_id: UUID | None,
    reason: str,
    now: datetime,
) -> None:
    """Contracts that run under a mandate which ended go on under its successor of the same operator, or end.

    The caller holds both mandates, and `running` by `queries.lock_running`; listings have followed already.
    """
    await session.flush()
    connection = await driver(session)
    await queries.lock_meters_of(connection, running)
    rows = await connection.fetch(
        "SELECT * FROM contract_hand_over($1, $2, $3, $4)", mandate_id, successor_id, reason, now
    )
    told = {"from": mandate_id, "to": successor_id}
    carried = [evidence.Event(actor, row["id"], told) for row in rows if row["moves"]]
    ended = [evidence.Event(actor, row["id"], {"reason": reason}) for row in rows if not row["moves"]]
    for action, events in (("contracts.carry", carried), ("contracts.terminate", ended)):
        if events:
            await evidence.record_many(connection, action, "contract", events, now=now)
    if successor_id is not None and carried:
        await follow(session, actor, [successor_id], now=now)
