"""Zones: who operates which public data, on what mandate, for which scenarios."""

import asyncio

from datamarket.portal.desk.reading import names_in
from datamarket.portal.pages import Shown, page
from datamarket.portal.sessions import Visit


@page("/zones", "visitors/zones.html")
async def zones(visit: Visit) -> Shown:
    """Every zone, with what it offers and what was traded of it."""
    listed, turnover, facets = await visit.ask.get_all(
        "/zones?limit=100", "/statistics/turnover?by=zone", "/listings/facets"
    )
    offered = next(facet for facet in facets["items"] if facet["filter"] == "zone")
    return {
        "zones": listed["items"],
        "turnover": {one["id"]: one for one in turnover["items"]},
        "offered": {one["value"]: one for one in offered["values"]},
        "offered_complete": offered["is_complete"],
        "names": await names_in(visit, [{"operator": one["operator_id"]} for one in listed["items"]]),
    }


@page("/zones/{zone_id}", "visitors/zone.html")
async def zone(visit: Visit, zone_id: str) -> Shown:
    """One zone: mandates, scenarios, registered resources, and what is sold of them."""
    shown = await visit.ask.get(f"/zones/{zone_id}")
    after = visit.request.query_params.get("after")
    mandates, scenarios, resources, listings = await asyncio.gather(
        visit.ask.get(f"/zones/{zone_id}/mandates", limit=100),
        visit.ask.get(f"/zones/{zone_id}/scenarios", limit=100),
        visit.ask.get("/resources", zone=zone_id, limit=50, after=after),
        visit.ask.get("/listings", zone=zone_id, limit=6),
    )
    mentioned = [{"is": shown["operator_id"]}, *({"is": one["operator_id"]} for one in mandates["items"])]
    units = [{"is": one["supplying_unit_id"]} for one in resources["items"]]
    return {
        "zone": shown,
        "mandates": mandates["items"],
        "scenarios": scenarios["items"],
        "resources": resources,
        "listings": listings["items"],
        "names": await names_in(
            visit, mentioned + units + [{"is": one["provider_id"]} for one in listings["items"]]
        ),
    }
