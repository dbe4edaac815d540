"""Walking the catalogue: every listing once, in order, whichever way the database goes about it."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from datamarket.catalogue import words
from datamarket.catalogue.listings import actions as listing_actions
from datamarket.catalogue.listings.terms import PriceModel, PricePlan
from datamarket.catalogue.search import queries as search_queries
from datamarket.catalogue.search.queries import Frequent
from datamarket.catalogue.search.terms import Sort
from datamarket.foundation.db import Database
from datamarket.foundation.money import Fen
from tests.conftest import Client, ClientFor
from tests.world import catalogue
from tests.world.people import AUDITOR, NOON

NAMES = (("港口拥堵指数", "Port congestion"), ("保函风险评分", "Guarantee risk"), ("API 目录", "API list"))
EACH = 6


@dataclass(frozen=True)
class Shelf:
    """One venue with listings that share prices, names and instants."""

    venue: str
    ids: set[str]


@pytest_asyncio.fixture(scope="module")
async def shelf(database: Database) -> Shelf:
    ids = set()
    async with database.transaction() as session:
        venue = await catalogue.venue(session)
        for zh, en in NAMES:
            made = await catalogue.approved_product(session, called=catalogue.identity(zh, en))
            for days in range(1, EACH + 1):
                plan = PricePlan(PriceModel.PER_PERIOD, Fen(100 + days // 2), days)
                listing, _ = await listing_actions.list_product(
                    session, made.account, product_id=made.product.id, venue_id=venue.id, plan=plan, now=NOON
                )
                await catalogue.publish(session, made.account, listing.id)
                listing.published_at = NOON
                ids.add(str(listing.id))
    return Shelf(str(venue.id), ids)


def sort_key(item: dict[str, Any], sort: Sort) -> tuple[Any, str]:
    """What a reader sees of the order; of two that are alike the id decides."""
    if sort is Sort.NEWEST:
        return datetime.fromisoformat(item["published_at"]), item["id"]
    if sort is Sort.NAME:
        return words.name_key(item["name_zh"]), item["id"]
    return item["price_fen"], item["id"]


def in_order(items: list[dict[str, Any]], sort: Sort) -> bool:
    down = sort in {Sort.NEWEST, Sort.PRICE_DESC}
    pairs = pairwise([sort_key(item, sort) for item in items])
    return all((first > second) if down else (first < second) for first, second in pairs)


async def walk(client: Client, **wish: Any) -> list[dict[str, Any]]:
    """All pages, by the link that each names."""
    items: list[dict[str, Any]] = []
    while True:
        answer = await client.get("/listings", params=wish)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        if page["next"] is None:
            assert "link" not in answer.headers
            return items
        target, _, relation = answer.headers["link"].partition("; ")
        assert relation == 'rel="next"'
        wish = {name: values[0] for name, values in parse_qs(urlsplit(target.strip("<>")).query).items()}
        assert wish["after"] == page["next"]


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("limit", [1, 5, 9, 100])
@pytest.mark.parametrize("frequent", [False, True])
async def test_all_pages_together_hold_each_listing_once_and_in_order(
    database: Database, client_for: ClientFor, shelf: Shelf, sort: Sort, limit: int, *, frequent: bool
) -> None:
    believed = {f"venue:{shelf.venue}": 10**6} if frequent else {}
    search_queries._frequent[database] = Frequent(NOON, 10**6, believed)
    items = await walk(client_for(None), venue=shelf.venue, sort=sort.value, limit=limit)
    assert len(items) == len(shelf.ids)
    assert {item["id"] for item in items} == shelf.ids
    assert in_order(items, sort)


@pytest.mark.parametrize("sort", Sort)
async def test_the_whole_catalogue_is_walked_in_order_too(
    client_for: ClientFor, shelf: Shelf, sort: Sort
) -> None:
    items = await walk(client_for(None), sort=sort.value, limit=7)
    assert shelf.ids <= {item["id"] for item in items}
    assert len(items) == len({item["id"] for item in items})
    assert in_order(items, sort)


async def test_a_search_is_walked_like_a_list(client_for: ClientFor, shelf: Shelf) -> None:
    items = await walk(
        client_for(None), text="保函风险 guarantee", venue=shelf.venue, sort="price_asc", limit=4
    )
    assert len(items) == EACH
    assert in_order(items, Sort.PRICE_ASC)


async def test_a_venue_of_ones_own_is_walked_by_its_owner(client_for: ClientFor, database: Database) -> None:
    async with database.transaction() as session:
        made = await catalogue.approved_product(session)
        for _ in range(3):
            await catalogue.list_made(session, made)
    items = []
    wish = {"mine": "true", "limit": "2"}
    while True:
        page = (await client_for(made.account).get("/listings", params=wish)).json()
        items += page["items"]
        if page["next"] is None:
            break
        wish["after"] = page["next"]
    assert [item["state"] for item in items] == ["draft"] * 3


@pytest.mark.parametrize("cursor", ["x", "bnVsbA", "W10", "WzEsMl0", "WyJ6eiIsInp6Il0"])
async def test_a_cursor_that_is_not_ours_is_refused(client_for: ClientFor, cursor: str) -> None:
    for sort in Sort:
        answer = await client_for(None).get("/listings", params={"after": cursor, "sort": sort.value})
        assert (answer.status_code, answer.json()["code"]) == (422, "page.cursor-invalid")


async def test_a_cursor_belongs_to_its_order(client_for: ClientFor, shelf: Shelf) -> None:
    visitor = client_for(None)
    page = await visitor.get("/listings", params={"venue": shelf.venue, "limit": 1, "sort": "name"})
    moved = {"venue": shelf.venue, "after": page.json()["next"], "sort": "newest"}
    assert (await visitor.get("/listings", params=moved)).status_code == 422


@pytest.mark.parametrize(
    "wish",
    [
        {"state": "draft"},
        {"state": "published"},
        {"mine": "true", "text": "港口"},
        {"mine": "true", "sort": "name"},
    ],
)
async def test_a_filter_is_refused_where_it_would_be_ignored(
    client_for: ClientFor, shelf: Shelf, wish: dict[str, str]
) -> None:
    for caller in (None, AUDITOR):
        answer = await client_for(caller).get("/listings", params=wish)
        assert (answer.status_code, answer.json()["code"]) == (422, "listing.filter-misplaced")


@pytest.mark.parametrize("believed", [{}, {"venue": 10**6}], ids=["gathered", "walked"])
async def test_each_count_of_a_facet_is_what_its_filter_finds(
    database: Database,
    client_for: ClientFor,
    shelf: Shelf,
    monkeypatch: pytest.MonkeyPatch,
    believed: dict[str, int],
) -> None:
    """Under the words and the other filters, not under its own."""
    frequent = {f"venue:{shelf.venue}": believed.get("venue", 1), "拥堵": believed.get("venue", 1)}
    monkeypatch.setitem(search_queries._frequent, database, Frequent(NOON, 10**6, frequent))
    visitor = client_for(None)
    for asked in ({}, {"text": "拥堵"}, {"price_model": "per_period"}, {"text": "没有这样的字"}):
        wish = {"venue": shelf.venue, **asked}
        told = (await visitor.get("/listings/facets", params=wish)).json()
        whole = (await visitor.get("/listings", params=wish | {"limit": "100"})).json()["items"]
        assert (told["found"], told["is_complete"]) == (len(whole), True)
        for facet in told["items"]:
            for value in facet["values"]:
                narrowed = wish | {facet["filter"]: value["value"], "limit": "100"}
                found = (await visitor.get("/listings", params=narrowed)).json()
                assert len(found["items"]) == value["count"] or found["next"], (facet["filter"], value)
                assert value["name_zh"]
                assert value["name_en"]
    assert (await visitor.get("/listings/facets", params={"mine": "true"})).status_code == 422
