"""Opening a run, and moving it and its held awards: one lock, one table of transitions, one effect for each event."""

from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.clock import business_date
from datamarket.foundation.errors import Conflict, Invalid
from datamarket.foundation.ids import new_id
from datamarket.payouts import advice
from datamarket.payouts.terms import AwardAnswer, PayableKind
from datamarket.subsidy.evaluator.rules import YearNotCovered
from datamarket.subsidy.register import queries as register_queries
from datamarket.subsidy.register.tables import SchemeVersion
from datamarket.subsidy.runs import calculation, dossier, payment, queries, rules
from datamarket.subsidy.runs.rules import RUN_LIFE
from datamarket.subsidy.runs.tables import AwardHold, SubsidyRun, SubsidyRunEvent
from datamarket.subsidy.runs.terms import AwardHoldEvent, RunEvent, RunState
from datamarket.subsidy.scheme.files import read_scheme


class NoSchemeInForce(Conflict):
    code = "subsidy.no-scheme-in-force"
    zh = "方案“{scheme}”没有已批准的版本。"
    en = "Scheme '{scheme}' has no approved version."


class OtherCompetition(Invalid):
    code = "subsidy.other-competition"
    zh = "只能替代同一方案、同一年度的运行。"
    en = "A run supersedes one of the same scheme and year only."


async def open_run(
    session: AsyncSession,
    actor: Actor,
    ledger_id: int,
    *,
    scheme_id: str,
    year: int,
    cutoff: datetime | None,
    supersedes: UUID | None = None,
    now: datetime,
) -> SubsidyRun:
    """A draft under the approved version; without a cut-off the books count until now.

    What it supersedes ends at once; a public list stays until this one is publicised; an upheld objection is named.
    Raises NotFound, NoSchemeInForce, YearNotCovered, OtherCompetition, EventNotPermitted, TransitionNotAllowed.
    """
    rules.check_permitted(actor, RunEvent.SNAPSHOT)
    version = await _version_for(session, scheme_id, year)
    objected = await queries.objections_to(session, supersedes, business_date(now)) if supersedes else None
    run = SubsidyRun(
        id=new_id(now),
        ledger_id=ledger_id,
        scheme_id=scheme_id,
        scheme_version_id=version.id,
        year=year,
        cutoff=cutoff or now,
        state=RunState.DRAFT,
        actor_id=actor.account_id,
        supersedes_id=supersedes,
        objection_id=objected and objected.newest_upheld,
        created_at=now,
    )
    session.add(run)
    await session.flush()
    if supersedes is not None:
        old = await queries.lock_run(session, supersedes)
        if (old.ledger_id, old.scheme_id, old.year) != (ledger_id, scheme_id, year):
            raise OtherCompetition
        RUN_LIFE.after(old.state, RunEvent.SUPERSEDE)
        if old.state != RunState.PUBLICISED:
            await _supersede(session, actor, old, run, reason=f"superseded by {run.id}", now=now)
    particulars: dict[str, Any] = {"scheme": scheme_id, "scheme_version": version.n, "year": year}
    particulars |= {"cutoff": run.cutoff.isoformat(), "supersedes": str(supersedes) if supersedes else None}
    await evidence.record(session, actor, "subsidy.open-run", ("run", run.id), run, now=now, **particulars)
    return run


async def _take_place(
    session: AsyncSession, actor: Actor, run: SubsidyRun, *, reason: str | None, now: datetime
) -> None:
    """The public list that a run supersedes is public no more."""
    if run.supersedes_id is not None:
        old = await queries.lock_run(session, run.supersedes_id)
        if old.state == RunState.PUBLICISED:
            await _supersede(session, actor, old, run, reason=reason, now=now)


async def _supersede(
    session: AsyncSession,
    actor: Actor,
    old: SubsidyRun,
    run: SubsidyRun,
    *,
    reason: str | None,
    now: datetime,
) -> None:
    old.superseded_by_id = run.id
    await move_run(session, actor, old, RunEvent.SUPERSEDE, reason=reason, now=now)


async def _version_for(session: AsyncSession, scheme_id: str, year: int) -> SchemeVersion:
    """The approved version, when it covers the year."""
    await register_queries.get_scheme(session, scheme_id)
    version = await register_queries.approved_version(session, scheme_id)
    if version is None:
        raise NoSchemeInForce(scheme=scheme_id)
    valid = read_scheme(version.content).valid
    if not valid.covers(year):
        raise YearNotCovered(scheme=scheme_id, start=valid.from_, end=valid.to or "…", year=year)
    return version


