"""The public price list: read by visitors, page by page, with ceilings beside prices."""

from datamarket.foundation.db import Database
from tests.conftest import ClientFor
from tests.world import catalogue, prices, zones


async def test_a_visitor_reads_what_public_data_costs_and_at_most_may(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        operated = await zones.open_zone(session)
        listed = await catalogue.published_zone_listing(session, operated=operated, plan=catalogue.GRADUATED)
        free = await catalogue.published_zone_listing(session, operated=operated, plan=catalogue.YEARLY)
        draft = await catalogue.draft_zone_product(session, operated=operated)
        await catalogue.approve(session, draft)
        await catalogue.list_made(session, draft)
        income = await prices.approved(session, operated)
        ceiling = await prices.ceiling(session, income.id, listed.product.id, 100)
    visitor, asked = client_for(None), {"zone": str(operated.zone.id), "limit": "1"}
    first = (await visitor.get("/prices/list", params=asked)).json()
    [line] = first["items"]
    assert (line["listing_id"], line["price_model_zh"]) == (str(listed.listing.id), "阶梯计费")
    assert (line["price_fen"], line["units"]) == (100, 1)
    [told] = line["ceilings"]
    assert (told["id"], told["ceiling_fen"], told["trial"]) == (str(ceiling.id), 100, True)
    assert (told["valid_from"], told["unit_zh"]) == ("2024-06-03", "次")
    second = (await visitor.get("/prices/list", params=asked | {"after": first["next"]})).json()
    assert [(one["listing_id"], one["units"]) for one in second["items"]] == [(str(free.listing.id), 365)]
    assert (second["items"][0]["ceilings"], second["next"]) == ([], None)
    whole = (await visitor.get("/prices/list", params={"limit": 100})).json()
    assert {line["zone_id"] for line in whole["items"]} >= {str(operated.zone.id)}
