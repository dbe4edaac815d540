"""The one place that reads the time. Everything below an action takes `now`, `at` or `on`."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import chinese_calendar

MARKET_ZONE = ZoneInfo("Asia/Shanghai")


def read_clock() -> datetime:
    """This instant, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - the home of the ban


@lru_cache(maxsize=4096)  # a batch asks for one instant thousands of times
def business_date(at: datetime) -> date:
    """The calendar day in Qingdao: 31 Dec 16:00 UTC is already New Year's Day."""
    return at.astimezone(MARKET_ZONE).date()


def start_of_day(on: date) -> datetime:
    """The first instant of a business day, in UTC."""
    return datetime.combine(on, time.min, tzinfo=MARKET_ZONE).astimezone(UTC)


def year_bounds(year: int) -> tuple[datetime, datetime]:
    """The half-open interval [1 Jan, next 1 Jan) of a business year, in UTC."""
    return start_of_day(date(year, 1, 1)), start_of_day(date(year + 1, 1, 1))


@lru_cache(maxsize=4096)
def month_of(at: datetime) -> int:
    """The accounting month of an instant as yyyymm, for instance 202412."""
    return month_of_day(business_date(at))


def month_of_day(on: date) -> int:
    """The accounting month of a business day."""
    return on.year * 100 + on.month


HOLIDAY_YEARS = range(min(chinese_calendar.holidays).year, max(chinese_calendar.holidays).year + 1)
"""Years of which the State Council's notice of public holidays is known: `chinesecalendar` carries them."""
SWITCHED_DAYS = frozenset(
    [day for day in chinese_calendar.holidays if day.isoweekday() <= 5]
    + [day for day in chinese_calendar.workdays if day.isoweekday() > 5]
)
"""Weekdays off, and weekends that are worked for them (调休); every other day is as its weekday says."""


def is_working_day(day: date) -> bool:
    """By the notice of its year; of a year that is not known, Monday to Friday [assumed]."""
    return (day.isoweekday() <= 5) != (day in SWITCHED_DAYS)


def holidays_known(last_day: date) -> bool:
    """Whether a deadline was counted with the public holidays of its year, and not by weekdays alone."""
    return last_day.year in HOLIDAY_YEARS


def assumption(last_day: date | None) -> dict[str, str]:
    """What is said beside a deadline in working days, in both languages; nothing where its holidays are known."""
    if last_day is None or holidays_known(last_day):
        return {"assumed_zh": "", "assumed_en": ""}
    zh = f"（{last_day.year} 年放假安排未知，工作日按周一至周五推定）"
    en = f" (the public holidays of {last_day.year} are not known: working days are assumed to be Monday to Friday)"
    return {"assumed_zh": zh, "assumed_en": en}


def add_working_days(day: date, count: int) -> date:
    """The `count`-th working day after `day`."""
    while count:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day
