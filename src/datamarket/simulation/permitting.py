"""Permits the income of a zone as the seed has it, and sets the ceilings upon it."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.catalogue.ceilings import actions as ceilings
from datamarket.catalogue.ceilings.terms import CeilingUnit
from datamarket.prices import actions as prices
from datamarket.prices.terms import IncomeEvent, IncomeItem, IncomeItemKind


async def permit_income(
    session: AsyncSession,
    row: Mapping[str, Any],
    *,
    zone_id: UUID,
    operator: Actor,
    offices: Mapping[str, Actor],
    products: Mapping[str, UUID],
    now: datetime,
) -> None:
    """Filed by the operator, reviewed, approved; a document of the seed is its own name, and so is its digest."""
    figures = [
        IncomeItem(
            IncomeItemKind(figure["kind"]),
            figure["amount_fen"],
            figure["document"],
            sha256(figure["document"].encode()).hexdigest(),
        )
        for figure in row["figures"]
    ]
    income = await prices.file_income(
        session, operator, zone_id=zone_id, year=row["year"], margin=row["margin"], figures=figures, now=now
    )
    for office, event in (("reviewer", IncomeEvent.REVIEW), ("authority", IncomeEvent.APPROVE)):
        await prices.move_income(session, offices[office], income, event, now=now)
    await session.flush()
    for ceiling in row["ceilings"]:
        await ceilings.set_ceiling(
            session,
            offices["authority"],
            income_id=income.id,
            product_id=products[ceiling["product"]],
            unit=CeilingUnit(ceiling["unit"]),
            ceiling_fen=ceiling["ceiling_fen"],
            units=1,
            expected_volume=ceiling["expected_volume"],
            valid_from=row["valid_from"],
            now=now,
        )
