"""Decisions about clauses: which a kind needs, and which can not stand together. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from datamarket.contracts.kinds.terms import ClauseConflict, ContractClause, ContractKind, DataRight
from datamarket.foundation.errors import Invalid

C = ContractClause
NEEDED: Mapping[ContractKind, tuple[ContractClause, ...]] = {
    ContractKind.PROVISION: (),
    ContractKind.PROCESSING: (
        C.PROCESSING,
        C.RIGHTS,
        C.SECURITY_LEVEL,
        C.ACCEPTANCE_DAYS,
        C.RETENTION_DAYS,
        C.AUDIT_RIGHT,
        C.DISPUTE_FORUM,
    ),
    ContractKind.JOINT_DEVELOPMENT: (
        C.JOINT_DEVELOPMENT,
        C.RIGHTS,
        C.ONWARD_TRANSFER,
        C.SECURITY_LEVEL,
        C.DISPUTE_FORUM,
    ),
    ContractKind.INTERMEDIARY: (C.INTERMEDIARY, C.DISPUTE_FORUM),
}
"""[assumed] after the headings of the model contracts; a kind's own clause is named as the kind is."""
WHOLE_BPS = 10_000


class ClauseMissing(Invalid):
    code = "contract.clause-missing"
    zh = "“{kind}”合同须约定“{clause}”。"
    en = "A contract of the kind '{kind}' needs the clause '{clause}'."


class ClauseForeign(Invalid):
    code = "contract.clause-foreign"
    zh = "“{clause}”条款不属于“{kind}”合同。"
    en = "The clause '{clause}' does not belong to a contract of the kind '{kind}'."


class ClausesContradict(Invalid):
    code = "contract.clauses-contradict"
    zh = "附件条款相互矛盾：{conflict}。"
    en = "Clauses of the annex contradict each other: {conflict}."


def check_clauses(kind: ContractKind, annex: Mapping[str, Any]) -> None:
    """All that the kind needs, nothing of another, no contradiction. Raises ClauseMissing, ClauseForeign, ClausesContradict."""
    for clause in NEEDED[kind]:
        if clause not in annex:
            raise _pointed(ClauseMissing(kind=kind, clause=clause), clause)
    for other in ContractKind:
        if other is not kind and other in annex:
            raise _pointed(ClauseForeign(kind=kind, clause=C(other)), other)
    for where, conflict in _conflicts(annex):
        raise _pointed(ClausesContradict(conflict=conflict), where)


def _pointed(refusal: Invalid, where: str) -> Invalid:
    refusal.pointer = f"/body/annex/{where}"
    return refusal


def _conflicts(annex: Mapping[str, Any]) -> Iterator[tuple[str, ClauseConflict]]:
    """Each with its place in the annex."""
    rights = [given["right"] for given in annex.get(C.RIGHTS, ())]
    quality, shares, fee = (
        annex.get(clause, {}) for clause in (C.QUALITY, C.JOINT_DEVELOPMENT, C.INTERMEDIARY)
    )
    if len(set(rights)) < len(rights):
        yield C.RIGHTS, ClauseConflict.RIGHT_TWICE
    if DataRight.OPERATING in rights and not annex.get(C.ONWARD_TRANSFER):
        yield C.ONWARD_TRANSFER, ClauseConflict.OPERATING_KEPT
    if annex.get(C.TAX_INCLUDED) is False:
        yield C.TAX_INCLUDED, ClauseConflict.TAX_APART
    if "repair_days" in quality and not quality.get("warranty_days"):
        yield f"{C.QUALITY}/repair_days", ClauseConflict.REPAIR_UNWARRANTED
    if shares and sum(shares.values()) != WHOLE_BPS:
        yield C.JOINT_DEVELOPMENT, ClauseConflict.SHARES_APART
    if {"fee_bps", "fee_fen"} <= fee.keys():
        yield f"{C.INTERMEDIARY}/fee_fen", ClauseConflict.FEE_TWICE
    if fee.get("owed_if_bypassed") and not (fee.get("fee_bps") or fee.get("fee_fen")):
        yield f"{C.INTERMEDIARY}/owed_if_bypassed", ClauseConflict.NO_FEE_OWED
