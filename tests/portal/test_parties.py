"""Pages of buyers and providers: a contract from its request to the payout of its fen, as each side sees it."""

import re
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from datamarket.auth.terms import Actor
from datamarket.foundation.db import Database
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen
from datamarket.notices.inbox import queries as inbox
from datamarket.notices.inbox.terms import PATHS, Matter, MatterKind
from datamarket.portal.operations import document_of
from datamarket.portal.pages import home_of
from datamarket.portal.participants.contracts import COURSE, USE_RULES, course_of, steps
from datamarket.portal.sessions import ACCESS, LANGUAGE
from datamarket.portal.words.tongues import events
from datamarket.trading import queries as trades
from datamarket.trading.disputes.actions import open_dispute
from tests.conftest import ClientFor
from tests.world import orders, trading
from tests.world.people import ADMIN, AUDITOR, NOON, enrol

SUBJECT = re.compile(r"SELECT '([a-z_]+)'")


def browser(app: FastAPI, actor: Actor, language: str = "en") -> httpx.AsyncClient:
    """A browser in which somebody has signed in."""
    cookies = {ACCESS: app.state.tokens.sign(actor, now=NOON), LANGUAGE: language}
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://market", cookies=cookies, follow_redirects=False
    )


async def read(pages: httpx.AsyncClient, path: str) -> str:
    """A page that is there."""
    answer = await pages.get(path)
    assert answer.status_code == 200, (path, answer.text[-1500:])
    return answer.text


