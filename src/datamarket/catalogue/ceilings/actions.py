"""Setting a ceiling upon a permitted income, and demanding that ceilings be reset."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.catalogue.ceilings import queries, rules
from datamarket.catalogue.ceilings.rules import CEILING_LIFE, expected_income
from datamarket.catalogue.ceilings.tables import PriceCeiling
from datamarket.catalogue.ceilings.terms import CeilingEvent, CeilingUnit
from datamarket.catalogue.products import queries as products
from datamarket.evidence.actions import record
from datamarket.foundation.clock import business_date
from datamarket.foundation.ids import new_id
from datamarket.prices import actions as incomes
from datamarket.prices import queries as income_queries

_TOLD = ("product_id", "income_id", "unit", "ceiling_fen", "units", "valid_from", "trial")


async def set_ceiling(
    session: AsyncSession,
    actor: Actor,
    *,
    income_id: UUID,
    product_id: UUID,
    unit: CeilingUnit,
    ceiling_fen: int,
    units: int,
    expected_volume: int,
    valid_from: date,
    now: datetime,
) -> PriceCeiling:
    """What is in force until then is replaced; it is a trial price while the product was not sold for a whole year.

    The product is held: no publication passes by. Raises NotFound, IncomeNotApproved, CeilingOfAnotherZone,
    CeilingDayWrong, IncomeExceeded.
    """
    product, _ = await products.lock_product(session, product_id, visible_to=actor)
    income = await income_queries.lock_income(session, income_id, visible_to=actor)
    incomes.check_approved(income)
    if product.zone_id != income.zone_id:
        raise rules.CeilingOfAnotherZone
    replaced = await _replace(session, product_id, unit, valid_from, (business_date(now), income.year))
    others = await queries.lock_open_of_income(session, income_id)
    rules.check_income(expected_income(ceiling_fen, units, expected_volume), others, income.amount_fen)
    row = PriceCeiling(
        id=new_id(now),
        income_id=income_id,
        zone_id=income.zone_id,
        product_id=product_id,
        unit=unit,
        ceiling_fen=ceiling_fen,
        units=units,
        expected_volume=expected_volume,
        trial=rules.is_trial(await queries.sold_since(session, product_id), valid_from),
        valid_from=valid_from,
        set_by=actor.account_id,
        created_at=now,
    )
    session.add(row)
    await _tell(session, actor, row, replaced, now)
    return row


async def _replace(
    session: AsyncSession, product_id: UUID, unit: CeilingUnit, valid_from: date, within: tuple[date, int]
) -> UUID | None:
    """What is in force holds until then; its id, if there is one. Raises CeilingDayWrong."""
    row = await queries.lock_open(session, product_id, unit)
    rules.check_day(valid_from, *within, row.valid_from if row else None)
    if row is None:
        return None
    row.state, row.valid_to = CEILING_LIFE.after(row.state, CeilingEvent.REPLACE), valid_from
    row.version += 1
    await session.flush()
    return row.id


async def _tell(
    session: AsyncSession, actor: Actor, row: PriceCeiling, replaced: UUID | None, now: datetime
) -> None:
    told = {name: str(getattr(row, name)) for name in _TOLD}
    await record(
        session,
        actor,
        "catalogue.set-ceiling",
        ("price_ceiling", row.id),
        now=now,
        **told,
        replaced=replaced and str(replaced),
    )


async def demand_resets(session: AsyncSession, actor: Actor, income_id: UUID, *, now: datetime) -> int:
    """The open ceilings of an income are to be reset; how many. The caller holds the income."""
    rows = await queries.lock_open_of_income(session, income_id)
    for row in rows:
        row.state = CEILING_LIFE.after(row.state, CeilingEvent.DEMAND_RESET)
        row.version += 1
        await record(
            session,
            actor,
            "catalogue.demand-reset",
            ("price_ceiling", row.id),
            now=now,
            income_id=str(income_id),
        )
    return len(rows)
