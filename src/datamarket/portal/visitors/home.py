"""The market on one page: in figures, by month and zone, what is new, who was awarded, and a first way through it."""

import asyncio
from typing import Any

from starlette.responses import RedirectResponse

from datamarket.portal.desk.reading import names_in
from datamarket.portal.pages import Shown, page
from datamarket.portal.sessions import YEAR_SECONDS, Visit

TOUR = "datamarket_tour"
NEWEST_YEARS = 3
"""Of which one is shown by month, with its awards."""


@page("/", "visitors/home.html")
async def home(visit: Visit) -> Shown:
    """The year that is asked for, or that with the most trades of the newest three: one just begun shows nothing yet."""
    ask = visit.ask
    overview, zones, listings = await ask.get_all(
        "/statistics/overview", "/statistics/turnover?by=zone", "/listings?limit=6"
    )
    chosen = visit.request.query_params.get("year")
    asked = [year for year in overview["years"] if str(year["year"]) == chosen]
    years = asked or overview["years"][:NEWEST_YEARS]
    shown = max(years, key=lambda year: year["trades"], default=None)
    sold = [{"provider": one["provider_id"]} for one in listings["items"]]
    months, names, awards = await asyncio.gather(
        ask.get("/statistics/turnover", by="month", year=shown["year"]) if shown else _nothing(),
        names_in(visit, sold),
        ask.get("/subsidy/awards", year=shown["year"], limit=5) if shown else _nothing(),
    )
    return {
        "overview": overview,
        "brought": shown,
        "year": shown and shown["year"],
        "months": months["items"][::-1],
        "zones": zones["items"],
        "listings": listings["items"],
        "awards": awards["items"],
        "names": names,
        "tour": TOUR not in visit.request.cookies,
    }  # fmt: skip


async def _nothing() -> dict[str, list[Any]]:
    """Of a market in which nothing was traded."""
    return {"items": []}


@page("/tour", methods=("POST",))
async def end_tour(visit: Visit) -> Shown:
    """The way through is not shown again in this browser."""
    await visit.read_form()
    response = RedirectResponse("/", 303)
    response.set_cookie(
        TOUR,
        "seen",
        max_age=YEAR_SECONDS,
        httponly=True,
        samesite="lax",
        secure=visit.request.url.scheme == "https",
    )
    return response
