"""The heavy half of a run: taking its snapshot, and calculating every line from the stored bytes."""

import asyncio
import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

import orjson
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.foundation.clock import year_bounds
from datamarket.foundation.db import Connection, driver
from datamarket.foundation.errors import Conflict, Refused
from datamarket.foundation.ids import new_id, new_ids
from datamarket.subsidy.evaluator import identity as engine
from datamarket.subsidy.evaluator.rules import evaluate
from datamarket.subsidy.facts import queries as fact_queries
from datamarket.subsidy.facts import review
from datamarket.subsidy.facts import snapshot as snapshots
from datamarket.subsidy.facts import statements as facts
from datamarket.subsidy.facts.tables import FactVersion, SubsidySnapshot
from datamarket.subsidy.runs import dossier, queries
from datamarket.subsidy.runs.tables import RunCalculatedAlready, SubsidyLine, SubsidyRun
from datamarket.subsidy.runs.terms import RunState
from datamarket.subsidy.scheme.clause import Clause
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.terms import Line, Result, Snapshot, Unit, canonical_json, sha256_of, sha256_of_bytes


class YearNotOver(Refused):
    code = "subsidy.year-not-over"
    zh = "账簿截止时间早于 {year} 年度结束，不能取数。"
    en = "The ledger cut-off lies before the end of {year}; no snapshot yet."


class CutoffAhead(Refused):
    code = "subsidy.cutoff-ahead"
    zh = "账簿截止时间尚未到达，不能取数。"
    en = "The ledger cut-off has not come yet; no snapshot."


class FactTextChanged(Conflict):
    code = "subsidy.fact-text-changed"
    zh = "事实“{fact}”第 {version} 版的查询语句与首次使用时不同，须改用新版本号。"
    en = (
        "The statement of fact '{fact}' version {version} differs from its first use; it needs a new version."
    )


class SnapshotTampered(Conflict):
    code = "subsidy.snapshot-tampered"
    zh = "快照内容与其哈希不符，不能计算。"
    en = "The snapshot is not what its hash says; nothing is calculated from it."


async def take_snapshot(
    session: AsyncSession, _actor: Actor, run: SubsidyRun, *, now: datetime
) -> dict[str, Any]:
    """Copy what is known of every candidate; equal facts are one snapshot. Raises YearNotOver, CutoffAhead."""
    check_cutoff(run, now)
    await _keep_fact_texts(session, now)
    year = snapshots.RunYear(run.ledger_id, run.year, run.cutoff, run.id)
    taken = await snapshots.take(await driver(session), year, as_of=now)
    content = await asyncio.to_thread(lambda: canonical_json(taken.snapshot.to_json()))
    sha256 = sha256_of_bytes(content)
    known = await fact_queries.find_snapshot(session, run.ledger_id, run.year, sha256)
    if known is None:
        known = new_id(now)
        session.add(
            SubsidySnapshot(
                id=known,
                ledger_id=run.ledger_id,
                year=run.year,
                cutoff=run.cutoff,
                as_of_recorded=taken.as_of,
                watermark=await fact_queries.watermark(session),
                content=content,
                sha256=sha256,
                facts=taken.facts,
                counts=taken.counts,
                parties=taken.parties,
                venues=taken.venues,
                related=taken.related,
                flagged=taken.flagged,
                rings=taken.rings,
            )
        )
        await session.flush()
    run.snapshot_id = known
    run.turnover_from = taken.turnover_from
    told = {"snapshot_sha256": sha256, **taken.counts, "rings": len(taken.rings)}
    return told | {"turnover_from": taken.turnover_from}


def check_cutoff(run: SubsidyRun, now: datetime) -> None:
    """The year is over and the cut-off has passed. Raises YearNotOver, CutoffAhead."""
    if run.cutoff < year_bounds(run.year)[1]:
        raise YearNotOver(year=run.year)
    if run.cutoff > now:
        raise CutoffAhead


async def _keep_fact_texts(session: AsyncSession, now: datetime) -> None:
    known = await fact_queries.fact_texts(session)
    for fact in facts.SQL_FACTS:
        kept = known.get((fact.name, fact.version))
        if kept is None:
            session.add(
                FactVersion(
                    name=fact.name,
                    version=fact.version,
                    sha256=fact.sha256,
                    statement=fact.statement,
                    created_at=now,
                )
            )
        elif kept != fact.sha256:
            raise FactTextChanged(fact=fact.name, version=fact.version)
    await session.flush()