def said(text: str) -> str:
    """What stands on a page, without its marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


async def test_what_waits_leads_to_the_contract_on_which_one_acts(app: FastAPI, database: Database) -> None:
    asked = await trading.requested_contract(database, quota=1000)
    async with browser(app, asked.provider_account) as provider:
        desk = await read(provider, "/desk")
        assert f'href="/my/contracts/{asked.contract.id}"' in desk
        page = await read(provider, f"/my/contracts/{asked.contract.id}")
    assert "Waits for you until" in said(page)
    assert f"/form/contracts/{asked.contract.id}/events?event=agree" in page
    assert 'aria-current="step">requested<' in page


async def test_a_form_that_does_one_thing_is_called_by_it(app: FastAPI, database: Database) -> None:
    asked = await trading.requested_contract(database, quota=1000)
    form = f"/form/contracts/{asked.contract.id}/events"
    async with browser(app, asked.provider_account, "zh") as provider:
        chosen, any_of_them = await read(provider, f"{form}?event=agree"), await read(provider, form)
    assert "<h1>同意条款</h1>" in chosen
    assert '<input type="hidden" name="event" value="agree">' in chosen
    assert '<select id="f-event"' in any_of_them


@pytest.mark.parametrize(
    ("who", "ways"), [(ADMIN, {"/desk/accounts"}), (AUDITOR, {"/my/contracts", "/policy", "/oversight"})]
)
async def test_an_empty_desk_says_where_one_may_go_on(app: FastAPI, who: Actor, ways: set[str]) -> None:
    async with browser(app, who) as pages:
        empty = (await read(pages, "/desk")).partition('<div class="empty">')[2].partition("</main>")[0]
    assert ways <= set(re.findall(r'href="([^"]+)"', empty))


async def test_a_use_is_tried_and_the_rule_that_decides_is_named(app: FastAPI, database: Database) -> None:
    deal = await trading.active_contract(database, quota=10)
    await enrol(database, deal.buyer_account)
    at = f"/my/contracts/{deal.contract.id}/try"
    async with browser(app, deal.buyer_account) as buyer:
        denied = await read(buyer, f"{at}?purpose=research&quantity=1")
        exhausted = await read(buyer, f"{at}?purpose={deal.purpose}&quantity=11")
        permitted = await read(buyer, f"{at}?purpose={deal.purpose}&quantity=3")
        nonsense = await read(buyer, f"{at}?purpose={deal.purpose}&quantity=many")
        contract = await read(buyer, f"/my/contracts/{deal.contract.id}")
    assert "the purpose denies, and decides the form not asked" in said(denied)
    assert "the quota denies, and decides" in said(exhausted)
    assert "Every rule permits it." in permitted
    assert "/form/trades?" in permitted
    assert "quantity=3" in permitted
    assert f"contract_id={deal.contract.id}" in permitted
    assert "/form/trades" not in nonsense
    assert "0 Units used" in said(contract)


async def test_a_trade_is_followed_from_its_use_to_its_legs_by_whom_they_concern(
    app: FastAPI, database: Database
) -> None:
    deal = await trading.active_contract(database, quota=100)
    sold = await trading.trade(database, deal, 7)
    await trading.refund(database, deal, sold.id, Fen(100))
    async with browser(app, deal.buyer_account) as buyer, browser(app, AUDITOR, "zh") as auditor:
        mine = said(await read(buyer, f"/my/trades/{sold.id}"))
        whole = said(await read(auditor, f"/oversight/trades/{sold.id}"))
        contract = await read(buyer, f"/my/contracts/{deal.contract.id}")
        listed = await read(buyer, f"/my/trades?contract={deal.contract.id}&since=2024-01-01")
        assert (await buyer.get(f"/oversight/trades/{new_id(NOON)}")).status_code == 404
    assert "Only the legs that are yours to see are shown." in mine
    assert "质量不符合约定" in mine
    assert f"合计 {sold.amount_fen / 100:,.2f} {sold.amount_fen / 100:,.2f}" in whole
    assert "7 Units used" in said(contract)
    assert 'value="7"' in contract
    assert f"/my/trades/{sold.id}" in listed


async def test_a_statement_and_balances_add_up_as_the_api_says(app: FastAPI, database: Database) -> None:
    deal = await trading.active_contract(database, funds=Fen(500_000))
    sold = await trading.trade(database, deal, 2)
    async with browser(app, deal.buyer_account) as buyer, browser(app, AUDITOR) as auditor:
        month = await read(buyer, "/my/statement?period=2024-06")
        money = said(await read(buyer, "/my/money"))
        theirs = await read(auditor, f"/my/statement?period=202406&participant={deal.buyer.id}")
        assert (await auditor.get("/my/money")).status_code == 404
        file = await buyer.get(f"/file/statements/{deal.buyer.id}/202406?format=csv")
    left = f"{(500_000 - sold.amount_fen) / 100:,.2f}"
    assert left in said(month)
    assert left in said(theirs)
    assert left in money
    assert f"/my/trades/{sold.id}" in month
    assert "What for Quantity Unit price (CNY) In (CNY) Out (CNY)" in said(month)
    for row, way in (("Deposit", "in"), ("Settlement", "out")):
        [line] = [one for one in month.split("<tr>") if f"{row}<" in one]
        cells = [said(cell) for cell in re.findall(r'<td class="n">.*?</td>', line)]
        assert [bool(cells[-2]), bool(cells[-1])] == [way == "in", way == "out"]
    assert file.headers["content-type"].startswith("text/csv")


async def test_an_order_shows_its_course_and_who_acts_next(app: FastAPI, database: Database) -> None:
    deal = await trading.active_contract(database)
    placed = await orders.placed(database, deal, deliver_by=NOON + timedelta(days=9))
    async with browser(app, deal.provider_account) as provider:
        page = await read(provider, f"/my/orders/{placed.id}")
        listed = await read(provider, "/my/orders?state=placed")
        assert (await provider.get("/my/orders?state=none")).status_code == 422
    assert "Waits for the provider to deliver until" in page
    assert f"/form/orders/{placed.id}/events?event=deliver" in page
    assert f"/my/orders/{placed.id}" in listed


async def test_a_request_for_a_contract_is_filled_in_without_an_id_or_a_rare_clause(
    app: FastAPI, database: Database
) -> None:
    deal = await trading.active_contract(database)
    async with browser(app, deal.buyer_account) as buyer:
        form = await read(buyer, f"/form/contracts?listing_id={deal.listed.listing.id}")
    assert str(deal.listed.listing.id) in form
    assert '<details class="more">' in form
    assert form.index('name="quota"') < form.index('<details class="more">') < form.index('name="annex.')


async def test_uses_by_month_are_told_to_both_sides_and_to_nobody_else(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.active_contract(database, quota=50)
    stranger = await trading.requested_contract(database)
    for quantity, days in ((3, 0), (4, 1), (5, 40)):
        await trading.used(database, deal, quantity, at=NOON + timedelta(days=days))
    at = f"/contracts/{deal.contract.id}/uses/by-month"
    told = (await client_for(deal.provider_account).get(at)).json()
    assert [(one["period"], one["uses"], one["quantity"]) for one in told["months"]] == [
        (202406, 2, 7),
        (202407, 1, 5),
    ]
    assert (told["used"], told["reserved"], told["quota"], told["counted_uses"]) == (12, 0, 50, 3)
    never = await client_for(stranger.buyer_account).get(f"/contracts/{stranger.contract.id}/uses/by-month")
    assert (never.json()["used"], never.json()["months"]) == (0, [])
    assert (await client_for(stranger.buyer_account).get(at)).status_code == 404


def test_every_matter_says_where_its_subject_is_answered(app: FastAPI) -> None:
    subjects = {(kind, SUBJECT.findall(source.statement)[0]) for kind, source in inbox._SOURCES}
    document = document_of(app)
    for kind, subject in subjects:
        matter = Matter(kind, subject, new_id(NOON), NOON, None, NOON, new_id(NOON))
        assert document.find(matter.path, "GET") is not None, (kind, matter.path)
    assert {subject for _, subject in subjects} == set(PATHS)
    assert {kind for kind, _ in subjects} == set(MatterKind)


def test_every_event_has_its_word_on_a_button(app: FastAPI) -> None:
    schemas = app.openapi()["components"]["schemas"]
    words = {word for name, one in schemas.items() if name.endswith("Event") for word in one.get("enum", ())}
    assert words <= set(events())
    assert all(zh and en and zh != en for zh, en in events().values())


def test_a_course_has_only_the_steps_that_were_taken() -> None:
    record = {"state": "active", "buyer_signed_at": "2026-03-03", "provider_signed_at": "2026-03-02"}
    asked, countered, amended = (
        {"party": party, "offered_at": day}
        for party, day in (("buyer", "2026-03-01"), ("provider", "2026-03-01"), ("provider", "2026-03-04"))
    )
    direct = tuple(state for state in COURSE if state not in {"offered", "accepted"})
    assert course_of(record, [asked]) == course_of(record, [asked, amended]) == direct
    assert course_of(record, [asked, countered]) == COURSE
    assert (
        course_of(
            record | {"state": "offered", "buyer_signed_at": None, "provider_signed_at": None},
            [asked, countered],
        )
        == COURSE
    )


@pytest.mark.parametrize("state", [*COURSE, "suspended", "rejected"])
def test_a_course_stands_at_one_step(state: str) -> None:
    course = steps(COURSE, state, "active")
    assert [at for _, at in course].count("now") == 1
    assert dict(course)[state] == "now"


def test_what_is_over_shows_how_far_it_came() -> None:
    assert steps(COURSE, "ended", "active")[-2:] == [("active", "past"), ("ended", "now")]
    assert steps(COURSE, "rejected") == [("requested", "past"), ("rejected", "now")]
    assert {at for _, at in steps(COURSE, "ended", "active")[:-1]} == {"past"}


async def test_a_quote_and_a_dispute_have_pages_of_their_own(app: FastAPI, database: Database) -> None:
    deal = await trading.active_contract(database)
    quote = await trading.quoted(database, deal)
    sold = await trading.trade(database, deal, 3)
    await enrol(database, deal.buyer_account, deal.provider_account)
    documents = [{"name": "质量检测报告.pdf", "digest": "9f" * 32}]
    async with database.transaction() as session:
        trade = await trades.lock_trade(session, sold.id, visible_to=deal.buyer_account)
        said_so = {"amount_fen": None, "reason": "缺少字段", "documents": documents}
        dispute = await open_dispute(session, deal.buyer_account, trade, **said_so, now=NOON)  # type: ignore[arg-type]
    at = f"/my/trades/{sold.id}/disputes/{dispute.id}"
    async with browser(app, deal.buyer_account) as buyer, browser(app, deal.provider_account) as provider:
        assert f'href="/my/quotes/{quote.id}"' in await read(buyer, "/desk/quotes")
        shown = await read(buyer, f"/my/quotes/{quote.id}")
        assert quote.number in shown
        assert f"/form/orders?quote_id={quote.id}" in shown
        assert "/form/orders" not in await read(provider, f"/my/quotes/{quote.id}")
        assert f'href="{at}"' in await read(buyer, f"/my/trades/{sold.id}")
        asked = await read(provider, at)
        assert "质量检测报告.pdf" in asked
        assert f"/form/trades/{sold.id}/disputes/{dispute.id}/events?event=answer" in asked
        assert "Waits for the other side" in said(asked)


async def test_a_subscription_shows_what_was_sent(
    app: FastAPI, database: Database, client_for: ClientFor
) -> None:
    buyer_account = (await trading.active_contract(database)).buyer_account
    await enrol(database, buyer_account)
    body = {"url": "https://9.9.9.9/events", "types": ["market.contracts.sign"]}
    made = await client_for(buyer_account).post("/subscriptions", json=body)
    assert made.status_code == 201, made.text
    async with browser(app, buyer_account) as buyer:
        assert f'href="/my/subscriptions/{made.json()["id"]}"' in await read(buyer, "/desk/subscriptions")
        shown = await read(buyer, f"/my/subscriptions/{made.json()['id']}")
    assert "https://9.9.9.9/events" in shown
    assert "Nothing was sent in thirty days." in shown
    assert "/replay?next=" in shown


def test_a_thing_is_shown_on_its_own_page_or_on_a_sheet_of_the_desk() -> None:
    one = UUID(int=7)
    assert home_of(f"/contracts/{one}") == f"/my/contracts/{one}"
    assert home_of(f"/contracts/{one}/offers") == f"/desk/contracts/{one}/offers"
    assert home_of(f"/venues/{one}") == f"/desk/venues/{one}"
    assert home_of("/contracts/") == "/desk/contracts/"


def test_the_rules_of_a_use_are_those_of_the_api_in_its_order(app: FastAPI) -> None:
    assert list(USE_RULES) == app.openapi()["components"]["schemas"]["UseRule"]["enum"]


async def test_who_has_no_account_is_asked_to_sign_in(app: FastAPI) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://market") as visitor:
        for path in ("/my/contracts", "/my/money", "/oversight"):
            assert (await visitor.get(path)).headers["location"].startswith("/sign-in?next=")
