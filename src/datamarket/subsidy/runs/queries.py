"""Reading runs and their lines."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.db import PageAsked, asked, keyset, lock_row, one_row
from datamarket.foundation.tables import JSONB, BigInteger
from datamarket.ledger.terms import EntryKind
from datamarket.subsidy.facts.tables import SubsidySnapshot
from datamarket.subsidy.register.tables import SchemeVersion
from datamarket.subsidy.runs.rules import PUBLIC
from datamarket.subsidy.runs.tables import AwardHold, SubsidyLine, SubsidyPosting, SubsidyRun, SubsidyRunEvent
from datamarket.subsidy.runs.terms import AwardHoldState, RunState
from datamarket.subsidy.terms import LineStatus

PAYING = (EntryKind.SUBSIDY_PAID, EntryKind.SUBSIDY_SET_OFF)
"""What pays an award: the bank, or what its enterprise owed."""


class RunView(NamedTuple):
    """A run, which version of its scheme it follows, and the hashes of what it was calculated from."""

    run: SubsidyRun
    scheme_version: int
    scheme_sha256: str
    snapshot_sha256: str | None


_RUN_VIEW = (
    select(SubsidyRun, SchemeVersion.n, SchemeVersion.sha256, SubsidySnapshot.sha256)
    .join(SchemeVersion, col(SchemeVersion.id) == SubsidyRun.scheme_version_id)
    .outerjoin(SubsidySnapshot, col(SubsidySnapshot.id) == SubsidyRun.snapshot_id)
)


async def get_run(session: AsyncSession, run_id: UUID) -> RunView:
    """Raises NotFound."""
    return RunView(*await one_row(session, _RUN_VIEW.where(SubsidyRun.id == run_id), "run"))


async def list_runs(
    session: AsyncSession,
    *,
    scheme: str | None = None,
    year: int | None = None,
    state: RunState | None = None,
    decided: bool = False,
    page: PageAsked[UUID],
) -> list[RunView]:
    """Newest first; decided are those whose list is public: one a year and scheme."""
    wanted = asked((SubsidyRun.scheme_id, scheme), (SubsidyRun.year, year), (SubsidyRun.state, state))
    wanted += [col(SubsidyRun.state).in_(PUBLIC)] if decided else []
    rows = (
        await session.exec(keyset(_RUN_VIEW.where(*wanted), col(SubsidyRun.id), page, newest_first=True))
    ).all()
    return [RunView(*row) for row in rows]


async def decided_run(
    session: AsyncSession, ledger_id: int, *, year: int | None = None, scheme: str | None = None
) -> RunView | None:
    """The run that a year is answered from: its list is public. Without a year, the newest year that has one."""
    wanted = asked((SubsidyRun.year, year), (SubsidyRun.scheme_id, scheme))
    public = _RUN_VIEW.where(SubsidyRun.ledger_id == ledger_id, col(SubsidyRun.state).in_(PUBLIC), *wanted)
    newest = public.order_by(col(SubsidyRun.year).desc(), col(SubsidyRun.id).desc()).limit(1)
    row = (await session.exec(newest)).first()
    return RunView(*row) if row else None


async def lock_run(session: AsyncSession, run_id: UUID) -> SubsidyRun:
    """The newest row, held until the transaction ends. Raises NotFound."""
    return await lock_row(session, SubsidyRun, run_id, "run")


async def list_run_events(
    session: AsyncSession, run_id: UUID, *, page: PageAsked[int]
) -> Sequence[SubsidyRunEvent]:
    """Oldest first."""
    statement = select(SubsidyRunEvent).where(SubsidyRunEvent.run_id == run_id)
    return (await session.exec(keyset(statement, col(SubsidyRunEvent.n), page))).all()


async def digests_of(session: AsyncSession, run_id: UUID) -> dict[str, Any]:
    """What the run stands on and gave, as digests of its rows as they are now."""
    await session.flush()
    digests: dict[str, Any] = (await session.exec(select(func.subsidy_run_digests(run_id)))).one()
    return digests


async def differences(session: AsyncSession, run_id: UUID) -> list[tuple[str, str | None]]:
    """In what the run is not what its audit events say, and which rows where they are known."""
    unlike = func.subsidy_run_unlike(run_id).table_valued("what", "named")
    return list((await session.exec(select(unlike.c.what, unlike.c.named))).all())


class YearObjections(NamedTuple):
    """What objections ask of the lists of a run's year: open or still to be appealed, and upheld after the run was opened."""

    unsettled: int
    upheld: int
    newest_upheld: UUID | None


