"""Without an organisation one owns nothing; of what is between others one sees one's own share."""

import inspect
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Uuid
from sqlmodel import SQLModel, select

from datamarket import slices
from datamarket.auth.terms import Actor, Role
from datamarket.foundation.db import Database, PageAsked
from datamarket.foundation.errors import NotFound
from datamarket.foundation.ids import new_id
from datamarket.subsidy.lines.queries import LineSort, LinesWanted
from tests.catalogue.steps import product_body
from tests.conftest import ClientFor
from tests.world import catalogue, trading, zones
from tests.world.market import every_book_written
from tests.world.people import AUDITOR, REVIEWER, actor, moment
from tests.world.trading import LEDGER_ID

Listing = Callable[..., Awaitable[Any]]
GIVEN: dict[str, Any] = {
    "ledger_id": LEDGER_ID,
    "page": PageAsked(100),
    "mine": False,
    "flagged": False,
    "number": 1,
    "wanted": LinesWanted(),
    "sort": LineSort.AMOUNT,
}
TRADING = (Role.BUYER, Role.PROVIDER, Role.OPERATOR)
OF_ITSELF = {"session", "visible_to", *GIVEN}


def lists() -> Iterator[tuple[str, Listing]]:
    """Each query of a room that pages through rows by who asks, and needs no other row to begin with."""
    for module in slices.files("queries"):
        for name, listing in inspect.getmembers(module, inspect.isfunction):
            known = inspect.signature(listing).parameters
            needed = {key for key, asked in known.items() if "None" not in str(asked.annotation)}
            pages = {"visible_to", "page"} <= set(known) and needed <= OF_ITSELF
            if listing.__module__ == module.__name__ and pages:
                yield f"{module.__name__}.{name}", listing


LISTS = dict(lists())


def reads_of_one() -> Iterator[tuple[str, tuple[Listing, str, Any]]]:
    """Every other query by who asks, with the one thing that it begins with: an id, or a row."""
    for module in slices.files("queries"):
        for name, read in inspect.getmembers(module, inspect.isfunction):
            known = inspect.signature(read).parameters
            if not {"session", "visible_to"} <= set(known) or name.startswith("_"):
                continue  # what asks the driver itself has its own tests: tests/notices
            if read.__module__ != module.__name__:
                continue
            if f"{module.__name__}.{name}" not in LISTS:
                needed = {key: asked.annotation for key, asked in known.items() if key not in OF_ITSELF}
                [(key, kind)] = [(key, kind) for key, kind in needed.items() if "None" not in str(kind)]
                yield f"{module.__name__}.{name}", (read, key, kind)


def test_the_lists_are_found() -> None:
    assert len(LISTS) >= 10


