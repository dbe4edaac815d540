"""Facts changed for a question: the answer is that of a snapshot built by hand with those facts."""

from dataclasses import replace
from typing import Any

import pytest

from datamarket.subsidy.facts.counterfactual import FactChangeInvalid, SnapshotLacks, changed, known_as_in
from datamarket.subsidy.studies.reform import ReformPathUnknown
from datamarket.subsidy.studies.whatif import Comparison, Move, what_if
from datamarket.subsidy.terms import Candidate, FactValue, Snapshot
from tests.cases.builders import case, city_scheme, firm, firms, paid, run

ELEVEN = firms(*[f"{3_000_000 - 100_000 * place}.05" for place in range(11)])


def asked(changes: dict[str, Any], *rows: Candidate) -> Comparison:
    return what_if(city_scheme(), changes, Snapshot.of(rows), 2025).comparison


def test_who_is_left_out_takes_its_projects_along_and_the_eleventh_moves_up() -> None:
    rows = [*ELEVEN, case("P", "1000.00", "F01"), case("Q", "1000.00", "F02")]
    told = {
        change.candidate: (change.after_fen, change.reason)
        for change in asked({"facts.left-out": ["F01"]}, *rows).changes
    }
    assert told["F01"] == told["P"] == (0, "left-out")
    assert told["F11"] == (2_000_000, "rank-in")
    without = run(city_scheme(), *[row for row in rows if row.enterprise != "F01"])
    assert {name: fen for name, (fen, _) in told.items() if fen} == paid(without)


def test_tax_is_taken_out_half_up_to_the_fen_at_the_rate_of_each() -> None:
    rates = {"*": "6%", "F02": "1%"}
    outcome = what_if(city_scheme(), {"facts.tax": rates}, Snapshot.of(ELEVEN), 2025)
    # 3,000,000.05 / 1.06 = 2,830,188.7264; 2,900,000.05 / 1.01 = 2,871,287.1782, so the second leads.
    bases = {line.candidate: line.base_fen for line in outcome.reform.lines}
    assert (bases["F01"], bases["F02"]) == (283_018_873, 287_128_718)
    [first, *_] = [line for line in outcome.reform.lines if line.rank == 1]
    assert first.candidate == "F02"
    assert {change.reason for change in outcome.comparison.moved(Move.DOWN)} == {"tax"}
    both = asked({"facts.tax": "6%", "top-ten-turnover.rate": "2%"}, *ELEVEN)
    assert {change.reason for change in both.moved(Move.UP)} == {"tax"}


def test_the_rule_for_ties_is_named_where_it_decides() -> None:
    rows = [*ELEVEN[:9], firm("T1", "1.00"), firm("T2", "1.00")]
    moved = asked({"top-ten-turnover.select.ties": "exclude_all"}, *rows).moved(Move.LEFT)
    assert [(change.candidate, change.reason) for change in moved] == [("T1", "ties"), ("T2", "ties")]


def months(sold: str, bought: str = "", **facts: FactValue) -> Candidate:
    """A firm whose counted sums by month add up to its turnover."""
    name = str(facts.pop("id"))
    net = sum(int(item.partition("=")[2].partition(",")[0]) for item in sold.split())
    row = firm(name, None, net_platform_turnover=net, sold_by_month=sold, bought_by_month=bought)
    return replace(row, facts={**row.facts, **facts})


BY_MONTH = [
    months("QD@3=1000,0 EX@3=0,500 EX@9=0,70", "QD@1=40,0", id="A", contracts=3),
    months("QD@6=900,0 QD@7=200,0", "EX@2=0,300 QD@6=10,0", id="B"),
]


@pytest.mark.parametrize(
    ("changes", "bases"),
    [
        ({"facts.venues": {"EX": {"from": "2025-01-01", "to": None}}}, {"A": 1570, "B": 1100}),
        ({"facts.venues": {"EX": {"from": "2025-09-01"}}}, {"A": 1070, "B": 1100}),
        ({"facts.venues": {"EX": {"from": "2024-05-01", "to": "2025-04-01"}}}, {"A": 1500, "B": 1100}),
        ({"facts.venues": {"QD": {"to": "2025-07-01"}}}, {"A": 1000, "B": 900}),
        ({"facts.venues": {"QD": None, "EX": {}}}, {"A": 570, "B": 0}),
        ({"facts.party": "buyer"}, {"A": 40, "B": 10}),
        ({"facts.party": "buyer", "facts.venues": {"EX": {}}}, {"A": 40, "B": 310}),
    ],
)
def test_venues_and_sides_are_counted_by_the_months_that_the_snapshot_holds(
    changes: dict[str, Any], bases: dict[str, int]
) -> None:
    other = changed(Snapshot.of(BY_MONTH), changes, 2025)
    assert {row.id: row.facts["net_platform_turnover"] for row in other.candidates} == bases
    assert ("contracts" in other.candidates[0].facts) == (bases["A"] == 1000)
    [reason] = {change.reason for change in asked(changes, *BY_MONTH).changes} - {None}
    assert reason == ("base" if len(changes) > 1 else "party" if "facts.party" in changes else "venue")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"facts.venues": {"EX": {"from": "2025-07-02"}}}, "the first day"),
        ({"facts.venues": {"EX": {"from": "July"}}}, "not a day"),
        ({"facts.venues": {"EX": {"since": "2025-07-01"}}}, "from: day"),
        ({"facts.venues": {"NO": None}}, "EX, QD"),
        ({"facts.venues": "EX"}, "code"),
        ({"facts.tax": {"*": 6}}, "6%"),
    ],
)
def test_a_change_of_facts_that_cannot_be_read_is_refused_with_what_can(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(FactChangeInvalid, match=said):
        changed(Snapshot.of(BY_MONTH), changes, 2025)


def test_a_snapshot_without_months_says_what_it_lacks_and_a_path_nobody_declared_is_none() -> None:
    with pytest.raises(SnapshotLacks, match="sold_by_month"):
        asked({"facts.venues": {"EX": None}}, *ELEVEN)
    with pytest.raises(ReformPathUnknown, match=r"facts\.left-out"):
        asked({"facts.weather": "fine"}, *ELEVEN)


def test_sums_by_month_that_an_earlier_snapshot_had_not_are_no_drift() -> None:
    today = Snapshot.of(BY_MONTH)
    before = Snapshot.of(
        months("", id=row.id, net_platform_turnover=row.facts["net_platform_turnover"]) for row in BY_MONTH
    )
    stripped = [
        replace(row, facts={name: fact for name, fact in row.facts.items() if "month" not in name})
        for row in before.candidates
    ]
    assert known_as_in(today, today) is today
    seen = known_as_in(today, Snapshot.of(stripped))
    assert not any("month" in name for row in seen.candidates for name in row.facts)
