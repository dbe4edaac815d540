"""Reading runs, snapshots, lines and awards."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import and_, col, func, select, true, tuple_
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.foundation.errors import NotFound
from datamarket.subsidy.lifecycle import PUBLIC, RunState
from datamarket.subsidy.review import Flag
from datamarket.subsidy.tables import (
    SchemeVersion,
    SubsidyLine,
    SubsidyPosting,
    SubsidyRun,
    SubsidyRunEvent,
    SubsidySnapshot,
)
from datamarket.subsidy.terms import LineStatus


class RunView(NamedTuple):
    """A run, which version of its scheme it follows, and the hashes of what it was calculated from."""

    run: SubsidyRun
    scheme_version: int
    scheme_sha256: str
    snapshot_sha256: str | None


class LineView(NamedTuple):
    """A line and whether it is payable or paid; null before it is posted."""

    line: SubsidyLine
    payment: str | None


class Award(NamedTuple):
    """One publicised award."""

    line: SubsidyLine
    run: SubsidyRun


_RUN_VIEW = (
    select(SubsidyRun, SchemeVersion.n, SchemeVersion.sha256, SubsidySnapshot.sha256)
    .join(SchemeVersion, col(SchemeVersion.id) == SubsidyRun.scheme_version_id)
    .outerjoin(SubsidySnapshot, col(SubsidySnapshot.id) == SubsidyRun.snapshot_id)
)


async def get_run(session: AsyncSession, run_id: UUID) -> RunView:
    """Raises NotFound."""
    found = (await session.exec(_RUN_VIEW.where(SubsidyRun.id == run_id))).first()
    if found is None:
        raise NotFound(thing="run")
    return RunView(*found)


async def list_runs(
    session: AsyncSession,
    *,
    scheme: str | None,
    year: int | None,
    state: RunState | None,
    limit: int,
    after: UUID | None,
) -> list[RunView]:
    """Newest first."""
    statement = _RUN_VIEW.order_by(col(SubsidyRun.id).desc()).limit(limit + 1)
    if scheme is not None:
        statement = statement.where(SubsidyRun.scheme_id == scheme)
    if year is not None:
        statement = statement.where(SubsidyRun.year == year)
    if state is not None:
        statement = statement.where(SubsidyRun.state == state)
    if after is not None:
        statement = statement.where(col(SubsidyRun.id) < after)
    return [RunView(*row) for row in (await session.exec(statement)).all()]


async def newest_run(session: AsyncSession, scheme: str, year: int) -> RunView | None:
    """The last run that was opened for a scheme and year."""
    found = await list_runs(session, scheme=scheme, year=year, state=None, limit=1, after=None)
    return found[0] if found else None


async def lock_run(session: AsyncSession, run_id: UUID) -> SubsidyRun:
    """The newest row, held until the transaction ends. Raises NotFound."""
    run = await session.get(SubsidyRun, run_id, with_for_update=True, populate_existing=True)
    if run is None:
        raise NotFound(thing="run")
    return run


async def list_run_events(
    session: AsyncSession, run_id: UUID, *, limit: int, after: int | None
) -> Sequence[SubsidyRunEvent]:
    """Oldest first."""
    statement = select(SubsidyRunEvent).where(SubsidyRunEvent.run_id == run_id)
    if after is not None:
        statement = statement.where(col(SubsidyRunEvent.n) > after)
    return (await session.exec(statement.order_by(col(SubsidyRunEvent.n)).limit(limit + 1))).all()


async def same_calculation(session: AsyncSession, run: SubsidyRun, engine: str) -> UUID | None:
    """Another live run of the same scheme version, snapshot and engine."""
    statement = select(SubsidyRun.id).where(
        SubsidyRun.scheme_version_id == run.scheme_version_id,
        SubsidyRun.snapshot_id == run.snapshot_id,
        SubsidyRun.engine_id == engine,
        SubsidyRun.id != run.id,
        col(SubsidyRun.state).not_in([RunState.REJECTED, RunState.CANCELLED, RunState.SUPERSEDED]),
    )
    return (await session.exec(statement)).first()


async def snapshot_by_id(session: AsyncSession, snapshot_id: UUID) -> SubsidySnapshot:
    return (await session.exec(select(SubsidySnapshot).where(SubsidySnapshot.id == snapshot_id))).one()


async def find_snapshot(session: AsyncSession, ledger_id: int, year: int, sha256: str) -> UUID | None:
    """The snapshot of equal facts, if one was taken before."""
    statement = select(SubsidySnapshot.id).where(
        SubsidySnapshot.ledger_id == ledger_id, SubsidySnapshot.year == year, SubsidySnapshot.sha256 == sha256
    )
    return (await session.exec(statement)).first()


async def rings_of(session: AsyncSession, snapshot_id: UUID) -> list[dict[str, Any]]:
    """The rings that were seen when the snapshot was taken."""
    statement = select(SubsidySnapshot.rings).where(SubsidySnapshot.id == snapshot_id)
    rings: list[dict[str, Any]] = (await session.exec(statement)).one()  # type: ignore[assignment]
    return rings


def _line_visible(actor: Actor) -> Any:
    """Overseers see every line; an enterprise its own, once the list is public."""
    if actor.sees_all:
        return true()
    return and_(col(SubsidyLine.enterprise_id) == actor.participant_id, col(SubsidyRun.state).in_(PUBLIC))


_PAYMENT = (
    select(SubsidyPosting.kind)
    .where(SubsidyPosting.line_id == SubsidyLine.id)
    .order_by(col(SubsidyPosting.posted_at).desc(), col(SubsidyPosting.kind).desc())
    .limit(1)
    .correlate(SubsidyLine)
    .scalar_subquery()
)
_LINE_VIEW = select(SubsidyLine, _PAYMENT).join(SubsidyRun, col(SubsidyRun.id) == SubsidyLine.run_id)


async def list_lines(
    session: AsyncSession,
    run_id: UUID,
    *,
    visible_to: Actor,
    status: LineStatus | None = None,
    clause: str | None = None,
    flag: Flag | None = None,
    flagged: bool = False,
    limit: int,
    after: int | None,
) -> list[LineView]:
    """In the order of clause, rank and candidate; `after` is the last position of the page before."""
    statement = _LINE_VIEW.where(SubsidyLine.run_id == run_id, _line_visible(visible_to))
    if status is not None:
        statement = statement.where(SubsidyLine.status == status)
    if clause is not None:
        statement = statement.where(SubsidyLine.clause_id == clause)
    if flag is not None:
        statement = statement.where(col(SubsidyLine.flags).contains([flag]))
    if flagged:
        statement = statement.where(col(SubsidyLine.flags) != [])
    if after is not None:
        statement = statement.where(col(SubsidyLine.position) > after)
    rows = (await session.exec(statement.order_by(col(SubsidyLine.position)).limit(limit + 1))).all()
    return [LineView(*row) for row in rows]


async def get_line(session: AsyncSession, line_id: UUID, *, visible_to: Actor) -> LineView:
    """Raises NotFound, also for another enterprise's line, or before the list is public."""
    found = (
        await session.exec(_LINE_VIEW.where(SubsidyLine.id == line_id, _line_visible(visible_to)))
    ).first()
    if found is None:
        raise NotFound(thing="line")
    return LineView(*found)