async def move_run(
    session: AsyncSession,
    actor: Actor,
    run: SubsidyRun,
    event: RunEvent,
    *,
    reason: str | None = None,
    effect: "Effect | None" = None,
    now: datetime,
) -> SubsidyRun:
    """One event in the life of a locked run, with its effect, or another.

    A list that takes the place of a public one says why; the old one then names it.
    Raises EventNotPermitted, TransitionNotAllowed, RunDutiesNotSeparate, ReasonMissing, RunDecidedAlready, its effect's own.
    """
    rules.check_permitted(actor, event)
    before = RunState(run.state)
    after = RUN_LIFE.after(before, event)
    rules.check_duties(actor, event, run.hands)
    RUN_LIFE.check_reason(event, reason)
    if event is RunEvent.PUBLICISE:
        await _take_place(session, actor, run, reason=reason, now=now)
    effect = effect or EFFECTS.get(event)
    particulars = await effect(session, actor, run, now=now) if effect else {}
    if event is RunEvent.SUPERSEDE:
        particulars["superseded_by"] = str(run.superseded_by_id)
    run.state = after
    run.version += 1
    happened = SubsidyRunEvent(
        run_id=run.id,
        n=run.version,
        event=event,
        from_state=before,
        to_state=after,
        actor_id=actor.account_id,
        reason=reason,
        at=now,
    )
    session.add(happened)
    rows = [run, happened, *particulars.pop("rows", ())]
    particulars |= await queries.digests_of(session, run.id)
    await evidence.record(
        session, actor, f"subsidy.{event}", ("run", run.id), *rows, now=now, reason=reason, **particulars
    )
    return run


async def move_hold(
    session: AsyncSession,
    actor: Actor,
    run: SubsidyRun,
    hold: AwardHold,
    event: AwardHoldEvent,
    *,
    reason: str | None,
    now: datetime,
) -> AwardHold:
    """A held award of a locked run goes on as far as the run is, or is given up; the last one settles it.

    Raises what deciding a hold and paying raise.
    """
    await payment.decide_hold(session, actor, run, hold, event, reason=reason, now=now)
    if event is AwardHoldEvent.RELEASE and run.state in {RunState.PAYING, RunState.PAID}:
        paid = partial(payment.pay, released=hold.line_id)
        await move_run(session, actor, run, RunEvent.PAY, effect=paid, now=now)
    await _settle_when_paid(session, actor, run, now=now)
    return hold


async def _follow_advice(
    session: AsyncSession,
    actor: Actor,
    answers: Sequence[AwardAnswer],
    /,
    *,
    now: datetime,
) -> None:
    """What the bank has answered for awards; its last answer settles their run. Runs are locked before any account is."""
    awards = [answer.award_id for answer in answers]
    runs = [await queries.lock_run(session, run) for run in await queries.runs_of(session, awards)]
    await payment.book_answers(session, actor, answers, now=now)
    for run in runs:
        await _settle_when_paid(session, actor, run, now=now)


async def _settle_when_paid(session: AsyncSession, actor: Actor, run: SubsidyRun, *, now: datetime) -> None:
    """Nothing that goes is unpaid any more."""
    if run.state == RunState.PAYING and not await payment.unpaid_of(session, run):
        await move_run(session, actor, run, RunEvent.SETTLE, now=now)


advice.FOLLOWERS[PayableKind.SUBSIDY_PAYABLE] = _follow_advice


async def _publicise(
    session: AsyncSession, actor: Actor, run: SubsidyRun, *, now: datetime
) -> dict[str, Any]:
    """The reviewer puts the list up for as many working days as the scheme says."""
    scheme = await dossier.scheme_of(session, run.scheme_version_id)
    days = scheme.publicity.working_days if scheme.publicity else None
    run.reviewed_by = actor.account_id
    run.publicity_from, run.publicity_to = rules.publicity_from(now, days)
    return {"publicity_from": run.publicity_from.isoformat(), "publicity_to": run.publicity_to.isoformat()}


class Effect(Protocol):
    """What an event does beside changing the state; it answers with the particulars to keep."""

    def __call__(
        self, session: AsyncSession, actor: Actor, run: SubsidyRun, /, *, now: datetime
    ) -> Awaitable[dict[str, Any]]: ...


EFFECTS: Mapping[RunEvent, Effect] = {
    RunEvent.SNAPSHOT: calculation.take_snapshot,
    RunEvent.CALCULATE: calculation.calculate,
    RunEvent.PUBLICISE: _publicise,
    RunEvent.APPROVE: payment.approve,
    RunEvent.POST: payment.post,
    RunEvent.PAY: payment.pay,
    RunEvent.CLOSE: payment.close,
}
