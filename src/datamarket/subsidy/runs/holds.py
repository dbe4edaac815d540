"""Payees and cases are judged again at approval, posting and payment: an award that stands no more waits, the others go on."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.ids import new_id
from datamarket.participants import queries as participants
from datamarket.subsidy.cases import queries as cases
from datamarket.subsidy.cases.rules import code_of
from datamarket.subsidy.cases.terms import CaseState
from datamarket.subsidy.runs import queries
from datamarket.subsidy.runs.rules import AWARD_HOLD_LIFE
from datamarket.subsidy.runs.tables import AwardHold, SubsidyLine, SubsidyRun
from datamarket.subsidy.runs.terms import AwardHoldCause, AwardHoldEvent, AwardHoldState, RunEvent
from datamarket.subsidy.terms import LineStatus


async def judge(
    session: AsyncSession, actor: Actor, run: SubsidyRun, stage: RunEvent, *, now: datetime
) -> Sequence[SubsidyLine]:
    """The awards that go on, of those not paid nor on their way: what the bank has stays with the bank.

    What stands no more is held from now on; what stands again, no more. What the bank refused waits for a person.
    """
    states = await queries.awards_now(session, run.id)
    lines = [
        line
        for line in await queries.award_lines(session, run.id)
        if states[line.id].status not in {LineStatus.INSTRUCTED, LineStatus.PAID}
    ]
    found = await unfit(session, run, lines, now)
    holds = {hold.line_id: hold for hold in await queries.open_holds(session, run.id)}
    going = []
    for line in lines:
        hold, why = holds.get(line.id), found.get(line.id)
        if hold is None and why is not None:
            hold = await put(session, actor, line, why, stage, now=now)
        elif (
            hold is not None
            and hold.state == AwardHoldState.HELD
            and why is None
            and hold.cause != AwardHoldCause.REFUSED
        ):
            move(actor, hold, AwardHoldEvent.RELEASE, reason=None, now=now)
            await tell(session, actor, AwardHoldEvent.RELEASE, hold, now=now)
            hold = None
        if hold is None:
            going.append(line)
    return going


class Unfit(NamedTuple):
    """Why an award may not go on; the reason is that of a standing, or the bank's."""

    cause: AwardHoldCause
    reason: str | None = None


async def put(
    session: AsyncSession, actor: Actor, line: SubsidyLine, why: Unfit, stage: RunEvent, *, now: datetime
) -> AwardHold:
    """The award waits. Raises AwardHeldAlready."""
    hold = AwardHold(
        id=new_id(now),
        run_id=line.run_id,
        line_id=line.id,
        cause=why.cause,
        reason=why.reason,
        stage=stage,
        held_at=now,
    )
    session.add(hold)
    await tell(session, actor, "hold", hold, now=now)
    return hold


async def unfit(
    session: AsyncSession, run: SubsidyRun, lines: Sequence[SubsidyLine], now: datetime
) -> dict[UUID, Unfit]:
    """Of these lines, those whose payee is suspended or has withdrawn, or whose case is not the one of the snapshot.

    What would change it waits until the transaction ends.
    """
    standings = await participants.lock_unfit(session, {line.enterprise_id for line in lines}, now)
    codes = {line.id: code_of(line.candidate_id) for line in lines if line.candidate_id != line.uscc}
    known = await cases.lock_known(session, set(codes.values()))
    found: dict[UUID, Unfit] = {}
    for line in lines:
        case, standing = known.get(codes.get(line.id, "")), standings.get(line.enterprise_id)
        if standing is not None:
            found[line.id] = Unfit(AwardHoldCause(standing.state), standing.reason)
        elif case is not None and case.state == CaseState.REVOKED:
            found[line.id] = Unfit(AwardHoldCause.REVOKED)
        elif case is not None and (case.verified_at is None or case.verified_at >= run.cutoff):
            found[line.id] = Unfit(AwardHoldCause.CORRECTED)
    return found


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
