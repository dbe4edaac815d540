"""Guessing: a user name is limited for strangers, and nobody is locked out where they usually come in."""

from uuid import UUID

import httpx
from fastapi import FastAPI

from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from tests.world.accounts import Hall, clerk, sign_in
from tests.world.people import AUDITOR, unique

STRANGER, HOME = "198.51.100.7", "203.0.113.77"


def at(app: FastAPI, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, client=(address, 4711))
    return httpx.AsyncClient(
        transport=transport, base_url="http://market/api/v1", headers={"Accept-Language": "en"}
    )


async def test_guesses_from_many_addresses_share_the_limit_of_the_name(
    settings: Settings, database: Database
) -> None:
    hall = Hall.of(settings, database, username_limit="3/5 minutes")
    account = await clerk(database)
    answers = [await sign_in(at(hall.app, f"198.51.100.{n}"), account, "a wrong guess") for n in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert answers[3].json()["code"] == "auth.username-busy"
    assert 0 < int(answers[3].headers["Retry-After"]) <= 301
    right = await sign_in(at(hall.app, STRANGER), account)
    assert right.status_code == 429  # a guess that hits is not told apart
    other = await sign_in(at(hall.app, STRANGER), await clerk(database))
    assert other.status_code == 200


async def test_a_stranger_who_guesses_does_not_lock_out_the_address_that_came_in_before(
    settings: Settings, database: Database
) -> None:
    hall = Hall.of(settings, database, username_limit="3/5 minutes")
    account = await clerk(database)
    assert (await sign_in(at(hall.app, HOME), account)).status_code == 200
    for _ in range(5):
        await sign_in(at(hall.app, STRANGER), account, "a wrong guess")
    assert (await sign_in(at(hall.app, STRANGER), account)).status_code == 429
    assert (await sign_in(at(hall.app, HOME), account)).status_code == 200


async def test_a_failure_is_told_to_the_audit_with_its_address_and_a_name_that_nobody_has_likewise(
    settings: Settings, database: Database
) -> None:
    hall, account = Hall.of(settings, database), await clerk(database)
    async with hall.client(AUDITOR) as auditor:
        path = f"/audit-events?action=auth.sign-in-refused&subject={account.id}"
        await sign_in(at(hall.app, STRANGER), account, "a wrong guess")
        [event] = (await auditor.get(path)).json()["items"]
        assert (event["actor_id"], event["facts"]) == (str(account.id), {"address": STRANGER})
        account.username = unique("nobody")
        assert (await sign_in(at(hall.app, HOME), account)).status_code == 401
        events = (await auditor.get(f"/audit-events?subject={UUID(int=0)}&limit=100")).json()["items"]
        assert {"address": HOME} in [event["facts"] for event in events]


async def test_failures_told_are_bounded(settings: Settings, database: Database) -> None:
    hall, account = Hall.of(settings, database, username_limit="1000/minute"), await clerk(database)
    for _ in range(60):
        assert hall.app.state.attempts.may_be_told()
    assert (await sign_in(at(hall.app, STRANGER), account, "a wrong guess")).status_code == 401
    async with hall.client(AUDITOR) as auditor:
        told = (await auditor.get(f"/audit-events?subject={account.id}")).json()["items"]
    assert [event["action"] for event in told] == ["accounts.open"]
