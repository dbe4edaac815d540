"""The evaluator says what an answer in plain SQL says, which shares nothing with it: lines, ranks, limits and refusals."""

import json
import os
import random
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from datamarket.foundation.money import percent, yuan
from datamarket.subsidy.evaluator.rules import evaluate
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.terms import Candidate, LineStatus, Snapshot, Unit
from tests.cases.builders import city_scheme

EFFORT = int(os.environ.get("DATAMARKET_FUZZ_EFFORT", "1"))
SNAPSHOTS = 350 * EFFORT
"""`make soak` asks thirty times as many: more than ten thousand."""
AT_ONCE = 50
ORACLE = (Path(__file__).parent / "oracle.sql").read_text(encoding="utf-8")
CITY = city_scheme().to_json()
CLAUSES = ("typical-case", "top-ten-turnover")
REFUSALS = {
    "subsidy.tie-at-cut",
    "subsidy.tie-unresolved",
    "subsidy.budget-exceeded",
    "subsidy.order-unknown",
}
ValueT = TypeVar("ValueT")
Rules = dict[str, Any]
Rows = list[dict[str, Any]]


def truth(chance: random.Random) -> bool | None:
    return chance.choices((True, False, None), (20, 2, 1))[0]


def whether(chance: random.Random, value: ValueT, often: float = 0.5) -> ValueT | None:
    return value if chance.random() < often else None


def money_near(chance: random.Random, *corners: int) -> int | None:
    """Few distinct ones make ties; some stand at the corners, some beyond what a double keeps, some are not known."""
    corner = chance.choice(corners)
    at_a_corner = chance.randint(corner - 2, corner + 2)
    found = (chance.randint(-2, 9), chance.randint(1, 3) * 1_000_000, at_a_corner, chance.randint(0, 2**60))
    return whether(chance, chance.choices(found, (2, 5, 3, 2))[0], 0.95)


