"""Making the report of a year, and telling that one is late."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import CLOCK, Actor
from datamarket.catalogue.ceilings import actions as ceilings
from datamarket.comparisons import queries
from datamarket.comparisons.tables import ProductIncome
from datamarket.evidence import actions as evidence
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import Database, driver
from datamarket.prices import actions as incomes
from datamarket.prices import queries as income_queries
from datamarket.prices.rates import report_due
from datamarket.prices.terms import IncomeOutcome

LARGEST_BATCH = 200


async def report_year(
    session: AsyncSession, actor: Actor, income_id: UUID, *, ledger_id: int, now: datetime
) -> Any:
    """What the ledger says was earned is compared with what was permitted, product by product.

    Raises NotFound, ZoneNotYours, IncomeNotApproved, IncomeYearNotOver, IncomeRateUnstated.
    """
    income = await income_queries.lock_income(session, income_id, visible_to=actor)
    earned = await queries.earned(
        session, ledger_id, zone_id=income.zone_id, operator_id=income.operator_id, year=income.year
    )
    compared = await incomes.compare_year(session, actor, income, sum(earned.values()), now=now)
    session.add_all(
        ProductIncome(income_id=income_id, product_id=product_id, income_fen=income_fen)
        for product_id, income_fen in earned.items()
    )
    if compared.outcome == IncomeOutcome.RESET:
        await ceilings.demand_resets(session, actor, income_id, now=now)
    await session.flush()
    return compared


async def tell_late(database: Database, _ledger_id: int, now: datetime) -> int:
    """Approved incomes of which the report was due and is not there: told once, one batch."""
    on = business_date(now)
    due = report_due(on.year - 1)
    last = on.year - (1 if due is not None and on > due else 2)
    async with database.transaction() as session:
        late = await income_queries.lock_unreported(session, last, LARGEST_BATCH)
        for row in late:
            row.late_at = now
        await session.flush()
        told = [
            evidence.Event(CLOCK, row.id, {"year": row.year, "due": str(report_due(row.year))})
            for row in late
        ]
        if told:
            await evidence.record_many(
                await driver(session), "prices.report-late", "permitted_income", told, now=now
            )
    return len(late)
