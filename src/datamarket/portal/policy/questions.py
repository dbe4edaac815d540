"""What if: other parameters of a run, answered at once, kept as a study where an officer wants to cite it."""

import asyncio
from collections.abc import Mapping
from typing import Any

from datamarket.foundation.money import parse_rate, parse_yuan, percent, yuan
from datamarket.portal.asking import Declined
from datamarket.portal.desk.reading import names_in
from datamarket.portal.forms.filling import typed_value
from datamarket.portal.pages import Shown, page
from datamarket.portal.policy.runs import read_scheme
from datamarket.portal.sessions import Visit
from datamarket.portal.words.figures import money
from datamarket.portal.words.tongues import Tongue

STEPS = 11
"""Rates and caps of the heat map: from half of what holds to one and a half times it."""
SHADES = 8
TIES = ("include_all", "exclude_all", "stop")


@page("/policy/what-if", "policy/what_if.html", signed_in=True)
async def ask_what_if(visit: Visit) -> Shown:
    """A form that is answered as one types; without a run the newest one that was calculated is asked."""
    query = visit.request.query_params
    runs = [one for one in (await visit.ask.get("/subsidy/runs", limit=50))["items"] if one["result_sha256"]]
    if not runs:
        return {"runs": [], "run": None}
    run = next((one for one in runs if one["id"] == query.get("run_id")), runs[0])
    scheme = await read_scheme(visit, run) or {"clauses": []}
    clause = _clause(scheme, query.get("clause", ""))
    changes = changes_of(visit, clause["id"])
    axes, cap = axes_of(clause, run["year"]), in_force(clause["cap"], run["year"])
    top, venues, studies, answer, heat = await asyncio.gather(
        visit.ask.get(f"/subsidy/runs/{run['id']}/lines", clause=clause["id"], sort="base", limit=40),
        visit.ask.get("/venues", limit=100),
        visit.ask.get("/subsidy/studies", run_id=run["id"], limit=10),
        _answer(visit, "/subsidy/what-if", {"run_id": run["id"], "set": changes} if changes else None),
        _answer(visit, "/subsidy/what-if/grid", {"run_id": run["id"], "clause": clause["id"], **axes} if axes else None),
    )  # fmt: skip
    return {
        "runs": runs,
        "run": run,
        "scheme": scheme,
        "clause": clause,
        "names": await names_in(visit, [{"scheme": one["scheme"]} for one in runs]),
        "now_in_force": {
            "rate": in_force(clause["rate"], run["year"]),
            "cap": cap and money(parse_yuan(cap)),
        },
        "typed": query,
        "asked": changes,
        "ties": TIES,
        "candidates": top["items"],
        "called": {line["uscc"]: line for line in top["items"]},
        "venues": [one for one in venues["items"] if one["qualified_for_subsidy"]],
        "studies": studies["items"],
        "changes": "\n".join(f"{path} = {typed_value(value)}" for path, value in changes.items()),
        "axes": axes,
        "answer": answer,
        "heat": heat,
        "shades": shades_of(heat),
    }


def _clause(scheme: Mapping[str, Any], asked: str) -> dict[str, Any]:
    """The one that is asked for, or the first that ranks, or the first."""
    clauses: list[dict[str, Any]] = scheme["clauses"]
    named = [one for one in clauses if one["id"] == asked]
    return (named or [one for one in clauses if one["select"]] or clauses)[0]


def changes_of(visit: Visit, clause: str) -> dict[str, Any]:
    """What was typed, by the paths that the API knows; what was left empty is not changed."""
    query = visit.request.query_params
    typed = {
        name: query.get(name, "").strip().replace(",", "")
        for name in ("rate", "cap", "top", "ties", "party", "tax")
    }
    changes: dict[str, Any] = {}
    if typed["rate"]:
        changes[f"{clause}.rate"] = _percent(typed["rate"])
    if typed["cap"]:
        changes[f"{clause}.cap"] = typed["cap"]
    if typed["top"]:
        changes[f"{clause}.select.top"] = int(typed["top"]) if typed["top"].isdecimal() else typed["top"]
    if typed["ties"]:
        changes[f"{clause}.select.ties"] = typed["ties"]
    if typed["tax"]:
        changes["facts.tax"] = _percent(typed["tax"])
    if venues := query.getlist("without"):
        changes["facts.venues"] = dict.fromkeys(venues)
    if left := [code for code in query.getlist("left_out") if code]:
        changes["facts.left-out"] = left
    return changes


def _percent(text: str) -> str:
    return text if text.endswith("%") else f"{text}%"


def in_force(dated: Mapping[str, str] | None, year: int) -> str | None:
    """Of dated values the one at the end of a year."""
    days = sorted(day for day in dated or {} if day <= f"{year}-12-31")
    return dated[days[-1]] if dated and days else None


def axes_of(clause: Mapping[str, Any], year: int) -> dict[str, Any] | None:
    """What the heat map asks: rates and caps about those in force; none where a clause lacks one."""
    rate, cap = in_force(clause["rate"], year), in_force(clause["cap"], year)
    if not rate or not cap:
        return None
    step, tenth = parse_rate(rate) / 10, parse_yuan(cap) // 10
    return {
        "rates": {"first": percent(5 * step), "step": percent(step), "count": STEPS},
        "caps": {"first": yuan(5 * tenth), "step": yuan(tenth), "count": STEPS},
    }


async def _answer(visit: Visit, path: str, body: dict[str, Any] | None) -> dict[str, Any] | None:
    """What the API answers, or under `problem` why it does not."""
    if body is None:
        return None
    try:
        answer: dict[str, Any] = (await visit.ask.send("POST", path, json=body)).body
    except Declined as refusal:
        return {"problem": refusal.problem}
    return answer


def shades_of(heat: Mapping[str, Any] | None) -> list[list[int]]:
    """How dark each cell of the heat map is, from 0 for the least to `SHADES` for the most."""
    if not heat or "problem" in heat:
        return []
    known = [fen for row in heat["total_fen"] for fen in row if fen is not None]
    least, most = min(known, default=0), max(known, default=0)
    span = max(most - least, 1)
    return [
        [0 if fen is None else (fen - least) * SHADES // span for fen in row] for row in heat["total_fen"]
    ]


@page("/policy/studies/{study_id}", "policy/study.html", signed_in=True)
async def show_study(visit: Visit, study_id: str) -> Shown:
    """A study as it was answered, with its citation and its files."""
    study = await visit.ask.get(f"/subsidy/studies/{study_id}")
    run = await visit.ask.find(f"/subsidy/runs/{study['run_id']}")
    return {
        "study": study,
        "question": asked_in_words(study["question"], Tongue(visit.language)),
        "scheme": run and await read_scheme(visit, run),
        "shades": shades_of(study["grid"]),
        "names": await names_in(visit, [study]),
    }


def asked_in_words(question: Mapping[str, Any], words: Tongue) -> list[tuple[str, str]]:
    """Path and value of every parameter that was set; then what was asked over a range."""
    pairs = [(path, typed_value(value)) for path, value in question.get("set", {}).items()]
    return pairs + [
        (words.name(name), "; ".join(f"{words.name(part)} {_told(value)}" for part, value in over.items()))
        for name in ("range", "grid", "meet")
        if (over := question.get(name))
    ]


def _told(value: Any) -> str:
    """Of many values the first and the last."""
    many = isinstance(value, list) and len(value) > 2
    return f"{value[0]} … {value[-1]}" if many else typed_value(value)
