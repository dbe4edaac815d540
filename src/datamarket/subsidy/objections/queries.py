"""Reading objections: an enterprise its own, overseers all; and what an upheld one changed."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from datamarket.auth.queries import seen_by
from datamarket.auth.terms import Actor
from datamarket.foundation.clock import year_bounds
from datamarket.foundation.db import PageAsked, asked, driver, keyset, one_row
from datamarket.subsidy.objections.tables import SubsidyObjection
from datamarket.subsidy.objections.terms import ObjectionState
from datamarket.subsidy.runs.tables import SubsidyLine, SubsidyRun

_CONCERNED = """
SELECT EXISTS (SELECT FROM subsidy_line WHERE run_id = $1 AND enterprise_id = $2)
    OR EXISTS (SELECT FROM subsidy_case WHERE enterprise_id = $2)
    OR EXISTS (SELECT FROM subsidy_case_share WHERE enterprise_id = $2)
    OR EXISTS (SELECT FROM trade WHERE ledger_id = $3 AND provider_id = $2 AND occurred_at >= $4 AND occurred_at < $5)
"""
# Who has no award on either list is nobody's business but its own.
_CHANGES = """
SELECT clause_id, candidate_id, coalesce(a.name, b.name) AS name, coalesce(a.uscc, b.uscc) AS uscc,
       coalesce(a.enterprise_zh, b.enterprise_zh) AS enterprise_zh, coalesce(a.enterprise_en, b.enterprise_en) AS enterprise_en,
       CASE WHEN b.amount_fen > 0 OR b.enterprise_id = $3 THEN b.rank END AS before_rank, b.amount_fen AS before_fen,
       CASE WHEN a.amount_fen > 0 OR a.enterprise_id = $3 THEN a.rank END AS after_rank, a.amount_fen AS after_fen
  FROM (SELECT * FROM subsidy_line WHERE run_id = $1) AS b
  FULL JOIN (SELECT * FROM subsidy_line WHERE run_id = $2) AS a USING (clause_id, candidate_id)
 WHERE (a.rank, a.amount_fen, a.status) IS DISTINCT FROM (b.rank, b.amount_fen, b.status)
   AND (coalesce(a.amount_fen, 0) + coalesce(b.amount_fen, 0) > 0 OR $3 IN (a.enterprise_id, b.enterprise_id))
   AND (clause_id, candidate_id) > ($4, $5)
 ORDER BY clause_id, candidate_id LIMIT $6
"""


class LineChange(NamedTuple):
    """One candidate on the list that was objected to, and on the one that took its place; None where it is not on it."""

    clause_id: str
    candidate_id: str
    name: str
    uscc: str
    enterprise_zh: str
    enterprise_en: str
    before_rank: int | None
    before_fen: int | None
    after_rank: int | None
    after_fen: int | None


def _visible(actor: Actor) -> SelectOfScalar[SubsidyObjection]:
    return select(SubsidyObjection).where(seen_by(actor, SubsidyObjection.enterprise_id))


async def get_objection(session: AsyncSession, objection_id: UUID, *, visible_to: Actor) -> SubsidyObjection:
    """Raises NotFound, also for another enterprise's."""
    statement = _visible(visible_to).where(SubsidyObjection.id == objection_id)
    return await one_row(session, statement, "objection")


async def lock_objection(session: AsyncSession, objection_id: UUID, *, visible_to: Actor) -> SubsidyObjection:
    """The newest row, held until the transaction ends. Raises NotFound."""
    statement = _visible(visible_to).where(SubsidyObjection.id == objection_id).with_for_update()
    return await one_row(session, statement.execution_options(populate_existing=True), "objection")


async def list_objections(
    session: AsyncSession,
    *,
    visible_to: Actor,
    run: UUID | None,
    line: UUID | None,
    state: ObjectionState | None,
    page: PageAsked[UUID],
) -> Sequence[SubsidyObjection]:
    """In the order in which they were filed; appeals among them."""
    wanted = asked(
        (SubsidyObjection.run_id, run), (SubsidyObjection.line_id, line), (SubsidyObjection.state, state)
    )
    statement = _visible(visible_to).where(*wanted)
    return (await session.exec(keyset(statement, col(SubsidyObjection.id), page))).all()


async def objections_of(session: AsyncSession, run: SubsidyRun) -> Sequence[SubsidyObjection]:
    """Against its list, or against the one that it superseded, for the file of it: all."""
    runs = [run_id for run_id in (run.id, run.supersedes_id) if run_id is not None]
    statement = select(SubsidyObjection).where(col(SubsidyObjection.run_id).in_(runs))
    return (await session.exec(statement.order_by(col(SubsidyObjection.id)))).all()


async def is_concerned(session: AsyncSession, run: SubsidyRun, enterprise_id: UUID) -> bool:
    """Whether it has a line in the run, a case or a share of one, or sold in the run's year."""
    connection, bounds = await driver(session), year_bounds(run.year)
    found: bool = await connection.fetchval(_CONCERNED, run.id, enterprise_id, run.ledger_id, *bounds)
    return found


async def get_open_line(
    session: AsyncSession, run_id: UUID, line_id: UUID, enterprise_id: UUID
) -> SubsidyLine:
    """A line of the run that is the enterprise's own or was publicised as an award. Raises NotFound."""
    shown = or_(col(SubsidyLine.enterprise_id) == enterprise_id, col(SubsidyLine.amount_fen) > 0)
    statement = select(SubsidyLine).where(SubsidyLine.id == line_id, SubsidyLine.run_id == run_id, shown)
    return await one_row(session, statement, "line")


async def list_changes(
    session: AsyncSession,
    before: UUID,
    after: UUID,
    enterprise_id: UUID,
    *,
    page: PageAsked[tuple[str, str]],
) -> list[LineChange]:
    """By clause and candidate."""
    connection = await driver(session)
    last = page.after or ("", "")
    rows = await connection.fetch(_CHANGES, before, after, enterprise_id, *last, page.limit + 1)
    return [LineChange(*row.values()) for row in rows]