async def all_lines(session: AsyncSession, run_id: UUID) -> Sequence[SubsidyLine]:
    """Every line of a run, in its order: for what looks at the whole result."""
    statement = select(SubsidyLine).where(SubsidyLine.run_id == run_id).order_by(col(SubsidyLine.position))
    return (await session.exec(statement)).all()


async def award_lines(session: AsyncSession, run_id: UUID) -> Sequence[SubsidyLine]:
    """The lines that get money."""
    statement = select(SubsidyLine).where(SubsidyLine.run_id == run_id, col(SubsidyLine.amount_fen) > 0)
    return (await session.exec(statement.order_by(col(SubsidyLine.position)))).all()


async def refused_lines(session: AsyncSession, run_id: UUID, *, limit: int) -> Sequence[SubsidyLine]:
    """Who fails a condition, or is held: those with most at stake first; who merely ranks lower is not among them."""
    statement = (
        select(SubsidyLine)
        .where(
            SubsidyLine.run_id == run_id,
            col(SubsidyLine.status).in_([LineStatus.INELIGIBLE, LineStatus.HELD, LineStatus.DISPLACED]),
        )
        .order_by(col(SubsidyLine.base_fen).desc().nulls_last(), col(SubsidyLine.position))
        .limit(limit)
    )
    return (await session.exec(statement)).all()


async def next_in_line(session: AsyncSession, run_id: UUID, *, limit: int) -> Sequence[SubsidyLine]:
    """Those below the cut of a ranked clause, the nearest first."""
    statement = (
        select(SubsidyLine)
        .where(
            SubsidyLine.run_id == run_id,
            SubsidyLine.status == LineStatus.NOT_SELECTED,
            col(SubsidyLine.rank).is_not(None),
        )
        .order_by(col(SubsidyLine.rank), col(SubsidyLine.position))
        .limit(limit)
    )
    return (await session.exec(statement)).all()


async def count_without_award(session: AsyncSession, run_id: UUID) -> int:
    """How many lines get no money."""
    statement = select(func.count()).select_from(SubsidyLine)
    return (
        await session.exec(statement.where(SubsidyLine.run_id == run_id, col(SubsidyLine.amount_fen) == 0))
    ).one()


async def list_awards(
    session: AsyncSession, *, year: int, scheme: str | None, limit: int, after: tuple[UUID, int] | None
) -> list[Award]:
    """Every award of a year whose list is public."""
    place = (col(SubsidyLine.run_id), col(SubsidyLine.position))
    statement = (
        select(SubsidyLine, SubsidyRun)
        .join(SubsidyRun, col(SubsidyRun.id) == SubsidyLine.run_id)
        .where(SubsidyRun.year == year, col(SubsidyRun.state).in_(PUBLIC), col(SubsidyLine.amount_fen) > 0)
    )
    if scheme is not None:
        statement = statement.where(SubsidyRun.scheme_id == scheme)
    if after is not None:
        statement = statement.where(tuple_(*place) > tuple_(*after))
    return [Award(*row) for row in (await session.exec(statement.order_by(*place).limit(limit + 1))).all()]


_FACT_TEXTS = text("SELECT name, version, sha256 FROM subsidy_fact_version")


async def fact_texts(session: AsyncSession) -> dict[tuple[str, int], str]:
    """The hash of every fact's statement as it was first used."""
    rows = await (await session.connection()).execute(_FACT_TEXTS)
    return {(row.name, row.version): row.sha256 for row in rows}


async def watermark(session: AsyncSession) -> str:
    """Every transaction before this one is visible: what a later one wrote is known to be later."""
    statement = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
    return str((await (await session.connection()).execute(statement)).scalar_one())
