"""What the same run would give from the books as they are now; the run itself never changes."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.db import driver
from datamarket.subsidy.evaluator.rules import evaluate
from datamarket.subsidy.facts import counterfactual
from datamarket.subsidy.facts import snapshot as snapshots
from datamarket.subsidy.runs import dossier
from datamarket.subsidy.runs.queries import RunView
from datamarket.subsidy.studies.whatif import Comparison, compare


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
