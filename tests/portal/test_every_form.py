"""Every write of the API has a form, with a field for all that it takes; what is refused is said beside its field."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping

import pytest
import pytest_asyncio
from fastapi import FastAPI

from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.portal.desk.reading import WRITES
from datamarket.portal.operations import ApiDocument, Operation, Schema, document_of
from datamarket.server.app import create_app
from tests.world.browser import Browser, PageRead, Values
from tests.world.market import market_in_use, send_to_another_city
from tests.world.subsidy import AFTER_PUBLICITY

NO_FORM = {"POST /auth/token", "POST /auth/refresh", "POST /auth/revoke"}
"""What the page to sign in asks for."""
UNTIL_THE_END = {"POST /contracts/{contract_id}/disposal"}
"""Of a contract that has ended; of others there is no such thing."""
OURS = {"form_token", "key", "tag", "next"}
TYPED = "¿¡"
_CHINESE = re.compile(r"[\u3400-\u9fff]")


class Offices:
    """A market with one of everything, and three browsers whose callers have every role: of city, provider, buyer."""

    def __init__(self, app: FastAPI, things: Mapping[str, str], browsers: list[Browser]) -> None:
        self.document, self.things, self.browsers = document_of(app), dict(things), browsers

    def path(self, asked: Operation) -> str:
        about = {"trade_id": self.things["disputed_id"]} if "{dispute_id}" in asked.template else {}
        return asked.template.format_map(self.things | about)

    def address(self, write: Operation) -> str:
        return f"/form{self.path(write)}?method={write.method.lower()}"

    async def opened(self, address: str) -> tuple[Browser, Values]:
        """The form as it is shown to the first who may see what it is about."""
        for browser in self.browsers:
            answer = await browser.client.get(address)
            if answer.status_code == 200:
                return browser, PageRead(answer.text).form(address)
        pytest.fail(f"{address}: {answer.status_code}")


@pytest_asyncio.fixture(scope="module")
async def offices(module_database: Database, settings: Settings) -> AsyncIterator[Offices]:
    market = await market_in_use(module_database)
    things = dict(market.things, number="1", year="2024")
    assert market.buyer.participant_id
    things["city_transfer_id"] = str(await send_to_another_city(module_database, market.buyer.participant_id))
    async with module_database.connection() as connection:
        for name, asked in {
            "operator_id": "SELECT operator_id FROM zone WHERE id = $1",
            "mandate_id": "SELECT id FROM mandate WHERE zone_id = $1",
            "affiliation_id": "SELECT id FROM affiliation WHERE $1::text <> ''",
            "transfer_id": "SELECT id FROM transfer_process WHERE $1::text <> ''",
            "disputed_id": "SELECT trade_id FROM trade_dispute WHERE $1::text <> ''",
        }.items():
            things[name] = str(await connection.fetchval(asked, things["zone_id"]))
    things["bank_line_id"] = things["entry_id"]
    things["row_id"] = things["trade_id"]
    app = create_app(settings, module_database, read_clock=lambda: AFTER_PUBLICITY)
    callers = (market.city, market.provider, market.buyer)
    yield Offices(app, things, [await Browser(app).become(who) for who in callers])


def writes_of(document: ApiDocument) -> Iterator[Operation]:
    """What ends a thing comes last."""
    found = [known for known in document.operations if known.method in WRITES and known.id not in NO_FORM]
    yield from sorted(found, key=lambda known: known.method == "DELETE")


def leaves(document: ApiDocument, schema: Schema, prefix: str = "") -> Iterator[str]:
    """The names under which a form asks for what a body takes; of a table its first row."""
    for name, given in document.resolved(schema).get("properties", {}).items():
        inner = document.resolved(given)
        item = document.resolved(inner.get("items", {})) if inner.get("type") == "array" else {}
        if "properties" in item:
            yield from leaves(document, item, f"{prefix}{name}.0.")
        elif "properties" in inner:
            yield from leaves(document, inner, f"{prefix}{name}.")
        else:
            yield prefix + name


async def test_every_write_has_a_form_with_a_field_for_each_property_and_keeps_what_was_typed(
    offices: Offices,
) -> None:
    """Nothing typed: each field that is required says so. Nonsense typed: it stands there again. Never a fault of ours."""
    document, opened = offices.document, 0
    for write in writes_of(document):
        if write.id in UNTIL_THE_END:
            continue
        address = offices.address(write)
        browser, fields = await offices.opened(address)
        assert set(leaves(document, write.body or {})) <= {name.removesuffix(".file") for name in fields}, (
            write.id
        )
        kept = {name: fields[name] for name in OURS}
        refused = await browser.client.post(address, data=dict.fromkeys(fields, "") | kept)
        assert refused.status_code < 500, write.id
        if refused.status_code == 422:
            assert 'class="fault"' in refused.text, write.id
        told = await browser.client.post(address, data=dict.fromkeys(fields, TYPED) | kept | {"key": ""})
        assert told.status_code < 500, write.id
        if told.status_code == 422:
            shown = PageRead(told.text)
            again = shown.form(address)
            chosen = shown.chosen | {name for name in fields if name.endswith(".file")} | OURS
            assert {name for name in fields.keys() - chosen if again[name] != TYPED} == set(), write.id
        opened += 1
    assert opened > 80


async def test_everything_that_can_be_read_has_a_page_which_speaks_one_language(offices: Offices) -> None:
    """Lists, things and the questions before them; in English nothing that the page says by itself is Chinese."""
    shown = 0
    for read in offices.document.operations:
        if read.method != "GET" or read.answer is None:
            continue
        address = f"/desk{offices.path(read)}"
        for browser in offices.browsers:
            answer = await browser.client.get(address)
            assert answer.status_code in {200, 403, 404, 409, 422}, address
            assert not _CHINESE.search(" ".join(PageRead(answer.text).ours)), address
            if answer.status_code == 200:
                shown += 1
                break
    assert shown > 90


async def test_a_form_says_what_each_required_field_lacks_in_its_language(offices: Offices) -> None:
    browser, fields = await offices.opened("/form/zones")
    browser.client.headers["Accept-Language"] = "zh"
    answer = await browser.client.post("/form/zones", data=fields | {"code": "x" * 50, "name_en": "Harbour"})
    browser.client.headers["Accept-Language"] = "en"
    required = offices.document.find("/zones", "POST")
    assert required
    assert required.body
    for name in set(offices.document.resolved(required.body)["required"]) - {"name_en"}:
        assert f'id="f-{name}-said"' in answer.text, name
    assert PageRead(answer.text).form("/form/zones")["name_en"] == "Harbour"
    assert "必填" in answer.text


async def test_a_double_click_is_one_write_and_leads_to_what_was_made(offices: Offices) -> None:
    browser, shown = await offices.opened("/form/zones")
    values = {"code": "Z-DOUBLE", "name_zh": "双击专区", "name_en": "Double", "field": "harbour"}
    values["operator_id"] = offices.things["operator_id"]
    filled = shown | values
    first, second = await asyncio.gather(*(browser.client.post("/form/zones", data=filled) for _ in "12"))
    answers = sorted((first, second), key=lambda answer: answer.status_code)
    assert answers[0].status_code == 303, answers[0].text[-2000:]
    again = await browser.client.post("/form/zones", data=filled)
    assert again.headers["location"] == answers[0].headers["location"]
    page = await browser.open(again.headers["location"])
    assert "Double" in page.said
    listed = await browser.open("/desk/zones")
    assert listed.said.count("Z-DOUBLE") == 1


async def test_what_has_no_page_of_its_own_shows_its_answer_and_the_way_back(offices: Offices) -> None:
    browser, shown = await offices.opened("/form/bank/matching?method=post")
    done = await browser.client.post("/form/bank/matching?method=post", data=shown)
    assert done.status_code == 200
    assert "Match again" in done.text
    for link in PageRead(done.text).links:
        assert not link.startswith("/desk/bank/matching")


async def test_an_upload_becomes_a_paper_and_a_body_too_large_is_refused(offices: Offices) -> None:
    browser, shown = await offices.opened("/form/subsidy/papers")
    file = {"content.file": ('证明"\r\nSet-Cookie: x=1.pdf', b"%PDF-1.7 a paper", "application/pdf")}
    made = await browser.client.post("/form/subsidy/papers", data=shown | {"name": "授权证明"}, files=file)
    assert made.status_code == 303, PageRead(made.text).said
    handed = await browser.client.get(f"/file{made.headers['location'].removeprefix('/desk')}/file")
    assert (handed.status_code, handed.content) == (200, b"%PDF-1.7 a paper")
    assert "sandbox" in handed.headers["content-security-policy"]
    assert "set-cookie" not in handed.headers
    large = {"content.file": ("large.pdf", b"0" * (9 * 2**20), "application/pdf")}
    assert (await browser.client.post("/form/subsidy/papers", data=shown, files=large)).status_code == 413


async def test_what_an_address_says_stands_in_the_form_as_it_is(offices: Offices) -> None:
    """Nobody checks an address: what is no instant, group or list in it is no fault of the page."""
    said = "/form/contracts?annex=x&purposes=none&quota=many&term_to=2026-07-01T00:00:00%2B08:00&term_from="
    _, typed = await offices.opened(f"{said}soon")
    assert (typed["term_from"], typed["quota"], typed["term_to"]) == ("soon", "many", "2026-07-01T00:00")
    _, typed = await offices.opened(f"{said}2026-06-01T09:00")
    assert typed["term_from"] == "2026-06-01T09:00"
