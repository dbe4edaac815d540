"""A cursor is the market's own, of one list under one set of filters."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

import pytest

from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.server.app import create_app
from tests.conftest import ClientFor, client_of
from tests.world import catalogue, trading
from tests.world.catalogue import published_listing
from tests.world.participants import admitted
from tests.world.people import AUDITOR, NOON


def raw(cursor: str) -> bytes:
    return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


def written(told: bytes) -> str:
    return urlsafe_b64encode(told).rstrip(b"=").decode()


async def test_a_forged_link_shows_no_forged_balance(database: Database, client_for: ClientFor) -> None:
    deal = await trading.active_contract(database)
    for _ in range(2):
        await trading.trade(database, deal)
    buyer = client_for(deal.buyer_account)
    funds = (await buyer.get("/ledger/accounts", params={"kind": "buyer_funds"})).json()["items"][0]
    path, range_ = f"/ledger/accounts/{funds['id']}/statement", {"from": "2024-01-01", "limit": "1"}
    first = (await buyer.get(path, params=range_)).json()
    second = (await buyer.get(path, params=range_ | {"after": first["next"]})).json()
    assert second["brought_forward_fen"] == first["items"][0]["balance_fen"]
    key = [first["items"][0][name] for name in ("period", "entry_id", "seq")]
    told = raw(first["next"])
    forged = [
        json.dumps([*key, -(10**12)]).encode(),  # as any caller could write it
        told[:-2] + b"9]",
        bytes([told[0] ^ 1]) + told[1:],
        told[16:],
        told[:16],
    ]
    for link in forged:
        answer = await buyer.get(path, params=range_ | {"after": written(link)})
        assert (answer.status_code, answer.json()["code"]) == (422, "page.cursor-invalid"), link


async def test_a_cursor_opens_its_own_list_under_its_own_filters_only(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        for _ in range(2):
            await admitted(session)
            await published_listing(session)
    reader = client_for(AUDITOR)
    wish = {"limit": "1", "state": "admitted"}
    after = {"after": (await reader.get("/participants", params=wish)).json()["next"]}
    for path, filters, status in (
        ("/participants", wish, 200),
        ("/participants", {"state": "admitted", "limit": "50"}, 200),
        ("/participants", {"limit": "1"}, 422),
        ("/participants", {"state": "suspended"}, 422),
        ("/zones", {}, 422),
        ("/listings", {"mine": "true"}, 422),
        ("/products", {}, 422),
    ):
        assert (await reader.get(path, params=filters | after)).status_code == status, (path, filters)


@pytest.mark.parametrize("same", [True, False])
async def test_every_worker_of_a_market_opens_its_cursors_and_no_other_market_does(
    database: Database, client_for: ClientFor, settings: Settings, tmp_path: Path, same: bool
) -> None:
    async with database.transaction() as session:
        for _ in range(2):
            await published_listing(session)
    wish = {"limit": "1"}
    after = (await client_for(None).get("/listings", params=wish)).json()["next"]
    var = settings.var if same else tmp_path
    other = create_app(settings.model_copy(update={"var": var}), database, read_clock=lambda: NOON)
    async with client_of(other, None, NOON) as visitor:
        assert (await visitor.get("/listings", params=wish | {"after": after})).status_code == (
            200 if same else 422
        )


async def test_a_list_of_long_names_is_read_to_its_end(database: Database, client_for: ClientFor) -> None:
    """In the order of names a cursor holds a name."""
    async with database.transaction() as session:
        venue = await catalogue.venue(session)
        for _ in range(2):
            await published_listing(session, on=venue, called=catalogue.identity("长" * 200))
    visitor, wish = client_for(None), {"venue": str(venue.id), "sort": "name", "limit": "1"}
    first = await visitor.get("/listings", params=wish)
    second = await visitor.get(f"http://market{first.links['next']['url']}")
    assert [len(page.json()["items"]) for page in (first, second)] == [1, 1]
    assert second.json()["next"] is None