async def objections_to(session: AsyncSession, run_id: UUID, on: date) -> YearObjections:
    """As they are on a day."""
    asked_for = func.subsidy_run_objections(run_id, on).table_valued(*YearObjections._fields)
    return YearObjections(
        *(
            await session.exec(select(asked_for.c.unsettled, asked_for.c.upheld, asked_for.c.newest_upheld))
        ).one()
    )


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


async def rings_of(session: AsyncSession, snapshot_id: UUID) -> list[dict[str, Any]]:
    """The rings that were seen when the snapshot was taken."""
    statement = select(SubsidySnapshot.rings).where(SubsidySnapshot.id == snapshot_id)
    rings: list[dict[str, Any]] = (await session.exec(statement)).one()  # type: ignore[assignment]
    return rings


async def _lines(
    session: AsyncSession, run_id: UUID, *wanted: Any, first: Any = (), limit: int | None = None
) -> Sequence[SubsidyLine]:
    """By `first`, then in the order of the run."""
    statement = select(SubsidyLine).where(SubsidyLine.run_id == run_id, *wanted)
    return (await session.exec(statement.order_by(*first, col(SubsidyLine.position)).limit(limit))).all()


async def all_lines(session: AsyncSession, run_id: UUID) -> Sequence[SubsidyLine]:
    """Every line of a run: for what looks at the whole result."""
    return await _lines(session, run_id)


async def award_lines(
    session: AsyncSession, run_id: UUID, *, line_id: UUID | None = None
) -> Sequence[SubsidyLine]:
    """The lines that get money, or one of them."""
    return await _lines(session, run_id, col(SubsidyLine.amount_fen) > 0, *asked((SubsidyLine.id, line_id)))


async def payable_lines(session: AsyncSession, run_id: UUID) -> set[UUID]:
    """Which lines were made payable."""
    statement = select(SubsidyPosting.line_id).join(
        SubsidyLine, col(SubsidyLine.id) == SubsidyPosting.line_id
    )
    approved = SubsidyPosting.kind == EntryKind.SUBSIDY_APPROVED
    return set(await session.exec(statement.where(SubsidyLine.run_id == run_id, approved)))


class AwardNow(NamedTuple):
    """What has become of an award; while the bank has refused it, under which code and in which words."""

    status: LineStatus
    refusal: tuple[str, str] | None = None

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "AwardNow":
        return cls(LineStatus(told["status"]), (told["code"], told["reason"]) if told["code"] else None)


AWARD_NOW = func.subsidy_award_now(SubsidyLine.id, type_=JSONB)
"""Of a line that gets money: from its postings, its newest payment, and what holds it."""


async def awards_now(session: AsyncSession, run_id: UUID) -> dict[UUID, AwardNow]:
    """Of each line that gets money."""
    statement = select(SubsidyLine.id, AWARD_NOW).where(SubsidyLine.run_id == run_id)
    rows = await session.exec(statement.where(col(SubsidyLine.amount_fen) > 0))
    return {line_id: AwardNow.of(told) for line_id, told in rows}


class PaidAward(NamedTuple):
    """A line of which something was paid, at the bank or by setting it off."""

    line_id: UUID
    run_id: UUID
    enterprise_id: UUID
    paid_fen: int


async def paid_awards(
    session: AsyncSession, *, run_id: UUID | None = None, line_id: UUID | None = None
) -> list[PaidAward]:
    """Of a run, or of one line: in the order of the lines."""
    line = (col(SubsidyLine.id), col(SubsidyLine.run_id), col(SubsidyLine.enterprise_id))
    statement = (
        select(*line, func.sum(SubsidyPosting.amount_fen).cast(BigInteger))
        .join(SubsidyPosting, col(SubsidyPosting.line_id) == SubsidyLine.id)
        .where(col(SubsidyPosting.kind).in_(PAYING))
        .where(*asked((SubsidyLine.run_id, run_id), (SubsidyLine.id, line_id)))
        .group_by(*line, col(SubsidyLine.position))
        .order_by(col(SubsidyLine.position))
    )
    return [PaidAward(*row) for row in (await session.exec(statement)).all()]


