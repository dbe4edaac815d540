"""A scheme file and a folder of facts give every award and its reasons; no database is needed."""

import hashlib
from pathlib import Path
from typing import Any

from datamarket.foundation.errors import Invalid
from datamarket.subsidy.explain import explain
from datamarket.subsidy.facts_files import read_facts
from datamarket.subsidy.rules import evaluate
from datamarket.subsidy.scheme import Scheme
from datamarket.subsidy.scheme_files import load_scheme
from datamarket.subsidy.terms import Result


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
        result = evaluate(loaded, read_facts(facts, loaded), year)
    except OSError as error:
        name = Path(str(error.filename)).name
        raise FileUnreadable(file=name, reason=error.strerror or type(error).__name__) from error
    return award_document(loaded, hashlib.sha256(content).hexdigest(), result)


def award_document(scheme: Scheme, scheme_sha256: str, result: Result) -> dict[str, Any]:
    """A result with its explanations, ready for JSON."""
    lines = []
    for line in result.lines:
        told = explain(line, scheme, result.year)
        lines.append(line.to_json() | {"explanation": {"zh": told.zh, "en": told.en}})
    return {
        "scheme": scheme.id,
        "scheme_sha256": scheme_sha256,
        "snapshot_sha256": result.snapshot_sha256,
        "year": result.year,
        "total_fen": result.total_fen,
        "result_sha256": result.sha256,
        "lines": lines,
    }
