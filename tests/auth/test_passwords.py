"""A password is changed by its owner and reset by an administrator; comparing one holds nobody up."""

import asyncio

from datamarket.auth import passwords
from datamarket.auth.actions import actor_of
from datamarket.auth.terms import Role
from datamarket.foundation.db import Database
from tests.conftest import ClientFor
from tests.world.accounts import PASSWORD, clerk, close, refresh, sign_in
from tests.world.people import ADMIN, AUDITOR, unique

ANOTHER = "another horse altogether"


async def test_a_password_is_changed_with_the_old_one_and_every_other_sign_in_ends(
    database: Database, client_for: ClientFor
) -> None:
    account, visitor = await clerk(database), client_for(None)
    elsewhere = (await sign_in(visitor, account)).json()["refresh_token"]
    owner = client_for(actor_of(account))
    wrong = await owner.post("/auth/password", json={"old": ANOTHER, "new": ANOTHER})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "auth.sign-in-refused")
    short = await owner.post("/auth/password", json={"old": PASSWORD, "new": "short"})
    assert short.status_code == 422
    changed = await owner.post("/auth/password", json={"old": PASSWORD, "new": ANOTHER})
    assert changed.status_code == 200
    assert (await refresh(visitor, elsewhere)).status_code == 401
    assert (await refresh(visitor, changed.json()["refresh_token"])).status_code == 200
    assert (await sign_in(visitor, account)).status_code == 401
    assert (await sign_in(visitor, account, ANOTHER)).status_code == 200
    told = (await client_for(AUDITOR).get(f"/audit-events?subject={account.id}")).json()["items"]
    assert "auth.change-password" in {event["action"] for event in told}
    assert all(PASSWORD not in str(event) and ANOTHER not in str(event) for event in told)


async def test_a_password_that_was_reset_opens_only_the_choice_of_another(
    database: Database, client_for: ClientFor
) -> None:
    account, visitor, admin = await clerk(database), client_for(None), client_for(ADMIN)
    before = (await sign_in(visitor, account)).json()["refresh_token"]
    once = (await admin.post(f"/accounts/{account.id}/password")).json()["password"]
    assert (await refresh(visitor, before)).status_code == 401
    assert (await sign_in(visitor, account)).status_code == 401
    assert (await sign_in(visitor, account, once)).status_code == 200
    owner = client_for(actor_of(account))
    zone = {
        "code": unique("z"),
        "name_zh": "甲",
        "name_en": "A",
        "field": "ocean",
        "operator_id": str(account.id),
    }
    refused = await owner.post("/zones", json=zone)
    assert (refused.status_code, refused.json()["code"]) == (403, "auth.password-temporary")
    chosen = await owner.post("/auth/password", json={"old": once, "new": ANOTHER})
    assert chosen.status_code == 200
    assert (await owner.post("/zones", json=zone)).json()["code"] != "auth.password-temporary"
    assert (await sign_in(visitor, account, once)).status_code == 401


async def test_only_an_administrator_resets_and_a_closed_account_gets_no_password(
    database: Database, client_for: ClientFor
) -> None:
    account = await clerk(database)
    path = f"/accounts/{account.id}/password"
    assert (await client_for(actor_of(account)).post(path)).status_code == 403
    administrator, _other = [await clerk(database, Role.ADMIN) for _ in range(2)]
    gone = client_for(actor_of(administrator))
    await close(database, administrator.id)
    assert (await gone.post(path)).json()["code"] == "auth.account-closed"
    await close(database, account.id)
    assert (await client_for(ADMIN).post(path)).json()["code"] == "account.closed"


async def test_comparing_a_password_leaves_the_event_loop_to_others() -> None:
    comparing = asyncio.ensure_future(passwords.is_right(await passwords.hash_of(PASSWORD), PASSWORD))
    turns = 0
    while not comparing.done():
        turns += 1
        await asyncio.sleep(0)
    assert await comparing
    assert turns > 10
