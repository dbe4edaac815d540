"""A scheme file and a folder of facts give every award and its reasons; no database is needed."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datamarket.foundation.errors import Invalid
from datamarket.subsidy.explain import explain
from datamarket.subsidy.facts_files import SHEETS, read_tables
from datamarket.subsidy.rules import evaluate
from datamarket.subsidy.scheme import Scheme
from datamarket.subsidy.scheme_files import load_scheme
from datamarket.subsidy.terms import LineStatus, Result, Unit


class FileUnreadable(Invalid):
    code = "subsidy.file-unreadable"
    zh = "无法读取文件“{file}”：{reason}。"
    en = "The file '{file}' cannot be read: {reason}."


def evaluate_files(scheme: Path | bytes, facts: Path, year: int) -> dict[str, Any]:
    """The awards of a year as a document for people and programs.

    `scheme_sha256` is over the file's bytes, `result_sha256` over the lines and what they came from.
    Raises FileUnreadable, SchemeInvalid, FactsInvalid and what `rules.evaluate` raises.
    """
    try:
        content = scheme if isinstance(scheme, bytes) else scheme.read_bytes()
        loaded = load_scheme(content)
        read = read_tables(facts, loaded)
        result = evaluate(loaded, read.snapshot, year)
    except OSError as error:
        name = Path(str(error.filename)).name
        raise FileUnreadable(file=name, reason=error.strerror or type(error).__name__) from error
    names = {firm.enterprise: firm.name for firm in read.snapshot.of_unit(Unit.ENTERPRISE)}
    document = award_document(loaded, hashlib.sha256(content).hexdigest(), result, names)
    absent = [_absent(loaded, unit) for unit in read.absent]
    return document | {"notes": [*absent, *document["notes"]]}


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
        "scheme_sha256": scheme_sha256,
        "snapshot_sha256": result.snapshot_sha256,
        "year": result.year,
        "total_fen": result.total_fen,
        "result_sha256": result.sha256,
        "notes": _notes(scheme, result),
        "lines": lines,
    }


def _absent(scheme: Scheme, unit: Unit) -> dict[str, str]:
    """A table that the scheme needs is not there: a whole award was not assessed."""
    clauses = ", ".join(clause.id for clause in scheme.clauses if clause.unit is unit)
    return {
        "code": "table-absent",
        "zh": f"没有 {SHEETS[unit]} 表：{clauses} 未评定",
        "en": f"no {SHEETS[unit]} table: {clauses} was not assessed",
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
