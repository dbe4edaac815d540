"""Venues: kept by the authority, deciding on their own ground, admitting their categories while open."""

import pytest

from datamarket.auth.terms import Role
from datamarket.catalogue.terms import Category
from datamarket.catalogue.venues import rules as venue_rules
from datamarket.foundation.db import Database
from tests.catalogue.steps import move
from tests.conftest import ClientFor
from tests.world import catalogue
from tests.world.people import AUTHORITY, REVIEWER, actor


async def test_a_venue_admits_its_categories_while_it_is_open(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        made = await catalogue.approved_product(session)
        ports = await catalogue.venue(session, categories=(Category.PORT,))
        with pytest.raises(venue_rules.VenueDoesNotAdmit):
            await catalogue.list_made(session, made, on=ports)
        listed = await catalogue.list_made(session, made)
    venue = f"/venues/{listed.venue.id}"
    await move(client_for(listed.account), f"/listings/{listed.listing.id}", "submit")
    await move(client_for(AUTHORITY), venue, "close", reason="整顿")
    refused = await client_for(AUTHORITY).post(
        f"/listings/{listed.listing.id}/events", json={"event": "publish"}
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "listing.venue-closed")


async def test_the_venue_decides_on_its_own_ground_only(database: Database, client_for: ClientFor) -> None:
    async with database.transaction() as session:
        listed = await catalogue.list_made(session, await catalogue.approved_product(session))
        elsewhere = await catalogue.venue(session)
    path, provider = f"/listings/{listed.listing.id}", client_for(listed.account)
    await move(provider, path, "submit")
    own = client_for(actor(Role.OPERATOR, organisation=listed.venue.operator_id))
    other = client_for(actor(Role.OPERATOR, organisation=elsewhere.operator_id))
    publish = {"event": "publish"}
    assert (await other.post(f"{path}/events", json=publish)).status_code == 404
    assert (await provider.post(f"{path}/events", json=publish)).status_code == 403
    assert (await own.post(f"{path}/events", json={"event": "return"})).status_code == 422
    assert (await move(own, path, "return", reason="价格说明不清"))["state"] == "draft"
    await move(provider, path, "submit")
    await move(own, path, "publish")
    assert (await other.post(f"{path}/events", json={"event": "suspend"})).status_code == 403
    await move(own, path, "suspend", reason="核查")
    held = await provider.post(f"{path}/events", json={"event": "resume"})
    assert (held.status_code, held.json()["code"]) == (403, "listing.held-by-venue")
    assert (await move(client_for(AUTHORITY), path, "resume"))["state"] == "published"


async def test_a_venue_counts_for_the_subsidy_from_a_day_until_a_later_one(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        venue = await catalogue.venue(session)
    path, authority = f"/venues/{venue.id}", client_for(AUTHORITY)
    terms = {"name_zh": "平台", "name_en": "V", "source": "assumed", "fee_bps": 80, "fee_payer": "split"}
    term = {"qualified_from": "2023-01-01", "qualified_to": "2023-01-01"}
    tag = {"If-Match": '"1"'}
    for empty in (term, term | {"qualified_from": None}):
        refused = await authority.patch(path, json=terms | empty, headers=tag)
        assert (refused.status_code, refused.json()["code"]) == (422, "venue.qualification-term-empty")
    body = terms | term | {"qualified_to": "2024-07-01"}
    assert (await authority.patch(path, json=body, headers=tag)).json()["qualified_to"] == "2024-07-01"


async def test_venues_are_public_and_kept_by_the_authority(database: Database, client_for: ClientFor) -> None:
    async with database.transaction() as session:
        venue = await catalogue.venue(session)
    path, authority = f"/venues/{venue.id}", client_for(AUTHORITY)
    seen = await client_for(None).get(path)
    terms = {"name_zh": "新名称", "name_en": "New", "source": "assumed", "fee_bps": 80, "fee_payer": "split"}
    body = terms | {"qualified_from": None}
    assert (await authority.patch(path, json=body)).status_code == 428
    changed = await authority.patch(path, json=body, headers={"If-Match": seen.headers["etag"]})
    assert (changed.json()["fee_bps"], changed.json()["qualified_for_subsidy"]) == (80, False)
    assert (await client_for(REVIEWER).post(f"{path}/events", json={"event": "close"})).status_code == 403
    opened = {"code": venue.code, "kind": "compute", "operator_id": str(venue.operator_id)}
    taken = await authority.post("/venues", json=body | opened)
    assert (taken.status_code, taken.json()["code"]) == (409, "venue.code-taken")
    assert (await client_for(None).get("/venues", params={"limit": 1})).json()["next"]
