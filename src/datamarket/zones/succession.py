"""One mandate after another: contracts that waited for the next one go on under it, or end where it is another operator's."""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import driver
from datamarket.stoppages import actions as stoppages
from datamarket.stoppages import queries as stopped
from datamarket.zones import queries
from datamarket.zones.tables import Mandate

ANOTHER_OPERATOR = "专区已由其他运营机构承接 · another operator has taken the zone over"


async def carry(session: AsyncSession, actor: Actor, mandate: Mandate, *, now: datetime) -> None:
    """A mandate whose term has begun takes over what waits for it. The caller holds its zone.

    Contracts of a withdrawn mandate wait where its exit says so; those of one that is over by its term always do.
    """
    await session.flush()
    on = business_date(now)
    before = await queries.lock_waiting(session, mandate, on) if mandate.term_from <= on else []
    connection = await driver(session)
    running = {former.id: await stopped.lock_running(connection, former.id) for former in before}
    await stoppages.follow(session, actor, [mandate.id], now=now)
    for former in before:
        former.followed_by = mandate.id
        former.version += 1
        await stoppages.hand_over(
            session,
            actor,
            former.id,
            running[former.id],
            successor_id=mandate.id,
            reason=ANOTHER_OPERATOR,
            now=now,
        )
