"""The dossier of a run: its scheme, snapshot and result as stored, and what follows from them alone.

Nothing is looked up in the market here: years later the same dossier gives the same answers.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.errors import Conflict
from datamarket.subsidy import queries, scheme_queries
from datamarket.subsidy.evaluation import award_document
from datamarket.subsidy.explain import Explanation, explain
from datamarket.subsidy.lifecycle import RunState
from datamarket.subsidy.queries import RunView
from datamarket.subsidy.reform import DATED_CLAUSE_PATHS, DATED_SCHEME_PATHS
from datamarket.subsidy.scheme import Scheme
from datamarket.subsidy.scheme_files import load_scheme
from datamarket.subsidy.tables import SubsidyLine
from datamarket.subsidy.terms import Line, LineStatus, Result, Snapshot, Step
from datamarket.subsidy.whatif import Comparison, DifferentInputs, WhatIf, compare, what_if

NEXT_SHOWN = 3


class NotCalculated(Conflict):
    code = "subsidy.not-calculated"
    zh = "该运行尚未计算（当前状态 {state}）。"
    en = "This run is not calculated yet (its state is '{state}')."


@dataclass(frozen=True)
class Told:
    """A line with its sentence in both languages."""

    line: SubsidyLine
    explanation: Explanation


@dataclass(frozen=True)
class ClauseAwards:
    """The awards under one clause, best rank first."""

    clause: str
    title_zh: str
    title_en: str
    awards: tuple[Told, ...]

    @property
    def total_fen(self) -> int:
        return sum(told.line.amount_fen for told in self.awards)


@dataclass(frozen=True)
class AwardTables:
    """Who gets how much and why, by clause; and who does not, with the reason."""

    view: RunView
    clauses: tuple[ClauseAwards, ...]
    refused: tuple[Told, ...]
    next_in_line: tuple[Told, ...]
    without_award: int


@lru_cache(maxsize=16)
def read_scheme(content: bytes) -> Scheme:
    """A scheme is frozen, and its bytes never change: reading it once is enough."""
    return load_scheme(content)


async def scheme_of(session: AsyncSession, version_id: UUID) -> Scheme:
    return read_scheme((await scheme_queries.version_by_id(session, version_id)).content)


def read_snapshot(content: bytes) -> Snapshot:
    return Snapshot.from_json(json.loads(content))


def sha256_of_bytes(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


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
    lines = tuple(line_of(row) for row in await queries.all_lines(session, view.run.id))
    return Result(view.run.scheme_id, view.run.year, view.snapshot_sha256 or "", lines)


async def explained(session: AsyncSession, row: SubsidyLine) -> Told:
    """One line, told."""
    view = await queries.get_run(session, row.run_id)
    scheme = await scheme_of(session, view.run.scheme_version_id)
    return Told(row, explain(line_of(row), scheme, view.run.year))


async def award_tables(session: AsyncSession, run_id: UUID, *, refused: int = 100) -> AwardTables:
    """What is shown of a run: every award by clause, and the first `refused` who were left out for a reason."""
    view = await queries.get_run(session, run_id)
    check_calculated(view)
    scheme = await scheme_of(session, view.run.scheme_version_id)

    def told(rows: Sequence[SubsidyLine]) -> tuple[Told, ...]:
        return tuple(Told(row, explain(line_of(row), scheme, view.run.year)) for row in rows)

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
        refused=told(await queries.refused_lines(session, run_id, limit=refused)),
        next_in_line=told(await queries.next_in_line(session, run_id, limit=NEXT_SHOWN)),
        without_award=await queries.count_without_award(session, run_id),
    )


async def what_if_of(session: AsyncSession, view: RunView, changes: Mapping[str, Any]) -> WhatIf:
    """The run's own snapshot under a reform. Raises NotCalculated and what `whatif.what_if` raises."""
    check_calculated(view)
    scheme = await scheme_of(session, view.run.scheme_version_id)
    snapshot = await stored_snapshot(session, view)
    dated = {path: _for_year(path, value, view.run.year) for path, value in changes.items()}
    return await asyncio.to_thread(what_if, scheme, dated, snapshot, view.run.year)


def _for_year(path: str, value: Any, year: int) -> Any:
    """A plain rate or amount holds for the run's whole year: on either day that may be its basis."""
    dated = path in DATED_SCHEME_PATHS or path.partition(".")[2] in DATED_CLAUSE_PATHS
    if not dated or value is None or isinstance(value, Mapping | int):
        return value
    return {f"{year}-01-01": value, f"{year}-12-31": value}


async def stored_snapshot(session: AsyncSession, view: RunView) -> Snapshot:
    """Raises NotCalculated before there is one."""
    if view.run.snapshot_id is None:
        raise NotCalculated(state=RunState(view.run.state))
    return read_snapshot((await queries.snapshot_by_id(session, view.run.snapshot_id)).content)


async def compared(session: AsyncSession, one: RunView, other: RunView) -> Comparison:
    """Two runs of one year; where their snapshots differ, the first stage that differs may be the base.

    Raises NotCalculated, and DifferentInputs for runs of different years.
    """
    if one.run.year != other.run.year:
        raise DifferentInputs
    baseline, changed = await result_of(session, one), await result_of(session, other)
    return compare(baseline, replace(changed, snapshot_sha256=baseline.snapshot_sha256))


async def document_of(session: AsyncSession, view: RunView) -> dict[str, Any]:
    """The whole result with its explanations, as `evaluation` gives it for files."""
    result = await result_of(session, view)
    scheme = await scheme_of(session, view.run.scheme_version_id)
    document = await asyncio.to_thread(award_document, scheme, view.scheme_sha256, result)
    return document | {"run_id": str(view.run.id)}