async def set_off_of(session: AsyncSession, line_ids: Collection[UUID]) -> dict[UUID, int]:
    """What of these awards was set off against a recovery: the bank pays the rest."""
    statement = select(SubsidyPosting.line_id, SubsidyPosting.amount_fen)
    found = statement.where(
        SubsidyPosting.kind == EntryKind.SUBSIDY_SET_OFF, col(SubsidyPosting.line_id).in_(line_ids)
    )
    return dict((await session.exec(found)).all())


async def run_of_line(session: AsyncSession, line_id: UUID) -> UUID:
    """Which run a line is of. Raises NotFound."""
    return await one_row(session, select(SubsidyLine.run_id).where(SubsidyLine.id == line_id), "line")


async def runs_of(session: AsyncSession, awards: Iterable[UUID]) -> Sequence[UUID]:
    """The runs of these lines, in one order."""
    statement = select(SubsidyLine.run_id).where(col(SubsidyLine.id).in_(awards))
    return (await session.exec(statement.distinct().order_by(col(SubsidyLine.run_id)))).all()


async def open_holds(session: AsyncSession, run_id: UUID) -> Sequence[AwardHold]:
    """The awards of a run that are held, or that are never paid."""
    statement = select(AwardHold).where(
        AwardHold.run_id == run_id, AwardHold.state != AwardHoldState.RELEASED
    )
    return (await session.exec(statement)).all()


async def list_holds(session: AsyncSession, run_id: UUID, *, page: PageAsked[UUID]) -> Sequence[AwardHold]:
    """Every award of a run that was ever held, in the order of holding."""
    statement = select(AwardHold).where(AwardHold.run_id == run_id)
    return (await session.exec(keyset(statement, col(AwardHold.id), page))).all()


async def get_hold(session: AsyncSession, run_id: UUID, hold_id: UUID) -> AwardHold:
    """Newest as it is while its run is locked. Raises NotFound."""
    statement = select(AwardHold).where(AwardHold.run_id == run_id, AwardHold.id == hold_id)
    return await one_row(session, statement.execution_options(populate_existing=True), "held award")


async def postings_of(session: AsyncSession, run_id: UUID) -> Sequence[SubsidyPosting]:
    """What became payable and what was paid of a run, in that order."""
    lines = select(SubsidyLine.id).where(SubsidyLine.run_id == run_id)
    statement = select(SubsidyPosting).where(col(SubsidyPosting.line_id).in_(lines))
    ordered = statement.order_by(
        col(SubsidyPosting.posted_at), col(SubsidyPosting.kind), col(SubsidyPosting.line_id)
    )
    return (await session.exec(ordered)).all()


async def refused_lines(session: AsyncSession, run_id: UUID, *, limit: int) -> Sequence[SubsidyLine]:
    """Who fails a condition, or is held: those with most at stake first; who merely ranks lower is not among them."""
    refused = col(SubsidyLine.status).in_([LineStatus.INELIGIBLE, LineStatus.HELD, LineStatus.DISPLACED])
    most_at_stake = col(SubsidyLine.base_fen).desc().nulls_last()
    return await _lines(session, run_id, refused, first=[most_at_stake], limit=limit)


async def next_in_line(session: AsyncSession, run_id: UUID, *, limit: int) -> Sequence[SubsidyLine]:
    """Those below the cut of a ranked clause, the nearest first."""
    rank = col(SubsidyLine.rank)
    below = (SubsidyLine.status == LineStatus.NOT_SELECTED, rank.is_not(None))
    return await _lines(session, run_id, *below, first=[rank], limit=limit)


async def count_without_award(session: AsyncSession, run_id: UUID) -> int:
    """How many lines get no money."""
    statement = select(func.count()).select_from(SubsidyLine)
    return (
        await session.exec(statement.where(SubsidyLine.run_id == run_id, col(SubsidyLine.amount_fen) == 0))
    ).one()
