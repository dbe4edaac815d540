"""The one place that reads the time. Everything below an action takes `now`, `at` or `on`."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

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


def add_working_days(day: date, count: int) -> date:
    """The `count`-th working day after `day`: Monday to Friday.

    Public holidays are not known to the market, so one that falls on such a day counts as a working day.
    """
    while count:
        day += timedelta(days=1)
        count -= day.isoweekday() <= 5
    return day
