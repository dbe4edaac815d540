"""Flags: what the detectors found, drawn beside its figures, and judged by a person."""

import functools
from string import ascii_uppercase
from typing import Any

from markupsafe import Markup

from datamarket.foundation.errors import Language
from datamarket.portal.desk.reading import names_in
from datamarket.portal.pages import Shown, page
from datamarket.portal.policy.drawing import Arrow, around, below, graph
from datamarket.portal.sessions import Visit
from datamarket.portal.words.figures import rounded
from datamarket.portal.words.tongues import vocabularies

FLAGS = "/subsidy/integrity/flags"
MOST_DRAWN = 12
"""Members in one drawing; the table has all."""


@page("/policy/flags", "policy/flags.html", signed_in=True)
async def show_flags(visit: Visit) -> Shown:
    """All of them, in the order in which they were raised."""
    asked = {name: value for name, value in visit.request.query_params.items() if value}
    found = await visit.ask.get(FLAGS, **({"limit": "50"} | asked))
    kinds = {name: [str(word) for word in vocabularies()[name]] for name in ("FlagState", "Detector")}
    return {
        "found": found,
        "asked": asked,
        "kinds": kinds,
        "names": await names_in(visit, found["items"]),
    }


@page("/policy/flags/{flag_id}", "policy/flag.html", signed_in=True)
async def show_flag(visit: Visit, flag_id: str) -> Shown:
    """Who sold how much to whom, or claimed what twice; who controls whom; and what may be done."""
    flag, allowed, evidence = await visit.ask.get_all(
        f"{FLAGS}/{flag_id}", f"{FLAGS}/{flag_id}/allowed-events", f"{FLAGS}/{flag_id}/evidence"
    )
    controls = await _controls(visit, flag["members"]) if flag["detector"] == "related" else []
    members = list(dict.fromkeys([*flag["members"], *(one["controller_id"] for one in controls)]))
    letters = dict(zip(members, ascii_uppercase, strict=False))
    return {
        "flag": flag,
        "allowed": allowed["events"],
        "sold": evidence["sold"],
        "controls": controls,
        "letters": letters,
        "called": await _called(visit, members),
        "draw": functools.partial(drawn, visit.language, letters, evidence["sold"], controls),
        "names": await names_in(visit, [flag]),
    }


async def _controls(visit: Visit, members: list[str]) -> list[dict[str, Any]]:
    """Every control that one of the members has, or is under, and that touches two of those drawn."""
    lists = await visit.ask.get_all(*(f"/participants/{member}/affiliations?limit=100" for member in members))
    found = {one["id"]: one for told in lists for one in told["items"]}
    by_controller: dict[str, set[str]] = {}
    for one in found.values():
        by_controller.setdefault(one["controller_id"], set()).add(one["controlled_id"])
    return [
        one
        for one in found.values()
        if one["controlled_id"] in members
        and (one["controller_id"] in members or len(by_controller[one["controller_id"]] & set(members)) > 1)
    ]


async def _called(visit: Visit, members: list[str]) -> dict[str, dict[str, Any]]:
    """The organisations by their ids."""
    return {member: await visit.ask.get(f"/participants/{member}") for member in members[:MOST_DRAWN]}


def drawn(
    language: Language,
    letters: dict[str, str],
    sold: list[dict[str, Any]],
    controls: list[dict[str, Any]],
    *,
    control: str,
    title: str,
) -> Markup | None:
    """Sales as arrows with their sums, controls as dashed ones; none where there is nothing between two."""
    known = dict(list(letters.items())[:MOST_DRAWN])
    arrows = [
        Arrow(known[one["provider_id"]], known[one["buyer_id"]], rounded(one["amount_fen"], language))
        for one in sold
        if one["provider_id"] in known and one["buyer_id"] in known
    ]
    pairs = [(one["controller_id"], one["controlled_id"]) for one in controls]
    ties = [(known[above], known[under]) for above, under in pairs if above in known and under in known]
    arrows += [Arrow(*tie, control, dashed=True) for tie in ties]
    places = below(list(known.values()), ties) if ties else around(list(known.values()))
    return graph(places, arrows, title) if arrows else None
