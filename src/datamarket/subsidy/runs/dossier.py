"""The dossier of a run: its scheme, snapshot and result as stored, and what follows from them alone.

Nothing is looked up in the market here: years later the same dossier gives the same answers.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth import queries as auth_queries
from datamarket.foundation.db import PageAsked
from datamarket.foundation.errors import Conflict
from datamarket.payouts import queries as payouts
from datamarket.payouts.rules import refusal_told
from datamarket.subsidy.evaluator.awards import award_document
from datamarket.subsidy.evaluator.explain import Explanation, explain
from datamarket.subsidy.facts import queries as fact_queries
from datamarket.subsidy.facts.tables import SubsidySnapshot
from datamarket.subsidy.facts.terms import TurnoverOrigin
from datamarket.subsidy.register import queries as register_queries
from datamarket.subsidy.runs import queries
from datamarket.subsidy.runs.queries import RunView
from datamarket.subsidy.runs.tables import SubsidyLine, SubsidyPosting, SubsidyRunEvent
from datamarket.subsidy.runs.terms import RunEvent, RunState
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.scheme.files import read_scheme
from datamarket.subsidy.terms import Candidate, Line, LineStatus, Result, Snapshot, Step

REFUSED_SHOWN, NEXT_SHOWN = 100, 3


class NotCalculated(Conflict):
    code = "subsidy.not-calculated"
    zh = "该运行尚未计算（当前状态 {state}）。"
    en = "This run is not calculated yet (its state is '{state}')."


@dataclass(frozen=True)
class ExplainedLine:
    """A line with its sentence in both languages."""

    line: SubsidyLine
    explanation: Explanation


@dataclass(frozen=True)
class ClauseAwards:
    """The awards under one clause, best rank first."""

    clause: str
    title_zh: str
    title_en: str
    awards: tuple[ExplainedLine, ...]

    @property
    def total_fen(self) -> int:
        return sum(told.line.amount_fen for told in self.awards)


@dataclass(frozen=True)
class AwardTables:
    """Who gets how much and why, by clause; and who does not, with the reason."""

    view: RunView
    clauses: tuple[ClauseAwards, ...]
    refused: tuple[ExplainedLine, ...]
    next_in_line: tuple[ExplainedLine, ...]
    without_award: int


class Refusal(NamedTuple):
    """That the bank refused to pay an award on a day, and why."""

    line_id: UUID
    amount_fen: int
    day: date | None
    told: str


class Recovered(NamedTuple):
    """What came back of an award, when and by which entry."""

    line_id: UUID
    amount_fen: int
    at: datetime
    entry_id: UUID


class Followed(NamedTuple):
    """What followed a run in the rooms above it; flags and objections as rows to read."""

    recovered: Sequence[Recovered]
    flags: Sequence[tuple[Any, ...]]
    objections: Sequence[tuple[Any, ...]]


@dataclass(frozen=True)
class RunDossier:
    """All that is kept on file of a run: what was decided, from what, by whom and when, and what was paid."""

    document: dict[str, Any]
    view: RunView
    scheme: Scheme
    taken: SubsidySnapshot
    candidates: Sequence[Candidate]
    lines: Sequence[SubsidyLine]
    events: Sequence[SubsidyRunEvent]
    officers: Mapping[UUID, str]
    postings: Sequence[SubsidyPosting]
    followed: Followed
    refused: Sequence[Refusal]


def issuer_of(scheme: Scheme) -> str:
    """Who issues what is decided under it."""
    return scheme.instrument.issuer or "（政策文件未公开，发布单位未获得）"


async def scheme_of(session: AsyncSession, version_id: UUID) -> Scheme:
    return read_scheme((await register_queries.version_by_id(session, version_id)).content)


def read_snapshot(content: bytes) -> Snapshot:
    return Snapshot.from_json(orjson.loads(content))


def line_of(row: SubsidyLine) -> Line:
    """The evaluator's own line, as it was stored."""
    return Line(
        clause=row.clause_id,
        candidate=row.candidate_id,
        enterprise=row.uscc,
        name=row.name,
        status=LineStatus(row.status),
        base_fen=row.base_fen,
        rank=row.rank,
        rate=row.rate,
        cap_fen=row.cap_fen,
        cap_bound=row.cap_bound,
        amount_fen=row.amount_fen,
        steps=tuple(Step.from_json(step) for step in row.steps),
    )


def check_calculated(view: RunView) -> None:
    """Raises NotCalculated."""
    if view.run.result_sha256 is None:
        raise NotCalculated(state=RunState(view.run.state))


async def result_of(session: AsyncSession, view: RunView) -> Result:
    """The result of a run, from its stored lines. Raises NotCalculated."""
    check_calculated(view)
    return _result(view, await queries.all_lines(session, view.run.id))


def _result(view: RunView, rows: Sequence[SubsidyLine]) -> Result:
    lines = tuple(line_of(row) for row in rows)
    return Result(view.run.scheme_id, view.run.year, view.snapshot_sha256 or "", lines)


