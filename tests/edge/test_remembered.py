"""What everyone is answered alike is read once, and again after every write; who may not see it never does."""

import asyncio
import time
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from datamarket.auth.terms import Role
from datamarket.catalogue.search import queries
from datamarket.edge import remembered
from datamarket.edge.remembered import Heard, RememberingMiddleware
from datamarket.foundation.db import Database
from datamarket.foundation.http import ForAMoment, ForEveryone
from datamarket.foundation.settings import Settings
from datamarket.server.app import create_app
from tests.catalogue.steps import move
from tests.conftest import ClientFor, client_of
from tests.world import catalogue
from tests.world.catalogue import Listed
from tests.world.participants import suspend
from tests.world.people import AUTHORITY, NOON, actor

CHANGING = {"x-request-id", "ratelimit", "date"}


@pytest.fixture
async def listed(database: Database) -> Listed:
    async with database.transaction() as session:
        return await catalogue.published_listing(session)


@pytest.fixture
def for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine, no answer is forgotten for its age."""
    monkeypatch.setattr(remembered, "FRESH_MILLISECONDS", 600_000)


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch, for_long: None) -> list[str]:
    """What the catalogue is asked, each time that it is."""
    asked: list[str] = []

    def counted(read: Any) -> Any:
        def reading(*given: Any, **named: Any) -> Any:
            asked.append(read.__name__)
            return read(*given, **named)

        return reading

    for read in (queries.find_listing, queries.search_listings):
        monkeypatch.setattr(queries, read.__name__, counted(read))
    return asked


def page_of(listed: Listed) -> str:
    return f"/listings?venue={listed.venue.id}&limit=1"


def path_of(listed: Listed) -> str:
    return f"/listings/{listed.listing.id}"


async def found(reader: httpx.AsyncClient, listed: Listed) -> tuple[int, list[str]]:
    """What is said of the listing, and what its venue shows."""
    page = (await reader.get(page_of(listed))).json()["items"]
    return (await reader.get(path_of(listed))).status_code, [item["id"] for item in page]


async def test_what_everyone_is_answered_alike_is_read_once(
    client_for: ClientFor, listed: Listed, readings: list[str]
) -> None:
    visitor, buyer = client_for(None), client_for(actor(Role.BUYER))
    for path in (path_of(listed), page_of(listed)):
        first = await visitor.get(path)
        readings.clear()
        again, head, signed_in = await visitor.get(path), await visitor.head(path), await buyer.get(path)
        assert readings == []
        assert again.content == signed_in.content == first.content
        for answer in (again, head):
            assert {*answer.headers.items()} ^ {*first.headers.items()} <= {
                item for item in (*answer.headers.items(), *first.headers.items()) if item[0] in CHANGING
            }
        assert signed_in.headers["Cache-Control"] == ("no-store" if "?" in path else "private, no-cache")
        assert int(again.headers["RateLimit"].split("r=")[1].split(";")[0]) < 100_000


async def test_what_is_remembered_is_counted_limited_and_not_sent_to_who_has_it(
    settings: Settings, database: Database, listed: Listed, readings: list[str]
) -> None:
    limited = create_app(settings.model_copy(update={"rate_limit": "4/minute"}), database)
    async with client_of(limited, None, NOON) as visitor:
        before = (await visitor.get("http://market/metrics")).text
        tag = (await visitor.get(path_of(listed))).headers["ETag"]
        known = await visitor.get(path_of(listed), headers={"If-None-Match": f'W/"x", W/{tag}'})
        assert (known.status_code, known.content, known.headers["ETag"]) == (304, b"", tag)
        other = await visitor.get(path_of(listed), headers={"If-None-Match": '"x"'})
        assert (other.status_code, readings) == (200, ["find_listing"])
        assert (await visitor.get(path_of(listed))).status_code == 429
    async with client_of(create_app(settings, database), None, NOON) as reader:
        after = (await reader.get("http://market/metrics")).text
    for status, more in (("200", 2), ("304", 1), ("429", 0)):
        series = f'total{{method="GET",route="/listings/{{listing_id}}",status="{status}"}} '
        counted = [float(t.partition(series)[2].split("\n")[0] or 0) for t in (before, after)]
        assert counted[1] - counted[0] == more, status


@pytest.mark.parametrize("header", ["Bearer made.up.token", "Basic YTpi", "Bearer"])
async def test_what_a_guard_refuses_is_refused_when_the_answer_is_remembered(
    client_for: ClientFor, listed: Listed, header: str
) -> None:
    visitor = client_for(None)
    assert (await visitor.get(path_of(listed))).status_code == 200
    refused = await visitor.get(path_of(listed), headers={"Authorization": header})
    assert refused.status_code == 401
    assert refused.json()["code"] in {"auth.token-invalid", "auth.sign-in-needed"}
    assert (await visitor.get(path_of(listed))).status_code == 200


@pytest.mark.usefixtures("for_long")
async def test_each_event_of_a_listing_is_seen_by_the_next_reader(
    client_for: ClientFor, database: Database
) -> None:
    async with database.transaction() as session:
        made = await catalogue.approved_product(session)
        venue = await catalogue.venue(session)
    visitor, seller, authority = client_for(None), client_for(made.account), client_for(AUTHORITY)
    plan = {"model": "per_call", "price_fen": 100}
    asked = {"product_id": str(made.product.id), "venue_id": str(venue.id), "plan": plan}
    answer = await seller.post("/listings", json=asked)
    assert answer.status_code == 201, answer.text
    listing = answer.json()["id"]
    seen = []
    for mover, event in (
        (seller, "submit"),
        (authority, "publish"),
        (seller, "suspend"),
        (seller, "resume"),
        (authority, "suspend"),
        (authority, "resume"),
        (seller, "delist"),
    ):
        assert len({(await visitor.get(f"/listings/{listing}")).status_code for _ in range(2)}) == 1
        await visitor.get(f"/listings?venue={venue.id}")
        await move(mover, f"/listings/{listing}", event)
        page = (await visitor.get(f"/listings?venue={venue.id}")).json()["items"]
        seen.append(((await visitor.get(f"/listings/{listing}")).status_code, len(page)))
    shown, hidden = (200, 1), (404, 0)
    assert seen == [hidden, shown, hidden, shown, hidden, shown, hidden]


@pytest.mark.usefixtures("for_long")
async def test_what_is_hidden_is_shown_to_its_own_only_while_the_answer_is_warm(
    client_for: ClientFor, database: Database, listed: Listed
) -> None:
    visitor, seller, stranger = client_for(None), client_for(listed.account), client_for(actor(Role.PROVIDER))
    for _ in range(2):
        for reader in (visitor, seller, stranger):
            assert await found(reader, listed) == (200, [str(listed.listing.id)])
    async with database.transaction() as session:
        await suspend(session, listed.maker.id)
    for _ in range(2):
        for reader, status in ((seller, 200), (visitor, 404), (stranger, 404), (client_for(AUTHORITY), 200)):
            assert await found(reader, listed) == (status, [])


async def test_a_write_of_another_process_is_seen_within_a_second(
    client_for: ClientFor, settings: Settings, database: Database, listed: Listed
) -> None:
    elsewhere = await Database(database.url, 2).open()
    visitor = client_of(create_app(settings, elsewhere), None, NOON)
    asking = asyncio.create_task(_asked_on(visitor, path_of(listed)))
    assert await found(visitor, listed) == (200, [str(listed.listing.id)])
    await move(client_for(listed.account), path_of(listed), "suspend")
    await asyncio.sleep(1)
    assert await found(visitor, listed) == (404, [])
    asking.cancel()
    await asyncio.wait([asking])
    await visitor.aclose()
    await elsewhere.close()


async def _asked_on(reader: httpx.AsyncClient, path: str) -> None:
    """Being asked for keeps nothing fresh."""
    while True:
        await reader.get(path)
        await asyncio.sleep(0.02)


class Stub:
    """Answers what it is told to, and counts how often it is asked."""

    def __init__(
        self, body: bytes = b"{}", writer: Any = None, kind: type[ForEveryone] = ForEveryone
    ) -> None:
        self.body, self.writer, self.kind, self.asked = body, writer, kind, 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += 1
        answer = self.kind(self.body)
        scope["for_everyone"], scope["route"] = answer, None
        if self.writer:
            await self.writer()
        await answer(scope, receive, send)


async def ask(layer: RememberingMiddleware, path: str, query: bytes = b"") -> bytes:
    sent = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "query_string": query, "headers": []}
    await layer(scope, None, send)  # type: ignore[arg-type] # it receives nothing
    return bytes(sent[1]["body"])


@pytest.mark.usefixtures("for_long")
async def test_what_was_read_before_a_write_ended_is_not_given_after_it(database: Database) -> None:
    async def write() -> None:
        async with database.within(3).transaction() as session:
            await session.exec(text("SELECT 1"))  # type: ignore[call-overload]

    stub = Stub(writer=write)
    layer = RememberingMiddleware(stub, database, Heard())
    for _ in range(2):
        await ask(layer, "/listings")
    assert stub.asked == 2
    stub.writer = None
    for _ in range(3):
        await ask(layer, "/listings")
    assert stub.asked == 3
    async with database.transaction(reading=True):
        pass
    await ask(layer, "/listings")
    assert stub.asked == 3


async def write(database: Database) -> None:
    async with database.transaction():
        pass


@pytest.mark.usefixtures("for_long")
async def test_what_was_told_to_have_changed_is_read_again(database: Database) -> None:
    stub, heard = Stub(), Heard()
    layer = RememberingMiddleware(stub, database, heard)
    await ask(layer, "/listings")
    heard.changes += 1
    for _ in range(2):
        await ask(layer, "/listings")
    assert stub.asked == 2


@pytest.mark.usefixtures("for_long")
async def test_a_write_that_changed_nothing_shown_ends_nothing_once_that_is_heard(database: Database) -> None:
    stub, heard = Stub(), Heard()
    layer = RememberingMiddleware(stub, database, heard)
    await ask(layer, "/listings")
    await write(database)
    heard.writes = database.writes
    await ask(layer, "/listings")
    assert stub.asked == 1
    await write(database)
    await ask(layer, "/listings")
    assert stub.asked == 2, "what this write changed may not have been heard yet"


@pytest.mark.usefixtures("for_long")
async def test_figures_are_given_again_only_until_this_process_has_written(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub, heard = Stub(kind=ForAMoment), Heard()
    layer = RememberingMiddleware(stub, database, heard)
    for _ in range(2):
        await ask(layer, "/statistics/overview")
    assert stub.asked == 1
    await write(database)
    heard.writes, heard.at = database.writes, time.monotonic_ns() + 10**15
    await ask(layer, "/statistics/overview")
    assert stub.asked == 2, "nobody is told of a trade"
    monkeypatch.setattr(remembered, "FRESH_MILLISECONDS", 0)
    await ask(layer, "/statistics/overview")
    assert stub.asked == 3


async def test_an_answer_is_given_for_as_long_as_nothing_is_missed_and_not_for_ever(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub, heard = Stub(), Heard()
    layer = RememberingMiddleware(stub, database, heard)
    monkeypatch.setattr(remembered, "FRESH_MILLISECONDS", 0)
    await ask(layer, "/listings")
    heard.at = time.monotonic_ns() + 10**15
    await ask(layer, "/listings")
    assert stub.asked == 1
    monkeypatch.setattr(remembered, "LONGEST_SECONDS", 0)
    await ask(layer, "/listings")
    assert stub.asked == 2


@pytest.mark.usefixtures("for_long")
async def test_memory_is_bounded_in_answers_and_in_octets(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "MOST_ANSWERS", 5)
    monkeypatch.setattr(remembered, "MOST_OCTETS", 1000)
    stub = Stub(b"x" * 100)
    layer = RememberingMiddleware(stub, database, Heard())
    for number in range(20):
        await ask(layer, f"/{number}")
    assert len(layer._answers) == 5
    await ask(layer, "/long", b"q" * 700)
    assert len(layer._answers) == 2
    stub.body = b"x" * 2000
    await ask(layer, "/larger than all")
    assert (len(layer._answers), layer._octets) == (0, 0)
    stub.body = b""
    await ask(layer, "/a")
    await ask(layer, "/a")
    assert (stub.asked, layer._octets) == (23, 2)


async def test_what_will_not_be_given_again_is_not_kept(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What many search for once is gone with its minute, and with the next change of what is shown."""
    heard = Heard()
    layer = RememberingMiddleware(Stub(), database, heard)
    for number in range(20):
        await ask(layer, f"/{number}")
    heard.changes += 1
    await ask(layer, "/after a change")
    assert len(layer._answers) == 1
    monkeypatch.setattr(remembered, "LONGEST_SECONDS", -1)
    await ask(layer, "/after its minute")
    assert len(layer._answers) == 0
