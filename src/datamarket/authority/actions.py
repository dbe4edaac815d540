"""Moving a mandate, with an eye on what it stops."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.authority import queries, rules
from datamarket.zones import queries as zones
from datamarket.zones.mandates import actions as mandates
from datamarket.zones.terms import MandateEvent


async def move_mandate(
    session: AsyncSession,
    actor: Actor,
    zone_id: UUID,
    mandate_id: UUID,
    event: MandateEvent,
    *,
    plan: str | None = None,
    now: datetime,
    **stated: Any,
) -> None:
    """One step; a withdrawal is looked at once it has taken hold, when no more orders come, and is undone if refused.

    Raises WithdrawalUnplanned, and what `mandates.move_mandate` raises, which also says what is `stated`.
    """
    mandate = await zones.lock_mandate(session, zone_id, mandate_id)
    await mandates.move_mandate(session, actor, mandate, event, plan=plan, now=now, **stated)
    if event is MandateEvent.WITHDRAW:
        rules.check_planned(await queries.affected_by(session, zone_id, mandate_id, now=now), plan)
