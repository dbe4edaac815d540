"""The desk at a glance, one run with all that is on file of it, and its lines."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from datamarket.portal.desk.reading import names_in
from datamarket.portal.pages import Shown, page
from datamarket.portal.sessions import Visit
from datamarket.portal.words.tongues import vocabularies

UNITS = ("yuan", "wan")


@page("/policy", "policy/overview.html", signed_in=True)
async def overview(visit: Visit) -> Shown:
    """Every run with who acts next, the calls, and how many things are in each state."""
    runs, calls, told, studies = await visit.ask.get_all(
        "/subsidy/runs?limit=20",
        "/subsidy/calls?limit=5",
        "/subsidy/tallies",
        "/subsidy/studies?limit=5",
    )
    tallies: dict[str, list[dict[str, Any]]] = {}
    for one in told["tallies"]:
        tallies.setdefault(one["thing"], []).append(one)
    return {"runs": runs["items"], "calls": calls["items"], "tallies": tallies, "studies": studies["items"],
        "names": await names_in(visit, runs["items"]),
    }  # fmt: skip


@page("/policy/runs/{run_id}", "policy/run.html", signed_in=True)
async def show_run(visit: Visit, run_id: str) -> Shown:
    """Where it stands, what may be done, what a reviewer must look at, and its files."""
    at = f"/subsidy/runs/{run_id}"
    run, events, allowed, totals, exceptions, holds, objections = await visit.ask.get_all(
        at,
        f"{at}/events?limit=100",
        f"{at}/allowed-events",
        f"{at}/totals",
        f"{at}/exceptions?limit=100",
        f"{at}/holds?limit=100",
        f"/subsidy/objections?run={run_id}&limit=100",
    )
    waiting = [one for one in holds["items"] if one["next"]]
    open_to = await visit.ask.get_all(*(f"{at}/holds/{one['id']}/allowed-events" for one in waiting))
    return {
        "run": run,
        "events": events["items"],
        "allowed": allowed["events"],
        "totals": totals["totals"],
        "exceptions": exceptions,
        "holds": holds["items"],
        "hold_events": {one["id"]: told["events"] for one, told in zip(waiting, open_to, strict=True)},
        "objections": objections["items"],
        "scheme": await read_scheme(visit, run),
        "path": path_of(run, events["items"]),
        "names": await names_in(visit, [run, events, holds, objections]),
    }


def path_of(run: Mapping[str, Any], events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The states that it went through, each with its event; then the one it is in, and those that would follow."""
    words = list(vocabularies()["RunState"])
    reached = {event["to_state"]: event for event in events if event["from_state"] != event["to_state"]}
    way = words[: words.index("closed") + 1]  # type: ignore[arg-type] # a word is a text
    ended = run["state"] not in way
    shown = [word for word in way if not ended or word in reached or word == way[0]]
    shown += [word for word in words if ended and word == run["state"]]
    here = shown.index(run["state"])
    return [
        {"state": str(word), "event": reached.get(word), "place": (place > here) - (place < here)}
        for place, word in enumerate(shown)
    ]


async def read_scheme(visit: Visit, run: Mapping[str, Any]) -> dict[str, Any] | None:
    """The scheme of a run, or of a line's explanation, as it was then; none for who may not read it."""
    found: dict[str, Any] | None = await visit.ask.find(
        f"/subsidy/schemes/{run['scheme']}/versions/{run['scheme_version']}/document"
    )
    return found


@page("/policy/runs/{run_id}/lines", "policy/lines.html", signed_in=True)
async def show_lines(visit: Visit, run_id: str) -> Shown:
    """All candidates of a run: filtered, sorted and paged by the API."""
    asked = {name: value for name, value in visit.request.query_params.items() if value}
    unit = asked.pop("unit", UNITS[0])
    at = f"/subsidy/runs/{run_id}"
    run = await visit.ask.get(at)
    lines = await visit.ask.get(f"{at}/lines", **({"limit": "50"} | asked))
    kept = {name: value for name, value in asked.items() if name not in {"after", "limit"}}
    return {
        "run": run,
        "lines": lines,
        "asked": asked,
        "kept": kept,
        "query": urlencode(kept),
        "unit": unit if unit in UNITS else UNITS[0],
        "scheme": await read_scheme(visit, run),
        "statuses": [str(word) for word in vocabularies()["LineStatus"]],
    }


@page("/policy/lines/{line_id}", "policy/line.html", signed_in=True)
async def show_line(visit: Visit, line_id: str) -> Shown:
    """Why a line is what it is, rung by rung, and what became of it."""
    told, objections, recoveries = await visit.ask.get_all(
        f"/subsidy/lines/{line_id}/explanation",
        f"/subsidy/objections?line={line_id}&limit=100",
        f"/subsidy/recoveries?line={line_id}&limit=100",
    )
    scheme = await read_scheme(visit, told)
    cited = [one for one in scheme["clauses"] if one["id"] == told["line"]["clause"]] if scheme else []
    return {
        "told": told,
        "line": told["line"],
        "run": await visit.ask.find(f"/subsidy/runs/{told['line']['run_id']}"),
        "scheme": scheme,
        "clause": cited[0] if cited else None,
        "objections": objections["items"],
        "recoveries": recoveries["items"],
    }
