"""Standing is judged again at approval, posting and payment: an award whose payee lost it waits, the others go on."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.ids import new_id
from datamarket.participants import queries as participants
from datamarket.subsidy.runs import queries
from datamarket.subsidy.runs.rules import AWARD_HOLD_LIFE
from datamarket.subsidy.runs.tables import AwardHold, SubsidyLine, SubsidyRun
from datamarket.subsidy.runs.terms import AwardHoldEvent, AwardHoldState, RunEvent


async def judge(
    session: AsyncSession, actor: Actor, run: SubsidyRun, stage: RunEvent, *, now: datetime
) -> Sequence[SubsidyLine]:
    """The awards that go on. Who is suspended or has withdrawn is held from now on; whose standing is restored, no more."""
    lines = await queries.award_lines(session, run.id)
    unfit = await participants.lock_unfit(session, {line.enterprise_id for line in lines}, now)
    holds = {hold.line_id: hold for hold in await queries.open_holds(session, run.id)}
    going = []
    for line in lines:
        hold, standing = holds.get(line.id), unfit.get(line.enterprise_id)
        if hold is None and standing is not None:
            hold = AwardHold(
                id=new_id(now),
                run_id=run.id,
                line_id=line.id,
                cause=standing.state,
                reason=standing.reason,
                stage=stage,
                held_at=now,
            )
            session.add(hold)
            await tell(session, actor, "hold", hold, now=now)
        elif hold is not None and hold.state == AwardHoldState.HELD and standing is None:
            move(actor, hold, AwardHoldEvent.RELEASE, reason=None, now=now)
            await tell(session, actor, AwardHoldEvent.RELEASE, hold, now=now)
            hold = None
        if hold is None:
            going.append(line)
    return going


def move(actor: Actor, hold: AwardHold, event: AwardHoldEvent, *, reason: str | None, now: datetime) -> None:
    """Raises TransitionNotAllowed and ReasonMissing."""
    hold.state = AWARD_HOLD_LIFE.after(hold.state, event)
    AWARD_HOLD_LIFE.check_reason(event, reason)
    hold.decided_by, hold.decided_at, hold.decision = actor.account_id, now, reason
    hold.version += 1


async def tell(
    session: AsyncSession, actor: Actor, verb: str, hold: AwardHold, *rows: SQLModel, now: datetime
) -> None:
    """To the enterprise, and to the log; `rows` are what else was written with it."""
    facts = {"run": str(hold.run_id), "hold": str(hold.id), "cause": hold.cause, "stage": hold.stage}
    facts["reason"] = hold.decision or hold.reason or ""
    subject = "award", hold.line_id
    await evidence.record(session, actor, f"subsidy.{verb}-award", subject, hold, *rows, now=now, **facts)
