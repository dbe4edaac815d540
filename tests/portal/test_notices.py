"""Notices: the newest first, each with its page, and nobody is told of what is not theirs."""

from pathlib import Path

from datamarket.foundation.db import Database
from datamarket.foundation.ids import new_id
from datamarket.foundation.settings import Settings
from datamarket.server.app import create_app
from tests.conftest import client_of
from tests.portal.test_parties import browser, read, said
from tests.world import trading
from tests.world.notices import seal
from tests.world.participants import acting_for, admitted
from tests.world.people import ADMIN, AUDITOR, NOON


async def test_a_notice_says_what_happened_and_leads_to_what_waits(
    fresh_database: Database, settings: Settings, tmp_path: Path
) -> None:
    deal = await trading.active_contract(fresh_database)
    asked = await trading.requested_contract(fresh_database)
    async with fresh_database.transaction() as session:
        stranger = acting_for(await admitted(session))
    await seal(fresh_database, tmp_path)
    app = create_app(settings, fresh_database, read_clock=lambda: NOON)
    told, foreign = client_of(app, asked.provider_account, NOON), client_of(app, stranger, NOON)
    backwards: list[dict[str, object]] = []
    asked_for: dict[str, str | int | bool] = {"newest_first": True, "limit": 2}
    while (page := (await told.get("/events", params=asked_for)).json())["items"]:
        backwards += page["items"]
        asked_for["after"] = page["next"]
    whole = (await told.get("/events", params={"limit": 100})).json()["items"]
    assert (backwards, len(whole) > 3) == (whole[::-1], True)
    event = next(one for one in backwards if one["subject_id"] == str(asked.contract.id))
    assert (await told.get(f"/events/{event['id']}")).json() == event
    assert (await client_of(app, AUDITOR, NOON).get(f"/events/{event['id']}")).json()["type"] == event["type"]
    assert (await foreign.get(f"/events/{event['id']}")).status_code == 404
    assert (await told.get(f"/events/{new_id(NOON)}")).status_code == 404
    assert (await client_of(app, ADMIN, NOON).get(f"/events/{event['id']}")).status_code == 403
    async with (
        browser(app, asked.provider_account) as provider,
        browser(app, deal.buyer_account, "zh") as buyer,
    ):
        listed = await read(provider, "/my/notices")
        shown = await read(provider, f"/my/notices/{event['id']}")
        assert (await buyer.get(f"/my/notices/{event['id']}")).status_code == 404
    assert f'href="/my/notices/{event["id"]}"' in listed
    assert f'href="/my/contracts/{asked.contract.id}"' in shown
    assert "Go to it" in said(shown)


async def test_what_is_public_is_told_without_its_details(
    fresh_database: Database, settings: Settings, tmp_path: Path
) -> None:
    deal = await trading.active_contract(fresh_database)
    async with fresh_database.transaction() as session:
        stranger = acting_for(await admitted(session))
    await seal(fresh_database, tmp_path)
    app = create_app(settings, fresh_database, read_clock=lambda: NOON)
    found = await client_of(app, stranger, NOON).get(
        "/events", params={"type": "market.catalogue.publish-listing"}
    )
    event = next(one for one in found.json()["items"] if one["subject_id"] == str(deal.listed.listing.id))
    async with browser(app, stranger, "zh") as pages:
        shown = said(await read(pages, f"/my/notices/{event['id']}"))
    assert event["facts"] is None
    assert "细节只告知当事各方" in shown
