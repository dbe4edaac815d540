"""The catalogue: a search that narrows, and the page of a product with everything that stands behind it."""

import asyncio
from datetime import timedelta
from typing import Any

from datamarket.foundation.clock import business_date
from datamarket.portal.desk.reading import names_in
from datamarket.portal.pages import Shown, page
from datamarket.portal.sessions import Visit

FILTERS = ("zone", "venue", "category", "delivery_form", "price_model", "use_class")
ASKED = ("text", "sort", *FILTERS)
"""What an address of the catalogue says; the rest of it is not passed on."""
SORTS = ("newest", "price_asc", "price_desc", "name")


@page("/catalogue", "visitors/catalogue.html")
async def catalogue(visit: Visit) -> Shown:
    """Cards of what was found, twenty a page, and by what it may be narrowed. The address says it all."""
    given = visit.request.query_params
    asked = {name: given[name] for name in ASKED if given.get(name)}
    found, facets = await asyncio.gather(
        visit.ask.get("/listings", **asked, after=given.get("after")),
        visit.ask.get("/listings/facets", **{name: value for name, value in asked.items() if name != "sort"}),
    )
    names = await names_in(visit, [{"provider": one["provider_id"]} for one in found["items"]])
    places = {value["value"]: value for facet in facets["items"] for value in facet["values"]}
    return {
        "answer": found,
        "facets": facets,
        "asked": asked,
        "narrowed": any(name in asked for name in FILTERS),
        "names": names,
        "places": places,
        "sorts": SORTS,
    }


@page("/catalogue/{listing_id}", "visitors/product.html")
async def product(visit: Visit, listing_id: str) -> Shown:
    """A listing, with its product's measured quality and the authority on which it is sold."""
    ask = visit.ask
    listing = await ask.get(f"/listings/{listing_id}")
    measured, zone, mandates, scenarios, versions, *resources = await asyncio.gather(
        ask.find(f"/products/{listing['product_id']}/measurements", limit=12),
        *_of_zone(visit, listing["zone_id"]),
        _versions(visit, listing["product_id"]),
        *(ask.find(f"/resources/{one}") for one in listing["resources"]),
    )
    scenario = next((one for one in _items(scenarios) if one["id"] == listing["scenario_id"]), None)
    resources = [one for one in resources if one]
    measurements = [one for one in _items(measured) if one["number"] == listing["product_version"]]
    mentioned = [
        {"is": one} for one in (listing["provider_id"], listing["venue_id"], zone and zone["operator_id"])
    ]
    units = [{"is": one["supplying_unit_id"]} for one in resources] + [
        {"is": one["measured_by"]} for one in measurements
    ]
    today = business_date(visit.request.app.state.read_clock())
    return {
        "listing": listing,
        "term": (today, today + timedelta(days=365)),
        "zone": zone,
        "mandates": _items(mandates),
        "scenario": scenario,
        "resources": resources,
        "measurements": measurements,
        "versions": _items(versions),
        "names": await names_in(visit, mentioned + units),
    }


def _of_zone(visit: Visit, zone_id: str | None) -> list[Any]:
    paths = [f"/zones/{zone_id}{below}" for below in ("", "/mandates", "/scenarios?limit=100")]
    return [visit.ask.find(path) if zone_id else asyncio.sleep(0) for path in paths]


async def _versions(visit: Visit, product_id: str) -> Any:
    return await visit.ask.find(f"/products/{product_id}/versions") if visit.may("read_market") else None


def _items(answer: dict[str, Any] | None) -> list[Any]:
    return answer["items"] if answer else []
