"""What a recovery costs, pure: the fine's range, interest for delay, and a plan that is paid down."""

from datetime import date
from fractions import Fraction

import pytest

from datamarket.foundation.documents.dated import DatedValue
from datamarket.foundation.money import Fen
from datamarket.subsidy.recoveries import fines
from datamarket.subsidy.recoveries.rules import cause_of, paid_down
from datamarket.subsidy.recoveries.terms import RecoveryCause
from datamarket.subsidy.terms import Line, LineStatus, Step, StepKind

TODAY, JUNE, JULY = date(2025, 2, 7), date(2025, 6, 30), date(2025, 7, 10)
PLAN = [(1, date(2025, 3, 31), 30_000), (2, JUNE, 20_000)]


@pytest.mark.parametrize(("rate", "fine"), [("1/10", 1), ("1/2", 3), ("3/10", 2)])
def test_a_fine_within_its_range_is_rounded_half_up(rate: str, fine: int) -> None:
    assert fines.fine_of(Fen(5), Fraction(rate), TODAY) == fine


@pytest.mark.parametrize("rate", ["99999/1000000", "500001/1000000", "0"])
def test_a_fine_outside_its_range_is_refused_with_the_article(rate: str) -> None:
    with pytest.raises(fines.FineOutsideRange, match=r"第十四条.*art\. 14"):
        fines.fine_of(Fen(5), Fraction(rate), TODAY)
    with pytest.raises(fines.FineOutsideRange):
        fines.fine_of(Fen(5), Fraction(1, 5), date(2005, 1, 31))


def test_interest_runs_on_what_is_overdue_from_the_day_after_it_was_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert fines.interest_of(paid_down(PLAN, 0), None, JULY) == 0
    rates = (
        DatedValue(date(2005, 2, 1), JUNE, None, "none"),
        DatedValue(JUNE, None, Fraction(1, 20_000), "of a test"),
    )
    stated = {**fines.stated_fines(), "interest_per_day": rates}
    monkeypatch.setattr(fines, "stated_fines", lambda: stated)
    assert fines.interest_of(paid_down(PLAN, 0), None, JULY) == 10
    assert fines.interest_of(paid_down(PLAN, 35_000), None, JULY) == 8
    assert fines.interest_of(paid_down(PLAN, 0), date(2025, 7, 9), JULY) == 1
    assert fines.interest_of(paid_down(PLAN, 0), None, JUNE) == 0


def test_what_comes_in_pays_the_oldest_instalment_first() -> None:
    assert [due.left_fen for due in paid_down(PLAN, 30_001)] == [0, 19_999]
    assert [due.left_fen for due in paid_down(PLAN, 50_000)] == [0, 0]


def line(
    base: int | None, *, ok: bool = True, status: LineStatus = LineStatus.PROPOSED, **deducted: int
) -> Line:
    listed = Step(StepKind.CONDITION, {"predicate": "case_listed_in_period", "ok": ok})
    steps = (listed, Step(StepKind.BASE, dict(deducted)))
    return Line("clause", "A", "A", status=status, base_fen=base, steps=steps)


@pytest.mark.parametrize(
    ("after", "cause"),
    [
        (None, RecoveryCause.REVOKED),
        (line(100, ok=False), RecoveryCause.REVOKED),
        (line(60, refunds_fen=40), RecoveryCause.REFUND),
        (line(40, refunds_fen=20, flagged_turnover_fen=40), RecoveryCause.FLAG),
        (line(99), RecoveryCause.CORRECTION),
        (line(None, status=LineStatus.HELD), None),
        (line(100), None),
        (line(120, refunds_fen=10), None),
    ],
)
def test_only_its_own_facts_are_a_ground_to_recover_an_award(
    after: Line | None, cause: RecoveryCause | None
) -> None:
    assert cause_of(line(100), after) is cause
