"""The case register comes alive: 362 cases in 14 fields, from contest or nomination to the lists, applications decided."""

from collections import Counter
from pathlib import Path
from typing import Any

from datamarket.foundation.db import Database
from datamarket.foundation.ids import seeded_ids
from datamarket.server.checks import check_books
from datamarket.simulation.cases import play_cases
from tests.world.trading import LEDGER_ID

_CASES = """
SELECT c.code, c.field, c.level, c.state, c.list_name, c.listed_on, c.registered_by = c.verified_by AS one_hand,
       (SELECT count(*) FROM subsidy_case_share s WHERE s.case_id = c.id) AS shares,
       (SELECT array_agg(e.action ORDER BY e.at, e.id) FROM audit_event e WHERE e.subject_id = c.id) AS deeds
  FROM subsidy_case c ORDER BY c.code
"""
_APPLICATIONS = """
SELECT a.state, a.passed_by, c.state AS case_state, c.level FROM subsidy_application a JOIN subsidy_case c ON c.id = a.case_id
"""


async def rows(database: Database, statement: str) -> list[Any]:
    async with database.connection() as connection:
        return list(await connection.fetch(statement))


async def test_362_cases_in_14_fields_reach_their_lists_and_national_ones_are_applied_for(
    city: Database, tmp_path: Path
) -> None:
    with seeded_ids(7):
        entered = await play_cases(city, tmp_path, lambda *_: None, city_code="3702", year=2024, seed=7)
    cases = await rows(city, _CASES)
    simulated = [case for case in cases if case["code"].startswith("SIM-")]
    assert (entered, len(simulated), len(cases)) == (348, 348, 362)
    assert len({case["field"] for case in simulated}) == 14
    levels = Counter(case["level"] for case in simulated)
    assert levels["city"] > levels["provincial"] > levels["national"] > 15
    assert {case["list_name"] for case in simulated if case["level"] == "city"} == {
        "虚构市级大赛名单2024年",
        "虚构市级推荐名单2024年",
    }
    national = [case for case in simulated if case["level"] == "national"]
    assert all(
        case["deeds"][:3] == ["subsidy.register-case", *["subsidy.promote-case"] * 2] for case in national
    )
    assert Counter(case["state"] for case in national) == {
        "verified": len(national) - 3,
        "registered": 2,
        "revoked": 1,
    }
    assert {case["shares"] for case in simulated} == {0, 2, 3}
    assert not any(case["one_hand"] for case in simulated)
    applications = await rows(city, _APPLICATIONS)
    assert Counter(one["state"] for one in applications) == {
        "verified": len(national) - 2,
        "rejected": 1,
        "withdrawn": 1,
    }
    assert await rows(city, "SELECT FROM subsidy_case_doubt d JOIN subsidy_case c ON c.id = d.case_id") == []
    assert all(finding.holds for finding in await check_books(city.url, LEDGER_ID))
    again = await play_cases(city, tmp_path, lambda *_: None, city_code="3702", year=2025, seed=7)
    assert again == 0, "a register that is full is left as it is"
