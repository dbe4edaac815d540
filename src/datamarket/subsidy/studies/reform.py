"""A reform sets parameters of a scheme, or facts of its snapshot, by path: only those on the list."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from datamarket.foundation.documents.plain_yaml import Document
from datamarket.foundation.errors import Invalid
from datamarket.subsidy.facts import counterfactual
from datamarket.subsidy.scheme.dated_values import BEGINNING
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.scheme.files import mistakes_of
from datamarket.subsidy.terms import Snapshot

DATED_CLAUSE_PATHS = ("rate", "tiers", "floor", "cap", "select.top")
PLAIN_CLAUSE_PATHS = ("require_base_above", "rate_basis_date", "select.among", "select.ties")
DATED_SCHEME_PATHS = ("enterprise_cap", "budget.amount")
PLAIN_SCHEME_PATHS = ("budget.when_exceeded",)


class ReformPathUnknown(Invalid):
    code = "subsidy.reform-path-unknown"
    zh = "测算方案不能修改“{path}”；可以修改：{allowed}。"
    en = "A reform cannot set '{path}'; it may set: {allowed}."


class ReformInvalid(Invalid):
    code = "subsidy.reform-invalid"
    zh = "测算方案无效（{where}）：{problem_zh}。"
    en = "The reform is not valid ({where}): {problem_en}."


class ReformChangesNothing(Invalid):
    code = "subsidy.reform-changes-nothing"
    zh = "测算方案没有改变任何参数。"
    en = "The reform changes no parameter."


def allowed_paths(scheme: Scheme) -> list[str]:
    """Every path that a reform of this scheme may set."""
    paths = [
        f"{clause.id}.{path}"
        for clause in scheme.clauses
        for path in (*DATED_CLAUSE_PATHS, *PLAIN_CLAUSE_PATHS)
        if clause.select is not None or not path.startswith("select.")
    ]
    stacking = [f"stacking.{index}.rule" for index in range(len(scheme.stacking))]
    return [*paths, *stacking, *DATED_SCHEME_PATHS, *PLAIN_SCHEME_PATHS, *counterfactual.FACT_PATHS]


@dataclass(frozen=True)
class Reformed:
    """What an arm is evaluated from: the scheme and the snapshot, either of them perhaps as it was."""

    scheme: Scheme
    snapshot: Snapshot
    left_out: Collection[str] = ()
    base_reason: str = "base"


def reformed(scheme: Scheme, snapshot: Snapshot, changes: Mapping[str, Any], year: int) -> Reformed:
    """Both with some parameters and facts set; a plain rate or amount holds for the whole year.

    Raises what `apply_reform` and `counterfactual.changed` raise.
    """
    facts = {path: value for path, value in changes.items() if path in counterfactual.FACT_PATHS}
    parameters = {path: for_year(path, value, year) for path, value in changes.items() if path not in facts}
    other = counterfactual.changed(snapshot, facts, year)
    if other == snapshot or parameters:
        scheme = apply_reform(scheme, parameters)
    elsewhere = [reason for path, reason in counterfactual.BASE_REASONS.items() if path in facts]
    left_out = frozenset(facts.get(counterfactual.LEFT_OUT, ()))
    return Reformed(scheme, other, left_out, elsewhere[0] if len(elsewhere) == 1 else "base")


def for_year(path: str, value: Any, year: int) -> Any:
    """A plain rate or amount holds for the run's whole year: on either day that may be its basis."""
    dated = path in DATED_SCHEME_PATHS or path.partition(".")[2] in DATED_CLAUSE_PATHS
    if not dated or value is None or isinstance(value, Mapping | int):
        return value
    return {f"{year}-01-01": value, f"{year}-12-31": value}


def apply_reform(scheme: Scheme, changes: Mapping[str, Any]) -> Scheme:
    """The scheme with some parameters set; the scheme itself is untouched.

    A dated parameter takes {date: value}: other dates stay as they are, so a later change in the
    scheme still takes over. A plain value holds throughout; None removes the parameter.
    Raises ReformPathUnknown, ReformInvalid and ReformChangesNothing.
    """
    document = scheme.to_json()
    allowed = allowed_paths(scheme)
    for path, value in changes.items():
        if path not in allowed:
            raise ReformPathUnknown(path=path, allowed=", ".join(allowed))
        _set(document, path, value)
    try:
        reformed = Scheme.model_validate(document)
    except ValidationError as error:
        first = mistakes_of(error, Document(document, {(): 1}))[0]
        raise ReformInvalid(where=first.where, problem_zh=first.zh, problem_en=first.en) from None
    if reformed == scheme:
        raise ReformChangesNothing
    return reformed


def _set(document: dict[str, Any], path: str, value: Any) -> None:
    head, _, rest = path.partition(".")
    owner: Any = document
    if path not in (*DATED_SCHEME_PATHS, *PLAIN_SCHEME_PATHS):
        if head == "stacking":
            owner, rest = document["stacking"][int(rest.partition(".")[0])], "rule"
        else:
            owner = next(clause for clause in document["clauses"] if clause["id"] == head)
    else:
        rest = path
    *parents, key = rest.split(".")
    for parent in parents:
        owner[parent] = owner.get(parent) or {}
        owner = owner[parent]
    dated = path in DATED_SCHEME_PATHS or rest in DATED_CLAUSE_PATHS
    if dated and isinstance(value, Mapping):
        value = _merged(owner.get(key), value)
    elif dated and value is not None and rest != "select.top":
        value = {str(document["valid"]["from"]): value}
    owner[key] = value


def _merged(old: Any, new: Mapping[str, Any]) -> dict[str, Any]:
    timeline = {BEGINNING.isoformat(): old} if isinstance(old, int) else dict(old or {})
    return timeline | {str(day): value for day, value in new.items()}
