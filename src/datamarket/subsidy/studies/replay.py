"""Does a run still follow from its stored bytes, fen by fen? Nothing but what was stored is looked at."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.subsidy.evaluator import identity as engine
from datamarket.subsidy.evaluator.rules import evaluate
from datamarket.subsidy.facts import queries as fact_queries
from datamarket.subsidy.register import queries as register_queries
from datamarket.subsidy.runs import dossier
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.scheme.files import load_scheme
from datamarket.subsidy.terms import sha256_of_bytes


@dataclass(frozen=True)
class Replay:
    """Each thing that was compared, and whether it agrees; the engines are named, not compared."""

    run_id: UUID
    scheme_holds: bool
    snapshot_holds: bool
    result_holds: bool
    lines_hold: bool
    stored_sha256: str
    replayed_sha256: str | None
    engine_then: str
    engine_now: str

    @property
    def agrees(self) -> bool:
        return self.scheme_holds and self.snapshot_holds and self.result_holds and self.lines_hold


async def replay_run(session: AsyncSession, run_id: UUID) -> Replay:
    """Hash the stored files, evaluate them again, compare with the stored result and with every stored line.

    Raises NotFound and NotCalculated.
    """
    view = await run_queries.get_run(session, run_id)
    stored = await dossier.result_of(session, view)
    version = await register_queries.version_by_id(session, view.run.scheme_version_id)
    snapshot = await fact_queries.snapshot_by_id(session, view.run.snapshot_id or UUID(int=0))
    stored_sha256 = view.run.result_sha256 or ""
    replayed = await asyncio.to_thread(_evaluated, version.content, snapshot.content, view.run.year)
    return Replay(
        run_id=run_id,
        scheme_holds=sha256_of_bytes(version.content) == version.sha256,
        snapshot_holds=sha256_of_bytes(snapshot.content) == snapshot.sha256,
        result_holds=replayed == stored_sha256,
        lines_hold=stored.sha256 == stored_sha256,
        stored_sha256=stored_sha256,
        replayed_sha256=replayed,
        engine_then=view.run.engine_id or "",
        engine_now=engine.engine_id(),
    )


def _evaluated(scheme: bytes, snapshot: bytes, year: int) -> str | None:
    """The hash of the result, or None when the stored bytes cannot even be read."""
    try:
        return evaluate(load_scheme(scheme), dossier.read_snapshot(snapshot), year).sha256
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
