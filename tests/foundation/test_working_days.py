"""Working days by the State Council's notices: a holiday week, a weekend that is worked, a year that is not known."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from datamarket.foundation import clock
from datamarket.foundation.clock import add_working_days
from datamarket.foundation.db import Database
from datamarket.foundation.ids import new_id
from datamarket.notices.inbox import queries as inbox
from datamarket.notices.inbox.api import MatterOut
from datamarket.notices.inbox.terms import Matter, MatterKind
from datamarket.subsidy.runs import rules as run_rules
from datamarket.zones.resources import rules as resource_rules

DOMAIN = Path(__file__).parents[2] / "docs" / "domain.md"


@pytest.mark.edge(33, part="leap day")
def test_a_leap_day_is_worked_like_its_neighbours() -> None:
    assert add_working_days(date(2024, 2, 28), 1) == date(2024, 2, 29)
    assert add_working_days(date(2023, 2, 28), 1) == date(2023, 3, 1)


@pytest.mark.edge(33, part="week-long holiday")
def test_the_national_day_week_is_off_and_the_saturday_worked_for_it_counts() -> None:
    assert add_working_days(date(2025, 9, 30), 1) == date(2025, 10, 9)
    assert add_working_days(date(2025, 10, 10), 1) == date(2025, 10, 11), "a Saturday that is worked"
    assert add_working_days(date(2025, 9, 26), 1) == date(2025, 9, 28), "a Sunday that is worked"
    last = run_rules.publicity_from(datetime(2025, 9, 30, 2, tzinfo=UTC), 5)[1]
    assert last == date(2025, 10, 14)
    accepted = resource_rules.due_on("submitted", submitted_on=date(2025, 9, 30), accepted_on=None)
    assert accepted == date(2025, 10, 11)


def test_of_a_year_that_is_not_known_weekdays_are_counted_and_that_is_said() -> None:
    beyond = date(clock.HOLIDAY_YEARS.stop, 10, 1)
    while beyond.isoweekday() > 5:
        beyond += timedelta(days=1)
    assert clock.is_working_day(beyond)
    known, year = date(2026, 10, 9), str(beyond.year)
    assert clock.assumption(known) == {"assumed_zh": "", "assumed_en": ""}
    with pytest.raises(run_rules.RunPublicityRunning) as refused:
        run_rules.check_publicity_over(beyond, now=datetime(2025, 1, 1, tzinfo=UTC))
    assert f"{year} 年放假安排未知" in str(refused.value.told()["zh"])
    assert f"holidays of {year} are not known" in str(refused.value.told()["en"])
    due = clock.start_of_day(beyond + timedelta(days=1))
    matter = Matter(MatterKind.REGISTRATION_TO_REVIEW, "resource", new_id(due), due, due, due)
    assert f"{year} 年放假安排未知" in MatterOut.of(matter).then_zh
    assert f"holidays of {year} are not known" in MatterOut.of(matter).then_en


def test_the_page_names_the_years_that_are_known() -> None:
    years = clock.HOLIDAY_YEARS
    assert f"known for {years.start} to {years.stop - 1}" in DOMAIN.read_text(encoding="utf-8")


async def test_the_inbox_counts_the_same_days_as_the_rules(database: Database) -> None:
    """Every day of four years, two of them with a holiday of eight days, one that is not known."""
    first = date(2024, 1, 1)
    for count in (1, 3, 20):
        due = inbox._working_days_later("d.day", "$13::int").replace("$12", "$1").replace("$13", "$2")
        statement = f"SELECT d.day, {due} AS due FROM unnest($3::date[]) AS d (day)"  # noqa: S608 - the inbox's own
        days = [first + timedelta(days=n) for n in range(4 * 365)]
        async with database.connection() as connection:
            rows = await connection.fetch(statement, clock.SWITCHED_DAYS, count, days)
        found = {row["day"]: clock.business_date(row["due"]) - timedelta(days=1) for row in rows}
        assert found == {day: add_working_days(day, count) for day in days}