async def award_tables(session: AsyncSession, run_id: UUID) -> AwardTables:
    """What is shown of a run: every award by clause, and the first of those who were left out for a reason."""
    view = await queries.get_run(session, run_id)
    check_calculated(view)
    scheme = await scheme_of(session, view.run.scheme_version_id)

    def told(rows: Sequence[SubsidyLine]) -> tuple[ExplainedLine, ...]:
        return tuple(ExplainedLine(row, explain(line_of(row), scheme, view.run.year)) for row in rows)

    awards = told(await queries.award_lines(session, run_id))
    clauses = tuple(
        ClauseAwards(
            clause.id,
            clause.title.zh,
            clause.title.en,
            tuple(award for award in awards if award.line.clause_id == clause.id),
        )
        for clause in scheme.clauses
    )
    return AwardTables(
        view,
        clauses,
        refused=told(await queries.refused_lines(session, run_id, limit=REFUSED_SHOWN)),
        next_in_line=told(await queries.next_in_line(session, run_id, limit=NEXT_SHOWN)),
        without_award=await queries.count_without_award(session, run_id),
    )


async def stored_snapshot(session: AsyncSession, view: RunView) -> Snapshot:
    """Raises NotCalculated before there is one."""
    stored = await fact_queries.snapshot_by_id(session, _snapshot_id(view))
    return await asyncio.to_thread(read_snapshot, stored.content)


def _snapshot_id(view: RunView) -> UUID:
    if view.run.snapshot_id is None:
        raise NotCalculated(state=RunState(view.run.state))
    return view.run.snapshot_id


async def document_of(session: AsyncSession, view: RunView) -> dict[str, Any]:
    """The whole result with its explanations, as `evaluation` gives it for files; each line with its id and status as of now."""
    check_calculated(view)
    rows = await queries.all_lines(session, view.run.id)
    scheme = await scheme_of(session, view.run.scheme_version_id)
    document = await asyncio.to_thread(award_document, scheme, view.scheme_sha256, _result(view, rows))
    awards = await queries.awards_now(session, view.run.id)
    for line, row in zip(document["lines"], rows, strict=True):
        line["id"] = str(row.id)
        if row.id in awards:
            line["status"] = awards[row.id].status.value
    notes = [*document["notes"], *_origin_told(view.run.turnover_from), await _venues_told(session, view)]
    return document | {"run_id": str(view.run.id), "notes": notes}


async def dossier_of(session: AsyncSession, view: RunView, followed: Followed) -> RunDossier:
    """The run as it stands now; what followed is known above. Raises NotCalculated."""
    document = await document_of(session, view)
    taken = await fact_queries.snapshot_by_id(session, _snapshot_id(view))
    events = await queries.list_run_events(session, view.run.id, page=PageAsked(len(RunEvent)))
    officers = await auth_queries.names_of(session, {event.actor_id for event in events})
    return RunDossier(
        document, view, await scheme_of(session, view.run.scheme_version_id), taken,
        (await asyncio.to_thread(read_snapshot, taken.content)).candidates,
        await queries.all_lines(session, view.run.id), events, officers,
        await queries.postings_of(session, view.run.id), followed, await _refusals_of(session, view),
    )  # fmt: skip


async def _refusals_of(session: AsyncSession, view: RunView) -> list[Refusal]:
    """Also of awards that were paid afterwards."""
    awards = await queries.payable_lines(session, view.run.id)
    return [
        Refusal(
            payout.award_id, payout.amount_fen, payout.decided_on, " · ".join(refusal_told(*payout.refusal))
        )
        for payout in await payouts.payouts_for(session, view.run.ledger_id, awards)
        if payout.award_id is not None and payout.refusal is not None
    ]


async def _venues_told(session: AsyncSession, view: RunView) -> dict[str, str]:
    """Which venues counted, from and to; a snapshot from before codes were kept names them by id."""
    stored = await fact_queries.snapshot_by_id(session, _snapshot_id(view))
    zh, en = [], []
    for venue in stored.venues:
        name, until = venue.get("code", venue["venue"]), venue.get("until")
        zh.append(f"{name}（{venue['since']} 起{f'，至 {until} 前' if until else ''}）")
        en.append(f"{name} (from {venue['since']}{f' until before {until}' if until else ''})")
    return {
        "code": "venues-counted",
        "zh": f"纳入统计的平台：{'、'.join(zh) or '无'}",
        "en": f"venues that count: {', '.join(en) or 'none'}",
    }


def _origin_told(origin: str | None) -> list[dict[str, str]]:
    """From what the turnover was read; runs from before this was kept do not say."""
    if origin is None:
        return []
    zh, en = TurnoverOrigin(origin).labels
    return [{"code": "turnover-from", "zh": f"交易额取自{zh}", "en": f"turnover read from {en}"}]
