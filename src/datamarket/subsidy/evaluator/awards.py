"""A result as a document: every line with its sentences, and what must be known beside the figures."""

from collections.abc import Mapping
from typing import Any

from datamarket.subsidy.evaluator.explain import explain
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.terms import LineStatus, Result, Unit


def award_document(
    scheme: Scheme, scheme_sha256: str, result: Result, names: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A result with its explanations and notes, ready for JSON.

    `names` are those of enterprises; without them the lines of enterprises themselves give the names.
    """
    units = {clause.id: clause.unit for clause in scheme.clauses}
    firms = [line for line in result.lines if units[line.clause] is Unit.ENTERPRISE]
    known = {line.enterprise: line.name for line in firms} | dict(names or {})
    lines = []
    for line in result.lines:
        told = explain(line, scheme, result.year)
        lines.append(
            line.to_json()
            | {
                "enterprise_name": known.get(line.enterprise, ""),
                "explanation": {"zh": told.zh, "en": told.en},
            }
        )
    return {
        "scheme": scheme.id,
        "titles": {clause.id: clause.title.model_dump() for clause in scheme.clauses},
        "scheme_sha256": scheme_sha256,
        "snapshot_sha256": result.snapshot_sha256,
        "year": result.year,
        "total_fen": result.total_fen,
        "result_sha256": result.sha256,
        "notes": _notes(scheme, result),
        "lines": lines,
    }


def _notes(scheme: Scheme, result: Result) -> list[dict[str, str]]:
    """What must be known beside the figures: ranks that may still change, bases below zero."""
    notes = []
    for clause in scheme.clauses:
        lines = [line for line in result.lines if line.clause == clause.id]
        held = sum(line.status is LineStatus.HELD for line in lines)
        if clause.select is not None and held:
            zh = f"{clause.id}：{held} 项暂缓核定，资料补齐后排名可能改变"
            en = f"{clause.id}: {held} held; the ranking may change once their facts are known"
            notes.append({"code": "held-may-rank", "clause": clause.id, "zh": zh, "en": en})
        negative = [line.candidate for line in lines if (line.base_fen or 0) < 0]
        if negative:
            zh = f"{clause.id}：{len(negative)} 项计奖基数为负（{', '.join(negative[:3])}）"
            en = f"{clause.id}: {len(negative)} with a base below zero ({', '.join(negative[:3])})"
            notes.append({"code": "base-negative", "clause": clause.id, "zh": zh, "en": en})
    return notes
