"""Opening a call, applying under it, moving an application, and proposing awards that nobody has to apply for."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.contracts import queries as contract_queries
from datamarket.evidence import actions as evidence
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import driver
from datamarket.foundation.errors import NotFound
from datamarket.foundation.ids import new_id, new_ids
from datamarket.subsidy.calls import queries, rules
from datamarket.subsidy.calls.rules import APPLICATION_LIFE
from datamarket.subsidy.calls.tables import DeclaredItem, SubsidyApplication, SubsidyCall
from datamarket.subsidy.calls.terms import ApplicationEvent, ApplicationState, Declaration
from datamarket.subsidy.cases import actions as case_actions
from datamarket.subsidy.cases import queries as case_queries
from datamarket.subsidy.cases.terms import CaseState
from datamarket.subsidy.papers import queries as paper_queries
from datamarket.subsidy.papers.tables import SubsidyPaper
from datamarket.subsidy.register.tables import SchemeVersion
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs.rules import ENDED
from datamarket.subsidy.runs.tables import SubsidyRun


async def open_call(
    session: AsyncSession,
    actor: Actor,
    version: SchemeVersion,
    *,
    year: int,
    opens_on: date,
    closes_on: date,
    papers: Sequence[str],
    district_step: bool,
    now: datetime,
) -> SubsidyCall:
    """Of a scheme version and a year there is one. Raises WindowEmpty, CallOpenAlready."""
    call = SubsidyCall(
        id=new_id(now),
        scheme_id=version.scheme_id,
        scheme_version_id=version.id,
        year=year,
        opens_on=opens_on,
        closes_on=closes_on,
        papers=list(papers),
        district_step=district_step,
        account_id=actor.account_id,
        created_at=now,
    )
    session.add(call)
    told = {"scheme": call.scheme_id, "scheme_version": version.n, "year": year, "papers": call.papers}
    told |= {"opens_on": str(opens_on), "closes_on": str(closes_on), "district_step": district_step}
    await evidence.record(session, actor, "subsidy.open-call", ("call", call.id), now=now, **told)
    return call


async def begin_application(
    session: AsyncSession, actor: Actor, call: SubsidyCall, *, case_id: UUID, now: datetime
) -> SubsidyApplication:
    """A draft for a case of the actor's enterprise. Raises CaseNotYours, AppliedAlready."""
    if actor.participant_id is None:
        raise rules.CaseNotYours
    try:
        await case_queries.get_case(session, case_id, visible_to=actor)
    except NotFound:
        raise rules.CaseNotYours from None
    row = SubsidyApplication(
        id=new_id(now),
        call_id=call.id,
        enterprise_id=actor.participant_id,
        case_id=case_id,
        papers={},
        account_id=actor.account_id,
        created_at=now,
    )
    session.add(row)
    told = {"call": str(call.id), "case": str(case_id)}
    await evidence.record(
        session, actor, "subsidy.begin-application", ("application", row.id), now=now, **told
    )
    return row


async def move_application(
    session: AsyncSession,
    actor: Actor,
    row: SubsidyApplication,
    event: ApplicationEvent,
    *,
    papers: Mapping[str, UUID] | None = None,
    declaration: Declaration | None = None,
    investment_fen: int | None = None,
    paper: SubsidyPaper | None = None,
    reason: str | None = None,
    now: datetime,
) -> SubsidyApplication:
    """One event of a locked application; `papers` and `declaration` go with submitting, investment and audit `paper` with verifying.

    Raises what `rules.after` and `_declare` raise, ReasonMissing, OutsideWindow, PapersMissing, NotFound, and what verifying raises.
    """
    call = await queries.get_call(session, row.call_id)
    hands: dict[str, Any] = {"enterprise": row.enterprise_id, "passed_by": row.passed_by}
    state = rules.after(actor, event, row.state, **hands, district_step=call.district_step)
    APPLICATION_LIFE.check_reason(event, reason)
    told: dict[str, Any] = {"reason": reason}
    items: list[DeclaredItem] = []
    if event in {ApplicationEvent.SUBMIT, ApplicationEvent.CONFIRM}:
        rules.check_window(call.opens_on, call.closes_on, business_date(now))
    if event is ApplicationEvent.SUBMIT:
        rules.check_papers(call.papers, papers or {})
        told["sha256"] = await _take_papers(session, actor, row, papers or {})
        items = await _declare(session, actor, row, declaration, now=now)
        told["declared_fen"] = row.declared_fen
    elif event is ApplicationEvent.VERIFY:
        audited: dict[str, Any] = {"investment_fen": investment_fen, "paper": paper}
        await _verify_case(session, actor, row.case_id, **audited, now=now)
    if event is ApplicationEvent.ENDORSE:
        row.passed_by = actor.account_id
    elif event in rules.DECISIONS:
        row.decided_by = actor.account_id
    row.state, row.reason, row.version = state, reason, row.version + 1
    await evidence.record(
        session, actor, f"subsidy.{event}-application", ("application", row.id), *items, now=now, **told
    )
    return row


