"""What everyone may see: the market in figures, the catalogue, zones, prices, awards."""

from datamarket.portal.pages import Shown, page
from datamarket.portal.sessions import Visit


@page("/", "home.html")
async def home(visit: Visit) -> Shown:
    """The market on one page."""
    overview, months, zones, listings = await visit.ask.get_all(
        "/statistics/overview",
        "/statistics/turnover?by=month",
        "/statistics/turnover?by=zone",
        "/listings?limit=6",
    )
    return {"overview": overview, "months": months, "zones": zones, "listings": listings["items"]}
