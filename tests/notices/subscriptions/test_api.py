"""Subscriptions over HTTP."""

from collections.abc import Sequence

import asyncpg
import pytest
from fastapi import FastAPI

from datamarket.foundation.db import Database
from datamarket.foundation.ids import new_id
from datamarket.foundation.settings import Settings
from datamarket.foundation.waiting.constraints import constraint_of
from datamarket.notices.subscriptions.rules import MOST_SUBSCRIPTIONS
from datamarket.server.app import create_app
from tests.conftest import Client, client_of
from tests.world.participants import acting_for, admitted
from tests.world.people import AUDITOR, NOON, moment
from tests.world.receivers import LOOPBACK

WANTED = {"url": "https://portal.example/told", "types": ["market.contracts.sign"]}


async def names(host: str, _port: int) -> Sequence[str]:
    """What the names of these tests stand for."""
    if host == "nowhere.example":
        raise OSError
    return ["10.0.0.5"] if host == "inside.example" else ["8.8.8.8"]


@pytest.fixture
def market(database: Database, settings: Settings) -> FastAPI:
    app = create_app(settings, database, read_clock=lambda: NOON)
    app.state.sender.resolve = names
    return app


async def subscriber(database: Database, app: FastAPI) -> Client:
    async with database.transaction() as session:
        return client_of(app, acting_for(await admitted(session)), NOON)


def key() -> dict[str, str]:
    return {"Idempotency-Key": new_id(moment()).hex}


async def test_a_subscription_is_made_once_gets_its_secret_is_replayed_and_ends(
    database: Database, market: FastAPI
) -> None:
    mine = await subscriber(database, market)
    same = key()
    made = await mine.post("/subscriptions", json=WANTED, headers=same)
    again = await mine.post("/subscriptions", json=WANTED, headers=same)
    assert (made.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    path = f"/subscriptions/{made.json()['id']}"
    assert "secret" not in made.text
    first = (await mine.post(f"{path}/secret")).json()["secret"]
    second = (await mine.post(f"{path}/secret")).json()["secret"]
    assert first.startswith("whsec_")
    assert first != second
    replayed = await mine.post(f"{path}/replay", json={"after": -1})
    assert (replayed.status_code, replayed.json()["position"]) == (200, -1)
    assert [item["id"] for item in (await mine.get("/subscriptions")).json()["items"]] == [made.json()["id"]]
    assert (await mine.get(f"{path}/deliveries")).json() == {"items": [], "next": None}
    ended = await mine.delete(path, headers=key())
    assert (ended.status_code, ended.json()["state_zh"]) == (200, "已终止")
    over = await mine.post(f"{path}/replay", json={})
    assert over.json()["code"] == "state.transition-not-allowed"
    assert (await mine.post(f"{path}/secret")).status_code == 409


async def test_the_secret_stands_nowhere_in_the_database(database: Database, market: FastAPI) -> None:
    mine = await subscriber(database, market)
    made = (await mine.post("/subscriptions", json=WANTED)).json()
    secret = (await mine.post(f"/subscriptions/{made['id']}/secret")).json()["secret"]
    told = secret.removeprefix("whsec_")
    async with database.connection() as connection:
        salt = await connection.fetchval(
            "SELECT encode(salt, 'base64') FROM subscription WHERE id = $1", made["id"]
        )
        kept = "SELECT count(*) FROM idempotency_key WHERE position(convert_to($1, 'UTF8') IN body) > 0"
        assert await connection.fetchval(kept, told) == 0
        events = "SELECT count(*) FROM audit_event WHERE position($1 IN facts::text) > 0"
        assert await connection.fetchval(events, told) == 0
    assert salt
    assert told not in salt


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("https://inside.example/", 409, "subscription.address-closed"),
        ("https://127.0.0.1/", 409, "subscription.address-closed"),
        ("https://nowhere.example/", 409, "subscription.address-unknown"),
        ("http://portal.example/", 422, "subscription.address-malformed"),
    ],
)
async def test_an_address_that_no_message_may_go_to_is_refused_at_once(
    database: Database, market: FastAPI, url: str, status: int, code: str
) -> None:
    mine = await subscriber(database, market)
    if "127" in url:
        market.state.sender.resolve = _as_written
    refused = await mine.post("/subscriptions", json=WANTED | {"url": url})
    assert (refused.status_code, refused.json()["code"]) == (status, code)


async def _as_written(host: str, _port: int) -> Sequence[str]:
    return [host]


async def test_nobody_elses_is_seen_and_an_auditor_has_their_own(database: Database, market: FastAPI) -> None:
    mine, other = await subscriber(database, market), await subscriber(database, market)
    path = f"/subscriptions/{(await mine.post('/subscriptions', json=WANTED)).json()['id']}"
    auditor = client_of(market, AUDITOR, NOON)
    for stranger in (other, auditor):
        for answer in (
            await stranger.get(path),
            await stranger.get(f"{path}/deliveries"),
            await stranger.post(f"{path}/secret"),
            await stranger.post(f"{path}/replay", json={}),
            await stranger.delete(path, headers=key()),
        ):
            assert answer.status_code == 404
    assert (await auditor.post("/subscriptions", json=WANTED)).status_code == 201


async def test_an_account_has_ten_at_most_and_positions_that_are_there(
    database: Database, market: FastAPI
) -> None:
    mine = await subscriber(database, market)
    made = [await mine.post("/subscriptions", json=WANTED) for _ in range(MOST_SUBSCRIPTIONS)]
    assert {answer.status_code for answer in made} == {201}
    refused = await mine.post("/subscriptions", json=WANTED)
    assert (refused.status_code, refused.json()["code"]) == (409, "subscription.too-many")
    path = f"/subscriptions/{made[0].json()['id']}"
    ahead = await mine.post(f"{path}/replay", json={"after": 2**62})
    assert (ahead.status_code, ahead.json()["code"]) == (422, "subscription.position-ahead")
    await mine.delete(path, headers=key())
    assert (await mine.post("/subscriptions", json=WANTED)).status_code == 201


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("state = 'paused'", "subscription_paused_check"),
        ("state = 'asleep'", "subscription_state_check"),
        ("state = 'paused', pause_reason = 'tired'", "subscription_pause_reason_check"),
        ("position = -2", "subscription_feed_check"),
    ],
)
async def test_a_row_that_makes_no_sense_is_refused(
    database: Database,
    market: FastAPI,
    superuser: "asyncpg.Connection[asyncpg.Record]",
    change: str,
    constraint: str,
) -> None:
    mine = await subscriber(database, market)
    made = (await mine.post("/subscriptions", json=WANTED)).json()
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await superuser.execute(f"UPDATE subscription SET {change} WHERE id = $1", made["id"])  # noqa: S608 - constants
    assert constraint_of(refused.value, {constraint}) == constraint


def test_networks_of_the_installation_are_networks() -> None:
    assert Settings(webhook_networks=LOOPBACK).webhook_networks == LOOPBACK
    with pytest.raises(ValueError, match=r"10\.20\.0\.0/16"):
        Settings(webhook_networks=("loopback",))
