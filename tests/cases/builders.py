"""Schemes and candidates for the tests of the subsidy desk, in as few words as a case needs."""

from pathlib import Path

from datamarket.foundation.money import parse_yuan
from datamarket.subsidy.evaluator.rules import evaluate
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.scheme.files import load_scheme, shipped_scheme, shipped_schemes
from datamarket.subsidy.terms import Candidate, FactValue, Line, Result, Snapshot, Unit

FOLDER = Path(__file__).parent
ORDINARY_FIRM: dict[str, FactValue] = {"registered_in_city": True, "suspended": False}
ORDINARY_CASE: dict[str, FactValue] = {
    **ORDINARY_FIRM,
    "case_listed_in_period": True,
    "claimed_before": False,
}


def scheme_bytes(scheme_id: str) -> bytes:
    """A shipped scheme's file, or one that only tests use."""
    if scheme_id in shipped_schemes():
        return shipped_scheme(scheme_id)
    return (FOLDER / "schemes" / f"{scheme_id}.yaml").read_bytes()


def city_scheme(*edits: tuple[str, str]) -> Scheme:
    """The shipped scheme, with parts of its text replaced."""
    return edited("qd-data-element", *edits)


def shapes_scheme(*edits: tuple[str, str]) -> Scheme:
    """The scheme of every other shape, with parts of its text replaced."""
    return edited("neighbouring-shapes", *edits)


def edited(scheme_id: str, *edits: tuple[str, str]) -> Scheme:
    """A scheme after textual edits, each of which must find its place."""
    return load_scheme(edited_bytes(scheme_id, *edits))


def edited_bytes(scheme_id: str, *edits: tuple[str, str]) -> bytes:
    """The same, still as a file."""
    text = scheme_bytes(scheme_id).decode()
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text.encode()


def ties(rule: str) -> tuple[str, str]:
    """The edit that gives the city's scheme another tie rule."""
    return "ties: include_all", f"ties: {rule}"


def firm(firm_id: str, turnover: str | None, **facts: FactValue) -> Candidate:
    """An ordinary enterprise; a turnover of None is not known."""
    known = {} if turnover is None else {"net_platform_turnover": parse_yuan(turnover)}
    return Candidate(Unit.ENTERPRISE, firm_id, firm_id, f"企业{firm_id}", {**ORDINARY_FIRM, **known, **facts})


def case(case_id: str, investment: str | None, enterprise: str = "E", **facts: FactValue) -> Candidate:
    """An ordinary listed case; an investment of None is not known."""
    known = {} if investment is None else {"verified_investment": parse_yuan(investment)}
    return Candidate(Unit.PROJECT, case_id, enterprise, f"项目{case_id}", {**ORDINARY_CASE, **known, **facts})


def firms(*turnovers: str) -> list[Candidate]:
    """Ordinary enterprises F01, F02, … with these turnovers."""
    return [firm(f"F{index:02d}", turnover) for index, turnover in enumerate(turnovers, start=1)]


def run(scheme: Scheme, *candidates: Candidate, year: int = 2025) -> Result:
    """Evaluate over these candidates."""
    return evaluate(scheme, Snapshot.of(candidates), year)


def line_of(result: Result, candidate: str, clause: str | None = None) -> Line:
    """The one line of a candidate (under a clause)."""
    (line,) = (line for line in result.lines if line.candidate == candidate and clause in (None, line.clause))
    return line


def paid(result: Result) -> dict[str, int]:
    """Who gets how many fen; those who get nothing are left out."""
    return {line.candidate: line.amount_fen for line in result.lines if line.amount_fen}