@pytest.fixture(scope="module")
async def written(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Database:
    await every_book_written(module_database, tmp_path_factory.mktemp("key"))
    return module_database


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("role", TRADING)
async def test_who_has_no_organisation_sees_what_a_stranger_sees(
    written: Database, name: str, role: Role
) -> None:
    known = inspect.signature(LISTS[name]).parameters
    given = {key: GIVEN.get(key) for key in known if key not in {"session", "visible_to"}}

    async def seen(caller: Any) -> list[str]:
        async with written.transaction() as session:
            rows = await LISTS[name](session, visible_to=caller, **given)
        return [str(row) for row in rows]

    nobody, stranger = await seen(actor(role)), await seen(actor(role, organisation=new_id(moment())))
    assert nobody == stranger
    if "ledger" in name or "payouts" in name:
        assert nobody == []
        assert await seen(AUDITOR) != []


READS = dict(reads_of_one())


@pytest.fixture(scope="module")
async def ids(written: Database) -> list[UUID]:
    """Some of every table that has them."""
    found: list[UUID] = []
    async with written.connection() as connection:
        for table in SQLModel.metadata.sorted_tables:
            if isinstance(getattr(table.columns.get("id"), "type", None), Uuid):
                rows = await connection.fetch(f"SELECT id FROM {table.name} LIMIT 3")  # noqa: S608 - a table of ours
                found += [UUID(str(row["id"])) for row in rows]
    return found


@pytest.mark.parametrize("name", READS)
async def test_one_thing_is_shown_to_who_has_no_organisation_as_to_a_stranger(
    written: Database, ids: list[UUID], name: str
) -> None:
    read, key, kind = READS[name]
    given = {
        known: GIVEN.get(known)
        for known in inspect.signature(read).parameters
        if known not in {"session", "visible_to"}
    }
    candidates: Sequence[Any] = ids
    if kind == Collection[UUID]:
        candidates = [[one] for one in ids]
    elif kind is not UUID:
        async with written.transaction() as session:
            candidates = (await session.exec(select(kind).limit(5))).all()

    async def outcome(caller: Actor, thing: Any) -> str:
        async with written.transaction() as session:
            try:
                return str(await read(session, **given | {key: thing}, visible_to=caller))
            except NotFound as error:
                return error.code

    there = [thing for thing in candidates if await outcome(AUDITOR, thing) not in {"not-found", "[]"}]
    for thing in there:
        nobody, stranger = actor(*TRADING), actor(*TRADING, organisation=new_id(moment()))
        assert await outcome(nobody, thing) == await outcome(stranger, thing)
    assert there or any(
        room in name for room in ("subsidy", "notices", "disputes", "dataspace", "measurements")
    )  # none is written


def test_every_read_is_walked() -> None:
    assert len(READS) + len(LISTS) >= 35


async def test_an_entry_shows_each_reader_the_legs_of_their_own_accounts(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        operated = await zones.open_zone(session)
        listed = await catalogue.published_zone_listing(session, operated=operated, plan=catalogue.PER_CALL)
    deal = await trading.active_contract(database, listed=listed)
    trade = await trading.trade(database, deal)
    buyer, seller, operator = map(client_for, (deal.buyer_account, deal.provider_account, operated.account))
    assert (await operator.get(f"/trades/{trade.id}")).status_code == 404
    path = f"/ledger/entries/{(await buyer.get(f'/trades/{trade.id}/certificate')).json()['entry_id']}"
    for reader, owner, kind in (
        (buyer, deal.buyer, "buyer_funds"),
        (seller, deal.provider, "provider_income"),
        (operator, operated.operator, "operator_income"),
    ):
        entry = (await reader.get(path)).json()
        assert [(leg["owner_id"], leg["kind"]) for leg in entry["legs"]] == [(str(owner.id), kind)]
        assert entry["actor_id"] is None
    whole = (await client_for(AUDITOR).get(path)).json()
    assert len(whole["legs"]) > 3
    assert whole["actor_id"] == str(deal.buyer_account.account_id)
    stranger = client_for(actor(Role.PROVIDER, organisation=new_id(moment())))
    assert (await stranger.get(path)).status_code == 404


async def test_a_reviewer_sees_what_was_submitted(database: Database, client_for: ClientFor) -> None:
    async with database.transaction() as session:
        draft = await catalogue.draft_product(session)
        made = await catalogue.approved_product(session)
    reviewer, maker = client_for(REVIEWER), client_for(made.account)
    path, drafted = f"/products/{made.product.id}", f"/products/{draft.product.id}"
    identity = ("code", "name_zh", "name_en", "category", "level")
    body = {name: value for name, value in product_body("x").items() if name not in identity}
    assert (await maker.post(f"{path}/versions", json=body)).status_code == 201

    async def numbers(client: Any) -> tuple[int, list[int]]:
        versions = (await client.get(f"{path}/versions")).json()["items"]
        return (await client.get(path)).json()["content"]["number"], [item["number"] for item in versions]

    assert (await reviewer.get(drafted)).status_code == 404
    assert (await reviewer.get(f"{drafted}/allowed-events")).status_code == 404
    listed = (await reviewer.get("/products", params={"state": "draft"})).json()["items"]
    assert listed == []
    assert await numbers(reviewer) == (1, [1])
    unseen = await reviewer.post(f"{path}/events", json={"event": "approve", "version": 2})
    assert (unseen.status_code, unseen.json()["code"]) == (404, "not-found")
    assert await numbers(maker) == await numbers(client_for(AUDITOR)) == (2, [2, 1])
    assert (await maker.post(f"{path}/events", json={"event": "submit"})).status_code == 200
    assert await numbers(reviewer) == (2, [2, 1])
    assert (await reviewer.post(f"{path}/events", json={"event": "return", "reason": "…"})).status_code == 200
    assert await numbers(reviewer) == (2, [2, 1])
    assert await numbers(client_for(actor(Role.BUYER))) == (1, [1])


async def test_nothing_is_asked_upon_a_listing_that_was_never_published(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        listed = await catalogue.list_made(session, await catalogue.approved_product(session))
    deal = await trading.active_contract(database)
    wish = {
        "listing_id": str(listed.listing.id),
        "purposes": ["industrial_development"],
        "use_class": "industry",
        "term_from": "2024-07-01T00:00:00+08:00",
        "term_to": "2025-07-01T00:00:00+08:00",
    }
    answer = await client_for(deal.buyer_account).post("/contracts", json=wish)
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


async def test_a_resource_that_is_not_public_keeps_its_code_and_state(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        operated = await zones.open_zone(session)
        resource = await zones.draft_resource(session, operated)
        made = await catalogue.draft_zone_product(session, operated=operated, resources=(resource,))
    maker = client_for(made.account)
    assert (await maker.get(f"/resources/{resource.id}")).status_code == 404
    answer = await maker.post(f"/products/{made.product.id}/events", json={"event": "submit"})
    assert (answer.status_code, answer.json()["code"]) == (409, "product.resource-not-registered")
    assert resource.code not in answer.text
    assert resource.state not in answer.text