async def calculate(session: AsyncSession, actor: Actor, run: SubsidyRun, *, now: datetime) -> dict[str, Any]:
    """Every line with its steps, from the stored bytes alone.

    Raises SnapshotTampered, RunCalculatedAlready and what `rules.evaluate` raises.
    """
    stored = await fact_queries.snapshot_by_id(session, _snapshot_id(run))
    if sha256_of_bytes(stored.content) != stored.sha256:
        raise SnapshotTampered
    if await queries.same_calculation(session, run, engine.engine_id()) is not None:
        raise RunCalculatedAlready
    scheme = await dossier.scheme_of(session, run.scheme_version_id)
    result, sha256, rows = await asyncio.to_thread(_calculated, run, scheme, stored, now)
    run.engine_id = engine.engine_id()
    run.result_sha256 = sha256
    run.total_fen = result.total_fen
    run.calculated_by = actor.account_id
    await _write(await driver(session), rows)
    return {"result_sha256": sha256, "total_fen": result.total_fen, "lines": len(rows)}


@contextmanager
def _uncollected() -> Iterator[None]:
    """Nobody looks for cycles meanwhile: lines and rows have none, and looking through them took a sixth of the time.

    Of two at once the first one in ends it for both.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


@_uncollected()
def _calculated(
    run: SubsidyRun, scheme: Scheme, stored: SubsidySnapshot, now: datetime
) -> tuple[Result, str, list[tuple[Any, ...]]]:
    """The result, its hash and its rows: what is hashed is what is stored."""
    snapshot = dossier.read_snapshot(stored.content)
    result = evaluate(scheme, snapshot, run.year)
    document = result.to_json()
    clauses = {clause.id: clause for clause in scheme.clauses}
    alike = {project.id for project in snapshot.of_unit(Unit.PROJECT) if project.facts.get("doubts")}
    lines = _Lines(run.id, clauses, stored.parties, circular_of(snapshot), alike)
    steps = (line["steps"] for line in document["lines"])
    ids = new_ids([now] * len(result.lines))
    rows = list(map(lines.row, ids, count(), result.lines, steps))
    return result, sha256_of(document), rows


def _snapshot_id(run: SubsidyRun) -> UUID:
    if run.snapshot_id is None:
        raise dossier.NotCalculated(state=RunState(run.state))
    return run.snapshot_id


def circular_of(snapshot: Snapshot) -> set[str]:
    """The enterprises with sales on some ring."""
    companies = snapshot.of_unit(Unit.ENTERPRISE)
    return {company.id for company in companies if company.facts.get("circular_turnover")}


COLUMNS = tuple(SubsidyLine.model_fields)


@dataclass(frozen=True)
class _Lines:
    """Turns the evaluator's lines into rows."""

    run_id: UUID
    clauses: Mapping[str, Clause]
    parties: Mapping[str, Mapping[str, str]]
    circular: set[str]
    alike: set[str]

    def row(self, line_id: UUID, position: int, line: Line, steps: list[dict[str, Any]]) -> tuple[Any, ...]:
        """In the order of COLUMNS."""
        clause = self.clauses[line.clause]
        party = self.parties[line.enterprise]
        sells = clause.unit is Unit.ENTERPRISE and line.enterprise in self.circular
        alike = clause.unit is Unit.PROJECT and line.candidate in self.alike
        flags = review.flags_of(line, circular=sells, alike=alike, rules=review.review_rules())
        return (
            line_id,
            self.run_id,
            position,
            line.clause,
            line.candidate,
            party["id"],
            line.enterprise,
            line.name,
            party["zh"],
            party["en"],
            line.status.value,
            clause.base,
            line.base_fen,
            line.rank,
            line.rate,
            line.cap_fen,
            line.cap_bound,
            line.amount_fen,
            [flag.value for flag in flags],
            orjson.dumps(steps).decode(),
        )


async def _write(connection: Connection, rows: list[tuple[Any, ...]]) -> None:
    """All lines in one COPY."""
    await connection.copy_records_to_table("subsidy_line", records=rows, columns=COLUMNS)
