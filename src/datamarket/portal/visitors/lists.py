"""Public lists: enterprises by turnover, prices of public data and their ceilings, awards and how to object to them."""

import asyncio
from typing import Any

from datamarket.portal.pages import Shown, page
from datamarket.portal.sessions import Visit


async def _years(visit: Visit) -> list[int]:
    """Business years with trades, newest first."""
    return [year["year"] for year in (await visit.ask.get("/statistics/overview"))["years"]]


@page("/league", "visitors/league.html")
async def league(visit: Visit) -> Shown:
    """Sellers by net turnover, of one year or of all."""
    year = visit.request.query_params.get("year")
    years, table = await asyncio.gather(
        _years(visit), visit.ask.get("/statistics/league-table", year=year, limit=50)
    )
    return {"years": years, "year": table["year"], "items": table["items"]}


@page("/prices", "visitors/prices.html")
async def prices(visit: Visit) -> Shown:
    """What products on public data cost, and at most may; by zone."""
    given = visit.request.query_params
    asked = {name: given[name] for name in ("zone",) if given.get(name)}
    listed, zones = await asyncio.gather(
        visit.ask.get("/prices/list", **asked, limit=50, after=given.get("after")),
        visit.ask.get("/zones", limit=100),
    )
    return {
        "answer": listed,
        "asked": asked,
        "zones": zones["items"],
        "zone_names": {one["id"]: one for one in zones["items"]},
    }


@page("/awards", "visitors/awards.html")
async def awards(visit: Visit) -> Shown:
    """The public lists of a year, each by its run; without a year the newest that has one."""
    given, years = visit.request.query_params, await _years(visit)
    chosen = given.get("year")
    answers: list[dict[str, Any]] = await asyncio.gather(
        *(visit.ask.get("/subsidy/awards", year=year, limit=100, after=given.get("after")) for year in ([chosen] if chosen else years[:5]))
    )  # fmt: skip
    shown: dict[str, Any] = next(
        (answer for answer in answers if answer["items"]), {"items": [], "next": None}
    )
    runs: dict[str, list[dict[str, Any]]] = {}
    for award in shown["items"]:
        runs.setdefault(award["run_id"], []).append(award)
    year = shown["items"][0]["year"] if shown["items"] else chosen and int(chosen)
    return {"years": years, "year": year, "runs": list(runs.values()), "answer": shown}
