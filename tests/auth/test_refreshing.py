"""Refresh tokens: several tabs at once, a copy used later, an access token that is old."""

from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from tests.conftest import ClientFor
from tests.world.accounts import Hall, clerk, close, refresh, sign_in
from tests.world.people import AUDITOR


async def test_tabs_that_refresh_at_once_each_get_a_good_pair_and_a_later_use_ends_them_all(
    settings: Settings, database: Database
) -> None:
    hall, account = Hall.of(settings, database), await clerk(database)
    async with hall.client() as visitor:
        first = (await sign_in(visitor, account)).json()["refresh_token"]
        pairs = [await refresh(visitor, first) for _ in range(2)]
        hall.later(seconds=10)
        pairs.append(await refresh(visitor, first))
        assert [pair.status_code for pair in pairs] == [200, 200, 200]
        leaves = [pair.json()["refresh_token"] for pair in pairs]
        assert len({*leaves, first}) == 4
        assert (await refresh(visitor, leaves.pop())).status_code == 200
        hall.later(seconds=1)
        assert (await refresh(visitor, first)).status_code == 401
        assert [(await refresh(visitor, leaf)).status_code for leaf in leaves] == [401, 401]
        told = (await hall.client(AUDITOR).get(f"/audit-events?subject={account.id}")).json()["items"]
    reused, opened = told
    assert (reused["action"], reused["facts"]) == ("auth.refresh-reused", {"address": "127.0.0.1"})
    assert opened["action"] == "accounts.open"


async def test_an_access_token_that_is_old_does_not_stand_in_the_way_of_a_new_one(
    settings: Settings, database: Database
) -> None:
    hall, account = Hall.of(settings, database), await clerk(database)
    async with hall.client() as tab:
        pair = (await sign_in(tab, account)).json()
        tab.headers["Authorization"] = f"Bearer {pair['access_token']}"
        hall.later(minutes=16)
        assert (await tab.get("/auth/me")).json()["code"] == "auth.token-expired"
        renewed = await refresh(tab, pair["refresh_token"])
        again = await sign_in(tab, account)
        ended = await tab.post("/auth/revoke", data={"refresh_token": renewed.json()["refresh_token"]})
    assert [renewed.status_code, again.status_code, ended.status_code] == [200, 200, 204]


async def test_a_closed_account_neither_signs_in_nor_refreshes(
    database: Database, client_for: ClientFor
) -> None:
    account, visitor = await clerk(database), client_for(None)
    token = (await sign_in(visitor, account)).json()["refresh_token"]
    await close(database, account.id)
    assert (await refresh(visitor, token)).json()["code"] == "auth.refresh-refused"
    assert (await sign_in(visitor, account)).json()["code"] == "auth.sign-in-refused"
