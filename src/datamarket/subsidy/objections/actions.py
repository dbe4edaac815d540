"""Filing an objection, appealing its rejection, and moving either; who files has locked the run, as who approves it has."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.clock import add_working_days, business_date
from datamarket.foundation.errors import NotFound
from datamarket.foundation.ids import new_id
from datamarket.subsidy.objections import queries, rules
from datamarket.subsidy.objections.limits import limits_on
from datamarket.subsidy.objections.rules import DECISIONS, OBJECTION_LIFE
from datamarket.subsidy.objections.tables import SubsidyObjection
from datamarket.subsidy.objections.terms import ObjectionEvent, ObjectionState
from datamarket.subsidy.papers import queries as papers
from datamarket.subsidy.runs import dossier
from datamarket.subsidy.runs import queries as runs
from datamarket.subsidy.runs.rules import PUBLIC
from datamarket.subsidy.runs.tables import SubsidyRun
from datamarket.subsidy.runs.terms import RunState


async def file_objection(
    session: AsyncSession,
    actor: Actor,
    run: SubsidyRun,
    *,
    enterprise_id: UUID | None,
    line_id: UUID | None,
    grounds: str,
    stated: Mapping[UUID, str],
    now: datetime,
) -> SubsidyObjection:
    """Against a line of a locked run, or against the enterprise's absence; `stated` are the digests of papers by id.

    Raises NotFound, ObjectorUnclear, ListClosed, ObjectorNotConcerned, EvidenceNotYours, EvidenceDiffers, ObjectedAlready.
    """
    if run.state not in PUBLIC or run.publicity_to is None or run.calculated_by is None:
        raise NotFound(thing="run")
    enterprise = actor.participant_id or enterprise_id
    if enterprise is None or (actor.participant_id and enterprise_id):
        raise rules.ObjectorUnclear
    rules.check_list_public(run.publicity_to, business_date(now), decided=run.state != RunState.PUBLICISED)
    if not await queries.is_concerned(session, run, enterprise):
        raise rules.ObjectorNotConcerned
    if line_id is not None:
        await queries.get_open_line(session, run.id, line_id, enterprise)
    row = SubsidyObjection(
        id=new_id(now),
        run_id=run.id,
        enterprise_id=enterprise,
        line_id=line_id,
        barred=[run.calculated_by, actor.account_id],
        **await _filing(session, actor, enterprise, grounds, stated, now=now),
    )
    return await _keep(session, actor, row, "file", stated)


async def file_appeal(
    session: AsyncSession,
    actor: Actor,
    rejected: SubsidyObjection,
    *,
    grounds: str,
    stated: Mapping[UUID, str],
    now: datetime,
) -> SubsidyObjection:
    """An objection of its own, which nobody decides who has judged the first.

    Raises ObjectionNotYourMove, NothingToAppeal, AppealClosed, EvidenceNotYours, EvidenceDiffers, AppealedAlready.
    """
    await runs.lock_run(session, rejected.run_id)
    if not rules.is_objector(actor, enterprise=rejected.enterprise_id, filed_by=rejected.filed_by):
        raise rules.ObjectionNotYourMove(event=rules.APPEALING)
    rules.check_appeal(rejected.appeal_by, business_date(now))
    judged = [account for account in (rejected.answered_by, rejected.decided_by) if account]
    row = SubsidyObjection(
        id=new_id(now),
        run_id=rejected.run_id,
        enterprise_id=rejected.enterprise_id,
        line_id=rejected.line_id,
        appeal_of_id=rejected.id,
        barred=list(dict.fromkeys([*rejected.barred, *judged, actor.account_id])),
        **await _filing(session, actor, rejected.enterprise_id, grounds, stated, now=now),
    )
    return await _keep(session, actor, row, "appeal", stated)


async def _filing(
    session: AsyncSession,
    actor: Actor,
    enterprise_id: UUID,
    grounds: str,
    stated: Mapping[UUID, str],
    *,
    now: datetime,
) -> dict[str, Any]:
    """What objection and appeal have alike; papers are the enterprise's own, or the officer's who records it.

    Raises EvidenceNotYours, EvidenceDiffers.
    """
    try:
        found = await papers.get_papers(session, stated, visible_to=actor)
    except NotFound:
        raise rules.EvidenceNotYours from None
    for paper in found:
        if paper.owner_id not in {enterprise_id, actor.participant_id}:
            raise rules.EvidenceNotYours
        if paper.sha256 != stated[paper.id]:
            raise rules.EvidenceDiffers(name=paper.name, found=paper.sha256, stated=stated[paper.id])
    today = business_date(now)
    decide_by = add_working_days(today, limits_on(today).decision_working_days)
    told = {"grounds": grounds, "papers": list(stated), "decide_by": decide_by}
    return told | {"filed_by": actor.account_id, "filed_at": now}


async def _keep(
    session: AsyncSession, actor: Actor, row: SubsidyObjection, verb: str, stated: Mapping[UUID, str]
) -> SubsidyObjection:
    session.add(row)
    told = {"run": str(row.run_id), "grounds": row.grounds, "sha256": sorted(stated.values())}
    await _tell(session, actor, verb, row, now=row.filed_at, **told)
    return row


async def move_objection(
    session: AsyncSession,
    actor: Actor,
    row: SubsidyObjection,
    event: ObjectionEvent,
    *,
    reason: str | None,
    now: datetime,
) -> SubsidyObjection:
    """Answer, uphold, reject or withdraw a locked one; a first rejection may be appealed for some days.

    Raises what `rules.after` raises, ReasonMissing.
    """
    judged: list[UUID | None] = []
    if row.appeal_of_id is not None:
        first = await queries.get_objection(session, row.appeal_of_id, visible_to=actor)
        judged = [first.answered_by, first.decided_by]
    state = rules.after(
        actor,
        event,
        row.state,
        enterprise=row.enterprise_id,
        filed_by=row.filed_by,
        barred=row.barred,
        judged=judged,
    )
    OBJECTION_LIFE.check_reason(event, reason)
    if state is ObjectionState.REJECTED and row.appeal_of_id is None:
        row.appeal_by = add_working_days(business_date(now), await appeal_days(session, row.run_id, now))
    if event is ObjectionEvent.ANSWER:
        row.answer, row.answered_by, row.answered_at = reason, actor.account_id, now
    else:
        row.decision = reason
    if event in DECISIONS:
        row.decided_by, row.decided_at = actor.account_id, now
    row.state, row.version = state, row.version + 1
    await _tell(session, actor, event, row, now=now, run=str(row.run_id), reason=reason)
    return row


async def appeal_days(session: AsyncSession, run_id: UUID, now: datetime) -> int:
    """Working days to appeal in: those that the scheme states, or else those of the limits."""
    version = (await runs.get_run(session, run_id)).run.scheme_version_id
    stated = (await dossier.scheme_of(session, version)).appeal
    return (stated and stated.days) or limits_on(business_date(now)).appeal_working_days


async def _tell(
    session: AsyncSession, actor: Actor, verb: str, row: SubsidyObjection, *, now: datetime, **facts: object
) -> None:
    subject = "objection", row.id
    await evidence.record(session, actor, f"subsidy.{verb}-objection", subject, row, now=now, **facts)
