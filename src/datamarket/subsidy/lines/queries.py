"""Reading lines and awards, as their readers may see them."""

from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from sqlmodel import and_, case, col, func, or_, select, true
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.foundation.db import PageAsked, asked, keyset, one_row
from datamarket.foundation.tables import BigInteger
from datamarket.ledger.terms import EntryKind
from datamarket.subsidy.facts.review import Flag
from datamarket.subsidy.recoveries.queries import STATUS_OF_LINE
from datamarket.subsidy.runs.queries import AWARD_NOW, AwardNow
from datamarket.subsidy.runs.rules import PUBLIC
from datamarket.subsidy.runs.tables import AwardHold, SubsidyLine, SubsidyPosting, SubsidyRun
from datamarket.subsidy.runs.terms import AwardHoldState, RunState
from datamarket.subsidy.terms import LineStatus


class LineSort(StrEnum):
    """The order of a list of lines: as they were calculated, or the largest amount or base first."""

    POSITION = "position"
    AMOUNT = "amount"
    BASE = "base"


_SORTED: dict[LineSort, Any] = {
    LineSort.POSITION: col(SubsidyLine.position),
    LineSort.AMOUNT: -col(SubsidyLine.amount_fen),
    LineSort.BASE: -func.coalesce(SubsidyLine.base_fen, -1),
}
_SEARCHED = tuple(
    col(column)
    for column in (
        SubsidyLine.name,
        SubsidyLine.enterprise_zh,
        SubsidyLine.enterprise_en,
        SubsidyLine.uscc,
        SubsidyLine.candidate_id,
    )
)


class LinesWanted(NamedTuple):
    """Which lines of a run: in a state, of a clause, of an enterprise, with a flag, or whose names hold a text."""

    status: LineStatus | None = None
    clause: str | None = None
    uscc: str | None = None
    flag: Flag | None = None
    text: str | None = None

    def conditions(self) -> list[Any]:
        held = asked(
            (STATUS_NOW, self.status), (SubsidyLine.clause_id, self.clause), (SubsidyLine.uscc, self.uscc)
        )
        if self.flag is not None:
            held.append(col(SubsidyLine.flags).contains([self.flag]))
        if self.text:
            held.append(or_(*(column.icontains(self.text, autoescape=True) for column in _SEARCHED)))
        return held


class LineView(NamedTuple):
    """A line, its newest posting (null before one), what holds it, whether it comes back, what was set off, what has become of it."""

    line: SubsidyLine
    payment: str | None
    hold: AwardHold | None
    recovery: LineStatus | None
    set_off_fen: int
    told: dict[str, Any] | None

    @property
    def now(self) -> AwardNow:
        """A line without an award stays what the evaluator gave."""
        return AwardNow.of(self.told) if self.told else AwardNow(LineStatus(self.line.status))

    @property
    def status(self) -> LineStatus:
        """Whether it comes back, or else what became of it."""
        return LineStatus(self.recovery) if self.recovery else self.now.status


class Award(NamedTuple):
    """One publicised award, what holds it, whether it comes back, and what has become of it."""

    line: SubsidyLine
    run: SubsidyRun
    hold: AwardHold | None
    recovery: LineStatus | None
    told: dict[str, Any]

    @property
    def status(self) -> LineStatus:
        """Whether it comes back, or else what became of it."""
        return LineStatus(self.recovery) if self.recovery else AwardNow.of(self.told).status


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
_HELD = and_(col(AwardHold.line_id) == SubsidyLine.id, col(AwardHold.state) != AwardHoldState.RELEASED)
_SET_OFF = (
    select(func.coalesce(func.sum(SubsidyPosting.amount_fen), 0).cast(BigInteger))
    .where(SubsidyPosting.line_id == SubsidyLine.id, SubsidyPosting.kind == EntryKind.SUBSIDY_SET_OFF)
    .correlate(SubsidyLine)
    .scalar_subquery()
)
_AWARDED = col(SubsidyLine.amount_fen) > 0
_TOLD = case((_AWARDED, AWARD_NOW))
STATUS_NOW = func.coalesce(
    STATUS_OF_LINE, case((_AWARDED, AWARD_NOW["status"].astext), else_=col(SubsidyLine.status))
)
"""What has become of a line."""
_ANY = LinesWanted()
_LINE_VIEW: Any = (
    select(SubsidyLine, _PAYMENT, AwardHold, STATUS_OF_LINE, _SET_OFF, _TOLD)  # type: ignore[call-overload] # six at once
    .join(SubsidyRun, col(SubsidyRun.id) == SubsidyLine.run_id)
    .outerjoin(AwardHold, _HELD)
)


async def list_lines(
    session: AsyncSession,
    run_id: UUID,
    *,
    visible_to: Actor,
    wanted: LinesWanted = _ANY,
    flagged: bool = False,
    page: PageAsked[int],
) -> list[LineView]:
    """In the order of clause, rank and candidate; `after` is the last position of the page before."""
    statement = _lines_of(run_id, visible_to, wanted)
    if flagged:
        statement = statement.where(col(SubsidyLine.flags) != [])
    rows = (await session.exec(keyset(statement, col(SubsidyLine.position), page))).all()
    return [LineView(*row) for row in rows]


async def sort_lines(
    session: AsyncSession,
    run_id: UUID,
    *,
    visible_to: Actor,
    wanted: LinesWanted,
    sort: LineSort,
    page: PageAsked[tuple[int, int]] | None = None,
) -> list[tuple[LineView, int]]:
    """In an order, each with its place in it; `after` is place and position of the last line of the page before.

    Without a page all of them.
    """
    place = _SORTED[sort].label("place")
    statement = _lines_of(run_id, visible_to, wanted).add_columns(place)
    key = (_SORTED[sort], col(SubsidyLine.position))
    ordered = keyset(statement, key, page) if page else statement.order_by(*key)
    return [(LineView(*row[:-1]), row[-1]) for row in (await session.exec(ordered)).all()]


def _lines_of(run_id: UUID, visible_to: Actor, wanted: LinesWanted) -> Any:
    return _LINE_VIEW.where(SubsidyLine.run_id == run_id, _line_visible(visible_to), *wanted.conditions())


async def get_line(session: AsyncSession, line_id: UUID, *, visible_to: Actor) -> LineView:
    """Raises NotFound, also for another enterprise's line, or before the list is public."""
    statement = _LINE_VIEW.where(SubsidyLine.id == line_id, _line_visible(visible_to))
    return LineView(*await one_row(session, statement, "line"))


async def list_awards(
    session: AsyncSession,
    *,
    year: int,
    scheme: str | None,
    superseded: bool = False,
    page: PageAsked[tuple[UUID, int]],
) -> list[Award]:
    """Every award of a year whose list is public, or of the lists that were and gave way to another."""
    run_state = col(SubsidyRun.state)
    was_public = and_(run_state == RunState.SUPERSEDED, col(SubsidyRun.publicity_from).is_not(None))
    place = (col(SubsidyLine.run_id), col(SubsidyLine.position))
    statement = (
        select(SubsidyLine, SubsidyRun, AwardHold, STATUS_OF_LINE, AWARD_NOW)  # type: ignore[call-overload] # five at once
        .join(SubsidyRun, col(SubsidyRun.id) == SubsidyLine.run_id)
        .outerjoin(AwardHold, _HELD)
        .where(SubsidyRun.year == year, was_public if superseded else run_state.in_(PUBLIC))
        .where(_AWARDED)
        .where(*asked((SubsidyRun.scheme_id, scheme)))
    )
    return [Award(*row) for row in (await session.exec(keyset(statement, place, page))).all()]
