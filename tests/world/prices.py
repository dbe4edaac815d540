"""Permitted incomes and ceilings, made as operators, reviewers and the authority make them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.catalogue.ceilings import actions as ceilings
from datamarket.catalogue.ceilings.tables import PriceCeiling
from datamarket.catalogue.ceilings.terms import CeilingUnit
from datamarket.prices import actions
from datamarket.prices.tables import PermittedIncome
from datamarket.prices.terms import IncomeEvent, IncomeItem, IncomeItemKind
from tests.world.people import AUTHORITY, NOON, REVIEWER, moment
from tests.world.zones import OperatedZone

SHA = "0f" * 32
TODAY = NOON.date()
LATER = NOON.replace(year=2025, month=2)


def figure(kind: IncomeItemKind, amount_fen: int) -> IncomeItem:
    return IncomeItem(kind, amount_fen, f"成本监审 {kind.zh}", SHA)


async def filed(
    session: AsyncSession,
    operated: OperatedZone,
    *figures: IncomeItem,
    year: int = 2024,
    now: datetime | None = None,
) -> PermittedIncome:
    """By the operator; ten thousand yuan of labour unless figures are given."""
    return await actions.file_income(
        session,
        operated.account,
        zone_id=operated.zone.id,
        year=year,
        figures=figures or (figure(IncomeItemKind.LABOUR, 1_000_000),),
        margin="6%",
        now=now or moment(),
    )


async def approved(
    session: AsyncSession, operated: OperatedZone, *figures: IncomeItem, **when: Any
) -> PermittedIncome:
    """Filed by the operator, reviewed by a reviewer, approved by the authority."""
    row = await filed(session, operated, *figures, **when)
    await session.flush()
    for by, event in ((REVIEWER, IncomeEvent.REVIEW), (AUTHORITY, IncomeEvent.APPROVE)):
        row = await actions.move_income(session, by, row, event, now=when.get("now") or moment())
    await session.flush()
    return row


async def ceiling(
    session: AsyncSession,
    income_id: UUID,
    product_id: UUID,
    ceiling_fen: int,
    *,
    unit: CeilingUnit = CeilingUnit.CALL,
    units: int = 1,
    expected_volume: int = 1,
    valid_from: date = TODAY,
    now: datetime | None = None,
) -> PriceCeiling:
    """Set by the authority, from today on."""
    return await ceilings.set_ceiling(
        session,
        AUTHORITY,
        income_id=income_id,
        product_id=product_id,
        unit=unit,
        ceiling_fen=ceiling_fen,
        units=units,
        expected_volume=expected_volume,
        valid_from=valid_from,
        now=now or moment(),
    )
