"""Which clauses a kind needs, which it does not take, and which contradict each other: each refused at its place."""

from typing import Any

import pytest

from datamarket.contracts.kinds.rules import (
    NEEDED,
    ClauseForeign,
    ClauseMissing,
    ClausesContradict,
    check_clauses,
)
from datamarket.contracts.kinds.terms import ClauseConflict, ContractKind
from datamarket.foundation.errors import Invalid
from tests.world.clauses import ANNEX, USING

K = ContractKind


def refused(kind: ContractKind, annex: dict[str, Any]) -> Invalid:
    with pytest.raises(Invalid) as raised:
        check_clauses(kind, annex)
    return raised.value


@pytest.mark.parametrize("kind", ContractKind)
def test_an_annex_with_all_that_its_kind_needs_holds(kind: ContractKind) -> None:
    check_clauses(kind, ANNEX[kind])


def test_provision_needs_no_clause() -> None:
    check_clauses(K.PROVISION, {})
    check_clauses(K.PROVISION, {"notice_days": 3, "territory": "370200"})


@pytest.mark.parametrize(("kind", "clause"), [(kind, one) for kind in NEEDED for one in NEEDED[kind]])
def test_a_clause_that_its_kind_needs_is_missed_by_name(kind: ContractKind, clause: str) -> None:
    found = refused(kind, {name: value for name, value in ANNEX[kind].items() if name != clause})
    assert (type(found), found.pointer) == (ClauseMissing, f"/body/annex/{clause}")


@pytest.mark.parametrize(
    ("kind", "other"),
    [(kind, other) for kind in ContractKind for other in [*ContractKind][1:] if other != kind],
)
def test_a_clause_of_another_kind_is_refused(kind: ContractKind, other: ContractKind) -> None:
    found = refused(kind, ANNEX[kind] | {other.value: ANNEX[other][other]})
    assert (type(found), found.pointer) == (ClauseForeign, f"/body/annex/{other}")


CONTRADICTIONS = [
    (K.PROVISION, {"rights": [USING, USING]}, "rights", ClauseConflict.RIGHT_TWICE),
    (
        K.PROVISION,
        {"rights": [{"right": "operating", "scope": "全部"}], "onward_transfer": False},
        "onward_transfer",
        ClauseConflict.OPERATING_KEPT,
    ),
    (K.PROVISION, {"tax_included": False}, "tax_included", ClauseConflict.TAX_APART),
    (
        K.PROVISION,
        {"quality": {"repair_days": 3}},
        "quality/repair_days",
        ClauseConflict.REPAIR_UNWARRANTED,
    ),
    (
        K.JOINT_DEVELOPMENT,
        {"joint_development": {"provider_bps": 6_000, "buyer_bps": 4_001}},
        "joint_development",
        ClauseConflict.SHARES_APART,
    ),
    (
        K.INTERMEDIARY,
        {"intermediary": {"fee_bps": 100, "fee_fen": 100}},
        "intermediary/fee_fen",
        ClauseConflict.FEE_TWICE,
    ),
    (
        K.INTERMEDIARY,
        {"intermediary": {"owed_if_bypassed": True}},
        "intermediary/owed_if_bypassed",
        ClauseConflict.NO_FEE_OWED,
    ),
]


@pytest.mark.parametrize(("kind", "clauses", "where", "conflict"), CONTRADICTIONS)
def test_clauses_that_contradict_each_other_are_refused_at_their_place(
    kind: ContractKind, clauses: dict[str, Any], where: str, conflict: ClauseConflict
) -> None:
    found = refused(kind, ANNEX[kind] | clauses)
    assert (type(found), found.pointer) == (ClausesContradict, f"/body/annex/{where}")
    assert conflict.zh in found.sentence("zh")
    assert conflict.en in found.sentence("en")


def test_every_contradiction_has_a_case() -> None:
    assert {conflict for *_, conflict in CONTRADICTIONS} == set(ClauseConflict)
