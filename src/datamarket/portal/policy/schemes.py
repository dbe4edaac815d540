"""A scheme: its wording beside its values and their days, its versions, its budgets."""

from typing import Any

from datamarket.foundation.money import parse_yuan
from datamarket.portal.asking import Declined
from datamarket.portal.desk.reading import names_in
from datamarket.portal.pages import Shown, page
from datamarket.portal.sessions import Visit
from datamarket.portal.words.figures import money
from datamarket.subsidy.scheme.vocabulary import FACTS, PREDICATES

DATED = ("rate", "tiers", "floor", "cap")
"""Of a clause: values that hold from a day on."""


@page("/policy/schemes/{scheme_id}", "policy/scheme.html", signed_in=True)
async def show_scheme(visit: Visit, scheme_id: str) -> Shown:
    """The version that is asked for, or the one in force, or the newest."""
    at = f"/subsidy/schemes/{scheme_id}"
    versions, budgets = await visit.ask.get_all(f"{at}/versions?limit=100", f"{at}/budgets?limit=100")
    if not versions["items"]:
        raise Declined(404, {})
    chosen = _chosen(versions["items"], visit.request.query_params.get("n", ""))
    one = f"{at}/versions/{chosen['n']}"
    scheme, allowed = await visit.ask.get_all(f"{one}/document", f"{one}/allowed-events")
    return {
        "scheme": scheme,
        "version": chosen,
        "versions": versions["items"],
        "budgets": budgets["items"],
        "allowed": allowed["events"],
        "timelines": {clause["id"]: timeline_of(clause) for clause in scheme["clauses"]},
        "called": {name: known.zh if visit.language == "zh" else known.en for name, known in _WORDS.items()},
        "names": await names_in(visit, versions["items"]),
    }


_WORDS: dict[str, Any] = {**FACTS, **PREDICATES}


def _chosen(versions: list[dict[str, Any]], asked: str) -> dict[str, Any]:
    in_force = [one for one in versions if one["state"] == "approved"]
    named = [one for one in versions if str(one["n"]) == asked]
    return (named or in_force or versions)[0]


def timeline_of(clause: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """Parameter, first day and value: as they follow one another."""
    dated = {name: clause[name] for name in DATED if clause[name]}
    top = (clause["select"] or {}).get("top")
    dated |= {"top": top} if top else {}
    return [
        (name, day, _amount(name, value))
        for name, values in dated.items()
        for day, value in (sorted(values.items()) if isinstance(values, dict) else [("", values)])
    ]


def _amount(name: str, value: Any) -> Any:
    """A floor or a cap as pages write amounts."""
    return money(parse_yuan(value)) if name in {"floor", "cap"} and value else value
