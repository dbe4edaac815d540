"""Reading what was last found."""

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.evidence.invariants.tables import CheckRun


async def last_runs(session: AsyncSession, ledger_id: int) -> dict[str, CheckRun]:
    """By invariant; of what nobody ran yet there is none."""
    rows = (await session.exec(select(CheckRun).where(col(CheckRun.ledger_id) == ledger_id))).all()
    return {row.check_id: row for row in rows}
