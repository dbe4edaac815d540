"""Counting what stands in which state."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import union_all
from sqlmodel import col, func, literal, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.tables import BigInteger
from datamarket.subsidy.calls.tables import SubsidyApplication
from datamarket.subsidy.integrity.tables import IntegrityFlag
from datamarket.subsidy.lines.queries import STATUS_NOW
from datamarket.subsidy.objections.tables import SubsidyObjection
from datamarket.subsidy.recoveries.tables import SubsidyRecovery
from datamarket.subsidy.runs.tables import SubsidyLine, SubsidyRun
from datamarket.subsidy.tallies.terms import TalliedThing

_TABLES = {
    TalliedThing.RUN: SubsidyRun,
    TalliedThing.APPLICATION: SubsidyApplication,
    TalliedThing.FLAG: IntegrityFlag,
    TalliedThing.OBJECTION: SubsidyObjection,
    TalliedThing.RECOVERY: SubsidyRecovery,
}


async def tally_states(session: AsyncSession) -> Sequence[tuple[str, str, int]]:
    """Thing, state, and how many there are; a state in which nothing is has no row."""
    counted = [
        select(literal(thing.value), table.state, func.count()).group_by(col(table.state))  # type: ignore[attr-defined]
        for thing, table in _TABLES.items()
    ]
    return (await session.exec(union_all(*counted))).all()  # type: ignore[call-overload,no-any-return] # a union of selects


async def total_lines(session: AsyncSession, run_id: UUID) -> Sequence[tuple[str, str, int, int]]:
    """Clause, what has become of its lines, how many and how much."""
    shown = (col(SubsidyLine.clause_id), STATUS_NOW.label("now"))
    sums = (func.count(), func.sum(SubsidyLine.amount_fen).cast(BigInteger))
    statement = select(*shown, *sums).where(SubsidyLine.run_id == run_id)
    first = func.min(SubsidyLine.position)
    return (await session.exec(statement.group_by(*shown).order_by(shown[0], first))).all()
