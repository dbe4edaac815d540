"""A scheme file and a folder of facts give every award and its reasons; no database is needed."""

from pathlib import Path
from typing import Any

from datamarket.foundation.documents.plain_yaml import MAX_BYTES
from datamarket.foundation.documents.reading import SystemFault, read_at_most
from datamarket.foundation.errors import Invalid
from datamarket.subsidy.evaluator.awards import award_document
from datamarket.subsidy.evaluator.rules import evaluate
from datamarket.subsidy.facts.files import SHEETS, read_facts
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.scheme.files import load_scheme
from datamarket.subsidy.terms import Unit, sha256_of_bytes


class FileUnreadable(Invalid):
    code = "subsidy.file-unreadable"
    zh = "无法读取文件“{file}”：{reason}。"
    en = "The file '{file}' cannot be read: {reason}."


def read_scheme_file(path: Path) -> tuple[str, bytes]:
    """The id of the scheme in a file, and the file. Raises SchemeInvalid and OSError."""
    content = read_at_most(path, MAX_BYTES)
    return load_scheme(content).id, content


def evaluate_files(scheme: Path | bytes, facts: Path, year: int) -> dict[str, Any]:
    """The awards of a year as a document for people and programs.

    `scheme_sha256` is over the file's bytes, `result_sha256` over the lines and what they came from.
    Raises FileUnreadable, SchemeInvalid, FactsInvalid and what `rules.evaluate` raises.
    """
    try:
        content = scheme if isinstance(scheme, bytes) else read_at_most(scheme, MAX_BYTES)
        loaded = load_scheme(content)
        read = read_facts(facts, loaded)
        result = evaluate(loaded, read.snapshot, year)
    except OSError as error:
        name = Path(str(error.filename)).name
        raise FileUnreadable(file=name, reason=SystemFault.of(error)) from error
    names = {firm.enterprise: firm.name for firm in read.snapshot.of_unit(Unit.ENTERPRISE)}
    document = award_document(loaded, sha256_of_bytes(content), result, names)
    absent = [_absent(loaded, unit) for unit in read.absent]
    return document | {"notes": [*absent, *read.notes, *document["notes"]]}


def _absent(scheme: Scheme, unit: Unit) -> dict[str, str]:
    """A table that the scheme needs is not there: a whole award was not assessed."""
    clauses = ", ".join(clause.id for clause in scheme.clauses if clause.unit is unit)
    return {
        "code": "table-absent",
        "zh": f"没有 {SHEETS[unit]} 表：{clauses} 未评定",
        "en": f"no {SHEETS[unit]} table: {clauses} was not assessed",
    }