async def _declare(
    session: AsyncSession,
    actor: Actor,
    row: SubsidyApplication,
    declaration: Declaration | None,
    *,
    now: datetime,
) -> list[DeclaredItem]:
    """A submission of its own, in place of the one before it; its papers and contracts are the enterprise's.

    Raises what `rules.check_declaration` raises, NotFound, ContractNotYours.
    """
    row.submitted_at, row.passed_by = now, None
    if declaration is None:
        return []
    rules.check_declaration(declaration)
    await paper_queries.get_papers(session, {item.paper_id for item in declaration.items}, visible_to=actor)
    contracts = {item.contract_id for item in declaration.items if item.contract_id is not None}
    if await contract_queries.bought_by(session, row.enterprise_id, contracts) != contracts:
        raise rules.ContractNotYours
    row.declared_fen, row.submission = declaration.investment_fen, row.submission + 1
    items = [
        DeclaredItem(
            id=item_id,
            application_id=row.id,
            submission=row.submission,
            key=rules.item_key(item),
            declared_at=now,
            **asdict(item),
        )
        for item_id, item in zip(
            sorted(new_ids([now] * len(declaration.items))), declaration.items, strict=True
        )
    ]
    session.add_all(items)
    return items


async def _take_papers(
    session: AsyncSession, actor: Actor, row: SubsidyApplication, papers: Mapping[str, UUID]
) -> list[str]:
    """What the enterprise may name: its own; their digests."""
    found = await paper_queries.get_papers(session, papers.values(), visible_to=actor)
    row.papers = {name: str(paper_id) for name, paper_id in papers.items()}
    return sorted(paper.sha256 for paper in found)


async def _verify_case(
    session: AsyncSession, actor: Actor, case_id: UUID | None, *, now: datetime, **audited: Any
) -> None:
    """The case with it, unless it is verified already."""
    if case_id is not None:
        case = await case_queries.lock_case(session, case_id, visible_to=actor)
        if case.state != CaseState.VERIFIED:
            await case_actions.verify_case(session, actor, case, **audited, now=now)


async def propose_awards(
    session: AsyncSession, actor: Actor, call: SubsidyCall, run: SubsidyRun, *, now: datetime
) -> int:
    """Every award of a calculated run to an enterprise itself waits for its word; what was proposed before is left. How many.

    Raises RunNotOfCall.
    """
    if (
        (run.scheme_id, run.year) != (call.scheme_id, call.year)
        or run.result_sha256 is None
        or run.state in ENDED
    ):
        raise rules.RunNotOfCall
    rows = [
        {
            "id": new_id(now),
            "call_id": call.id,
            "enterprise_id": line.enterprise_id,
            "clause_id": line.clause_id,
            "line_id": line.id,
            "state": APPLICATION_LIFE.after(ApplicationState.DRAFT, ApplicationEvent.PROPOSE),
            "papers": {},
            "account_id": actor.account_id,
            "created_at": now,
            "version": 1,
        }
        for line in await run_queries.award_lines(session, run.id)
        if line.candidate_id == line.uscc
    ]
    if not rows:
        return 0
    added = insert(SubsidyApplication).values(rows).on_conflict_do_nothing()
    made = (await session.exec(added.returning(col(SubsidyApplication.id)))).all()
    told = {"call": str(call.id), "run": str(run.id)}
    events = [evidence.Event(actor, application_id, told) for (application_id,) in made]
    if events:
        await evidence.record_many(
            await driver(session), "subsidy.propose-application", "application", events, now=now
        )
    return len(made)
