"""The market on one page: in figures, by month and zone, what is new, who was awarded, and a first way through it."""

import asyncio

from starlette.responses import RedirectResponse

from datamarket.portal.desk.reading import names_in
from datamarket.portal.pages import Shown, page
from datamarket.portal.sessions import YEAR_SECONDS, Visit

TOUR = "datamarket_tour"
NEWEST_YEARS = 2
"""Of which one is shown by month, and awards are looked for."""


@page("/", "home.html")
async def home(visit: Visit) -> Shown:
    """The year with the most trades of the newest two: one that has just begun shows nothing yet."""
    ask = visit.ask
    overview, zones, listings = await ask.get_all(
        "/statistics/overview", "/statistics/turnover?by=zone", "/listings?limit=6"
    )
    years = overview["years"][:NEWEST_YEARS]
    shown = max(years, key=lambda year: year["trades"], default=None)
    months, *awards = await asyncio.gather(
        ask.get("/statistics/turnover", by="month", year=shown and shown["year"]),
        *(ask.get("/subsidy/awards", year=year["year"], limit=5) for year in years),
    )
    return {
        "overview": overview,
        "year": shown and shown["year"],
        "months": months["items"][::-1],
        "zones": zones["items"],
        "listings": listings["items"],
        "awards": next((answer["items"] for answer in awards if answer["items"]), []),
        "names": await names_in(visit, [{"provider": one["provider_id"], "zone": one["zone_id"]} for one in listings["items"]]),
        "tour": TOUR not in visit.request.cookies,
    }  # fmt: skip


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
