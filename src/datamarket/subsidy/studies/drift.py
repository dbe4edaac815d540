"""What came after a run: what today's books would give, what flags, objections and recoveries have of it; the run itself never changes."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.db import PageAsked, driver
from datamarket.foundation.spreadsheets.cells import amount
from datamarket.participants import queries as participants
from datamarket.subsidy.evaluator.rules import evaluate
from datamarket.subsidy.facts import counterfactual
from datamarket.subsidy.facts import snapshot as snapshots
from datamarket.subsidy.integrity import queries as integrity
from datamarket.subsidy.integrity.terms import Detector, FlagState
from datamarket.subsidy.objections import queries as objections
from datamarket.subsidy.objections.terms import ObjectionState
from datamarket.subsidy.recoveries.queries import came_back
from datamarket.subsidy.runs import dossier
from datamarket.subsidy.runs.dossier import Followed, RunDossier, dossier_of
from datamarket.subsidy.runs.queries import RunView
from datamarket.subsidy.studies.dossier_sheets import at_told
from datamarket.subsidy.studies.whatif import Comparison, compare

MOST_FLAGS = 1_000
"""Of a year, on a sheet for reading; all of them are listed by `GET /subsidy/integrity/flags`."""


@dataclass(frozen=True)
class BaseChange:
    """A candidate's base, then and now; None where it was or is not known."""

    clause: str
    candidate: str
    name: str
    before_fen: int | None
    after_fen: int | None


@dataclass(frozen=True)
class Drift:
    """Facts that changed since the cut-off, and what they would change."""

    before_sha256: str
    after_sha256: str
    bases: tuple[BaseChange, ...]
    comparison: Comparison

    @property
    def drifted(self) -> bool:
        return self.before_sha256 != self.after_sha256


async def drift_of(session: AsyncSession, view: RunView, *, now: datetime) -> Drift:
    """The year again with all that is known at `now`. Raises NotCalculated and what the evaluator raises.

    What this run itself has claimed for its projects is not held against them.
    """
    before = await dossier.result_of(session, view)
    scheme = await dossier.scheme_of(session, view.run.scheme_version_id)
    year = snapshots.RunYear(view.run.ledger_id, view.run.year, now, view.run.id)
    taken = await snapshots.take(await driver(session), year, as_of=now)
    earlier = await dossier.stored_snapshot(session, view)
    known_now = counterfactual.known_as_in(taken.snapshot, earlier)
    after = await asyncio.to_thread(evaluate, scheme, known_now, view.run.year)
    known = {(line.clause, line.candidate): line.base_fen for line in before.lines}
    bases = tuple(
        BaseChange(line.clause, line.candidate, line.name, known.get(key), line.base_fen)
        for line in after.lines
        if known.get(key := (line.clause, line.candidate)) != line.base_fen
    )
    return Drift(before.snapshot_sha256, after.snapshot_sha256, bases, compare(before, after))


async def filed_of(session: AsyncSession, view: RunView) -> RunDossier:
    """All that is on file of a run: what flags, objections and recoveries have of it, too. Raises NotCalculated."""
    run = view.run
    nothing: dict[str, Any] = {"state": None, "detector": None, "participant": None}
    flags = await integrity.list_flags(
        session, run.ledger_id, year=run.year, page=PageAsked(MOST_FLAGS), **nothing
    )
    filed = await objections.objections_of(session, run)
    concerned = {one.enterprise_id for one in filed}.union(*(flag.members for flag in flags))
    named = await participants.participants_by_ids(session, concerned)
    flagged = [
        (
            " · ".join(Detector(flag.detector).labels),
            "、".join(named[member].name_zh for member in flag.members),
            amount(flag.amount_fen),
            " · ".join(FlagState(flag.state).labels),
            flag.reason or "",
        )
        for flag in flags[:MOST_FLAGS]
    ]
    objected = [
        (
            at_told(one.filed_at),
            named[one.enterprise_id].name_zh,
            one.grounds,
            " · ".join(ObjectionState(one.state).labels),
            one.answer or "",
            one.decision or "",
        )
        for one in filed
    ]
    return await dossier_of(session, view, Followed(await came_back(session, run.id), flagged, objected))