def rules_by(chance: random.Random) -> Rules:
    unit = chance.choice((1, 1, 1, 10, 10_000))
    cap = whether(chance, unit * chance.choice((5, chance.randint(1, 10**9 // unit))), 0.8)
    return {
        "top": chance.randint(1, 8),
        "ties": chance.choice(("include_all", "exclude_all", "stop", "tiebreak")),
        "among": chance.choice(("eligible", "all")),
        "threshold": chance.choice((0, 0, 5, 2_000_000)),
        "rate_case": chance.choice((3_000, 1, chance.randint(0, 10_000))),
        "rate_top": chance.choice((100, 1, chance.randint(0, 10_000))),
        "cap_case": chance.choice((100_000_000 // unit * unit, cap)),
        "cap_top": cap,
        "floor_top": whether(chance, chance.randint(0, cap // unit if cap else 10**4) * unit, 0.3),
        "unit": unit,
        "mode": chance.choice(("half_up", "half_up", "half_even", "down")),
        "highest": chance.random() < 0.4,
        "enterprise_cap": whether(chance, chance.choice((7, 10**6, 10**9)), 0.4),
        "pool": (pool := whether(chance, chance.choice((0, 11, 10**5, 10**8, 10**11)), 0.6)),
        "exceeded": None if pool is None else chance.choice(("pro_rata", "pro_rata", "first_come", "stop")),
    }


def instant(chance: random.Random) -> str | None:
    return whether(chance, f"2026-01-0{chance.randint(1, 3)}T00:00:00.000000+00:00", 0.97)


def firms_by(chance: random.Random) -> Rows:
    return [
        {
            "id": f"E{place}",
            "base": money_near(chance, 2_000_000_000, 2_000_000),
            "registered": truth(chance),
            "suspended": whether(chance, chance.random() < 0.1, 0.97),
            "kind": whether(chance, "operator", 0.05),
            "contracts": whether(chance, chance.randint(1, 2), 0.97),
            "first": instant(chance),
            "submitted": instant(chance),
        }
        for place in range(chance.randint(0, 14))
    ]


def projects_by(chance: random.Random) -> Rows:
    rows: Rows = []
    for place in range(chance.randint(0, 6)):
        owners = chance.sample(range(12), chance.choice((1, 1, 1, 2, 3, 4)))
        shares = {f"E{owner}": chance.randint(1, 9) for owner in owners} if len(owners) > 1 else None
        facts = {
            "base": money_near(chance, 333_333_333, 100),
            "listed": truth(chance),
            "claimed": whether(chance, chance.random() < 0.1, 0.97),
            "submitted": instant(chance),
            "shares": shares,
        }
        for owner in owners:
            own = {"registered": truth(chance), "suspended": whether(chance, chance.random() < 0.1, 0.97)}
            code = f"P{place}/E{owner}" if shares else f"P{place}"
            rows.append({"id": code, "owner": f"E{owner}", **facts, **own})
    return rows


def scheme_of(rules: Rules) -> Scheme:
    since = "2024-01-01"

    def dated(fen: int | None) -> dict[str, str] | None:
        return None if fen is None else {since: yuan(fen)}

    case, top = (dict(clause) for clause in CITY["clauses"])
    ties = {"tiebreak": ["-contracts", "first_settled"]} if rules["ties"] == "tiebreak" else rules["ties"]
    rounding = {"round": {"to": yuan(rules["unit"]), "mode": rules["mode"]}}
    case |= rounding | {"rate": {since: percent(Fraction(rules["rate_case"], 10_000))}}
    case |= {"cap": dated(rules["cap_case"])}
    top |= rounding | {"rate": {since: percent(Fraction(rules["rate_top"], 10_000))}}
    top |= {"cap": dated(rules["cap_top"]), "floor": dated(rules["floor_top"])}
    top |= {"require_base_above": yuan(rules["threshold"])}
    top |= {"select": top["select"] | {"top": rules["top"], "among": rules["among"], "ties": ties}}
    stacking = [{"group": list(CLAUSES), "rule": "highest_only" if rules["highest"] else "all"}]
    budget = rules["exceeded"] and {"amount": dated(rules["pool"]), "when_exceeded": rules["exceeded"]}
    limits = {"enterprise_cap": dated(rules["enterprise_cap"]), "budget": budget, "stacking": stacking}
    return Scheme.model_validate(CITY | {"clauses": [case, top]} | limits)


NAMES = {
    "registered": "registered_in_city",
    "suspended": "suspended",
    "kind": "other_kind",
    "contracts": "contracts",
    "first": "first_settled",
    "submitted": "submitted_at",
    "listed": "case_listed_in_period",
    "claimed": "claimed_before",
}


def candidate_of(unit: Unit, base: str, row: dict[str, Any]) -> Candidate:
    facts = {NAMES.get(name, base): row[name] for name in {*NAMES, "base"} & {*row} if row[name] is not None}
    if shares := row.get("shares"):
        total = sum(shares.values())
        facts["shares"] = " ".join(f"{owner}={Fraction(shares[owner], total)}" for owner in sorted(shares))
    return Candidate(unit, row["id"], row.get("owner", row["id"]), "", facts)


def told_by_the_evaluator(case: dict[str, Any]) -> tuple[str | None, list[Any]]:
    rows = [candidate_of(Unit.ENTERPRISE, "net_platform_turnover", row) for row in case["firms"]]
    rows += [candidate_of(Unit.PROJECT, "verified_investment", row) for row in case["projects"]]
    try:
        result = evaluate(scheme_of(case["rules"]), Snapshot.of(rows), 2026)
    except MarketError as refused:
        return refused.code, []
    return None, sorted(
        [
            CLAUSES.index(one.clause) + 1,
            one.candidate,
            one.status.value,
            one.rank,
            one.cap_bound,
            one.amount_fen,
        ]
        for one in result.lines
    )


async def test_the_evaluator_equals_plain_sql_on_random_snapshots(database: Database) -> None:
    seen: set[Any] = set()
    for first in range(0, SNAPSHOTS, AT_ONCE):
        cases = []
        for seed in range(first, min(first + AT_ONCE, SNAPSHOTS)):
            chance = random.Random(seed)
            made = {"rules": rules_by(chance), "firms": firms_by(chance), "projects": projects_by(chance)}
            cases.append({"n": seed, **made})
        async with database.connection() as connection:
            rows = await connection.fetch(ORACLE, json.dumps(cases))
        told = {row["n"]: (row["refused"], sorted(json.loads(row["lines"] or "[]"))) for row in rows}
        for case in cases:
            refused, lines = told_by_the_evaluator(case)
            said, theirs = told[case["n"]]
            assert (said, [] if said else theirs) == (refused, lines), json.dumps(case)
            seen |= {refused, *(line[2] for line in lines)}
    assert seen == {None, *REFUSALS, *list(LineStatus)[:5]}
