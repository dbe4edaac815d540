"""Reading snapshots and the texts of facts."""

from uuid import UUID

from sqlalchemy import text
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.subsidy.facts.tables import SubsidySnapshot


async def snapshot_by_id(session: AsyncSession, snapshot_id: UUID) -> SubsidySnapshot:
    return (await session.exec(select(SubsidySnapshot).where(SubsidySnapshot.id == snapshot_id))).one()


async def find_snapshot(session: AsyncSession, ledger_id: int, year: int, sha256: str) -> UUID | None:
    """The snapshot of equal facts, if one was taken before."""
    statement = select(SubsidySnapshot.id).where(
        SubsidySnapshot.ledger_id == ledger_id, SubsidySnapshot.year == year, SubsidySnapshot.sha256 == sha256
    )
    return (await session.exec(statement)).first()


_FACT_TEXTS = text("SELECT name, version, sha256 FROM subsidy_fact_version")


async def fact_texts(session: AsyncSession) -> dict[tuple[str, int], str]:
    """The hash of every fact's statement as it was first used."""
    rows = await (await session.connection()).execute(_FACT_TEXTS)
    return {(row.name, row.version): row.sha256 for row in rows}


async def watermark(session: AsyncSession) -> str:
    """Every transaction before this one is visible: what a later one wrote is known to be later."""
    statement = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
    return str((await (await session.connection()).execute(statement)).scalar_one())
