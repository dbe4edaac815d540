"""Does a run still follow from its stored bytes, fen by fen, and are they those of its sealed audit events?"""

import asyncio
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.subsidy.evaluator import identity as engine
from datamarket.subsidy.evaluator.rules import evaluate
from datamarket.subsidy.facts import queries as fact_queries
from datamarket.subsidy.register import queries as register_queries
from datamarket.subsidy.runs import dossier, sealed
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.scheme.files import load_scheme
from datamarket.subsidy.terms import Result, sha256_of_bytes

LINES_NAMED = 5


@dataclass(frozen=True)
class Replay:
    """Each thing that was compared, and whether it agrees; the engines are named, not compared.

    `differs` names what its audit events tell otherwise, and the lines that are not what the stored files give;
    `unsealed_events` are compared like the others, and wait to be sealed.
    """

    run_id: UUID
    scheme_holds: bool
    snapshot_holds: bool
    result_holds: bool
    lines_hold: bool
    sealed_holds: bool
    differs: list[str]
    unsealed_events: int
    stored_sha256: str
    replayed_sha256: str | None
    engine_then: str
    engine_now: str

    @property
    def agrees(self) -> bool:
        files_hold = self.scheme_holds and self.snapshot_holds
        return files_hold and self.result_holds and self.lines_hold and self.sealed_holds


async def replay_run(session: AsyncSession, run_id: UUID) -> Replay:
    """Hash the stored files, evaluate them again, compare with the stored result, every stored line and its events.

    Raises NotFound and NotCalculated.
    """
    view = await run_queries.get_run(session, run_id)
    stored = await dossier.result_of(session, view)
    version = await register_queries.version_by_id(session, view.run.scheme_version_id)
    snapshot = await fact_queries.snapshot_by_id(session, view.run.snapshot_id or UUID(int=0))
    stored_sha256 = view.run.result_sha256 or ""
    compared = await sealed.compare(session, view.run)
    again = await asyncio.to_thread(_evaluated, version.content, snapshot.content, view.run.year)
    replayed = again.sha256 if again else None
    told = [" ".join(filter(None, (*part.labels, named))) for part, named in compared.differs]
    told += _lines_unlike(again, stored) if again else []
    return Replay(
        run_id=run_id,
        scheme_holds=sha256_of_bytes(version.content) == version.sha256,
        snapshot_holds=sha256_of_bytes(snapshot.content) == snapshot.sha256,
        result_holds=replayed == stored_sha256,
        lines_hold=stored.sha256 == stored_sha256,
        sealed_holds=not compared.differs,
        differs=told,
        unsealed_events=compared.unsealed,
        stored_sha256=stored_sha256,
        replayed_sha256=replayed,
        engine_then=view.run.engine_id or "",
        engine_now=engine.engine_id(),
    )


def _lines_unlike(again: Result, stored: Result) -> list[str]:
    """The first clauses and candidates of which the lines differ."""
    ours, theirs = ({(line.clause, line.candidate): line for line in one.lines} for one in (again, stored))
    unlike = (key for key in ours | theirs if ours.get(key) != theirs.get(key))
    return [" ".join(key) for key in islice(unlike, LINES_NAMED)]


def _evaluated(scheme: bytes, snapshot: bytes, year: int) -> Result | None:
    """The result, or None when the stored bytes cannot even be read."""
    try:
        return evaluate(load_scheme(scheme), dossier.read_snapshot(snapshot), year)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
