"""Decisions about ceilings: their life, what may be set, what a price may be. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from datamarket.catalogue.ceilings.terms import CeilingEvent, CeilingState, CeilingUnit, UnitPrice
from datamarket.foundation.errors import Conflict, Invalid, Refused
from datamarket.foundation.states import Life

CEILING_LIFE = Life(
    "ceiling",
    "上限价格",
    "Ceiling",
    {
        (CeilingState.SET, CeilingEvent.DEMAND_RESET): CeilingState.TO_BE_RESET,
        (CeilingState.SET, CeilingEvent.REPLACE): CeilingState.REPLACED,
        (CeilingState.TO_BE_RESET, CeilingEvent.REPLACE): CeilingState.REPLACED,
    },
)


class PriceAboveCeiling(Refused):
    code = "ceiling.price-above"
    zh = "价格 {price_fen} 分/{per} {unit}高于上限价格 {ceiling_fen} 分/{units} {unit}（上限价格编号 {ceiling_id}）。"
    en = "A price of {price_fen} fen for {per} {unit} is above the ceiling of {ceiling_fen} fen for {units} {unit} ({ceiling_id})."


class CeilingMissing(Refused):
    code = "ceiling.unit-without"
    zh = "该产品已核定上限价格，但计价单位“{unit}”尚无上限价格，不能按此计价。"
    en = "This product has ceilings, but none for the unit '{unit}': it cannot be priced by it."


class CeilingToBeReset(Refused):
    code = "ceiling.to-be-reset"
    zh = "年度收入偏差超限，上限价格（编号 {ceiling_id}）待重新核定，此前不得发布。"
    en = "The income of the year was too far off: until the ceiling {ceiling_id} is reset nothing is published under it."


class CeilingDayWrong(Invalid):
    code = "ceiling.day-wrong"
    zh = "上限价格须自今日（{on}）或以后、{year} 年度之内起执行，并晚于现行上限价格的起始日。"
    en = "A ceiling begins today ({on}) or later, within {year}, and after the one that it replaces began."


class CeilingOfAnotherZone(Refused):
    code = "ceiling.another-zone"
    zh = "该产品不属于此最高准许收入所属专区。"
    en = "The product is not on public data of the zone that this income was permitted for."


class IncomeExceeded(Refused):
    code = "ceiling.income-exceeded"
    zh = "各上限价格预计收入合计 {expected_fen} 分，超过最高准许收入 {permitted_fen} 分。"
    en = "The ceilings are expected to earn {expected_fen} fen, more than the permitted income of {permitted_fen} fen."


class CeilingSetTwice(Conflict):
    code = "ceiling.set-twice"
    zh = "该产品该计价单位的上限价格刚被他人核定，请重新读取。"
    en = "Somebody has just set the ceiling of this product and unit; read it again."


def expected_income(ceiling_fen: int, units: int, volume: int) -> int:
    """What a volume earns at the ceiling, a begun fen counted whole."""
    return -(-ceiling_fen * volume // units)


def check_income(expected_fen: int, others: Iterable[Any], permitted_fen: int) -> None:
    """With what the other ceilings of the income are expected to earn. Raises IncomeExceeded."""
    expected_fen += sum(expected_income(one.ceiling_fen, one.units, one.expected_volume) for one in others)
    if expected_fen > permitted_fen:
        raise IncomeExceeded(expected_fen=expected_fen, permitted_fen=permitted_fen)


def check_day(valid_from: date, on: date, year: int, replaced_from: date | None) -> None:
    """Raises CeilingDayWrong."""
    if valid_from < on or valid_from.year != year or (replaced_from and valid_from <= replaced_from):
        raise CeilingDayWrong(on=on, year=year)


def is_trial(sold_since: date | None, valid_from: date) -> bool:
    """Until a product was sold for a whole calendar year its ceiling is a trial price."""
    return sold_since is None or sold_since > date(valid_from.year - 1, 1, 1)


def check_prices(prices: Iterable[UnitPrice], ceilings: Sequence[Any], *, publishing: bool) -> None:
    """Nothing is asked where no ceiling is set. Raises CeilingMissing, PriceAboveCeiling, CeilingToBeReset."""
    if not ceilings:
        return
    for price in prices:
        found = [ceiling for ceiling in ceilings if ceiling.unit in price.units]
        if not found:
            raise CeilingMissing(unit=min(price.units))
        for ceiling in found:
            if price.price_fen * ceiling.units > ceiling.ceiling_fen * price.per:
                raise PriceAboveCeiling(
                    price_fen=price.price_fen,
                    per=price.per,
                    unit=CeilingUnit(ceiling.unit),
                    ceiling_fen=ceiling.ceiling_fen,
                    units=ceiling.units,
                    ceiling_id=ceiling.id,
                )
            if publishing and ceiling.state == CeilingState.TO_BE_RESET:
                raise CeilingToBeReset(ceiling_id=ceiling.id)
