"""Accounts: who may have which roles, and what the end of an account or of a standing stops at once."""

from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from datamarket.auth.actions import actor_of
from datamarket.auth.rules import AccountClosed, LastAdministrator
from datamarket.auth.terms import Role
from datamarket.foundation.db import Database
from datamarket.foundation.ids import new_id
from datamarket.participants import actions as participant_actions
from datamarket.participants import queries as participants
from datamarket.participants.terms import ParticipantEvent, ParticipantKind
from tests.conftest import ClientFor
from tests.world import orders, trading
from tests.world.accounts import PASSWORD, clerk, close, sign_in
from tests.world.participants import admitted, suspend
from tests.world.people import ADMIN, AUDITOR, AUTHORITY, moment, unique


def asked(*roles: str, organisation: UUID | None = None) -> dict[str, Any]:
    named = {"username": unique("clerk"), "password": PASSWORD, "roles": list(roles)}
    return named | ({"participant_id": str(organisation)} if organisation else {})


def code_of(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code")


async def test_roles_that_exclude_each_other_or_the_organisation_are_refused(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        firm = (await admitted(session)).id
        operator = (await admitted(session, ParticipantKind.ZONE_OPERATOR)).id
    admin = client_for(ADMIN)
    for body, expected in [
        (asked("authority", organisation=firm), (422, "auth.role-of-office")),
        (asked("auditor", "admin"), (422, "auth.roles-apart")),
        (asked("authority", "finance"), (422, "auth.roles-apart")),
        (asked("reviewer", "provider", organisation=firm), (422, "auth.roles-apart")),
        (asked("reviewer", organisation=firm), (409, "account.role-not-given")),
        (asked("provider"), (409, "account.role-not-given")),
        (asked("provider", organisation=operator), (409, "account.role-not-given")),
        (asked("operator", organisation=firm), (409, "account.role-not-given")),
        (asked("provider", "buyer", organisation=firm), (201, None)),
        (asked("operator", "buyer", organisation=operator), (201, None)),
        (asked("reviewer"), (201, None)),
    ]:
        assert code_of(await admin.post("/accounts", json=body)) == expected, body


async def test_an_account_of_before_whose_roles_are_not_given_any_more_does_not_come_in(
    database: Database, superuser: "asyncpg.Connection[asyncpg.Record]", client_for: ClientFor
) -> None:
    account = await clerk(database)
    await superuser.execute("UPDATE account SET roles = '{admin,auditor}' WHERE id = $1", account.id)
    assert code_of(await sign_in(client_for(None), account)) == (422, "auth.roles-apart")
    await superuser.execute("UPDATE account SET roles = $2 WHERE id = $1", account.id, account.roles)


async def test_roles_and_organisation_of_an_account_never_change(database: Database) -> None:
    """So a role is taken by closing the account, and there is no other event to look for."""
    account = await clerk(database)
    for change in ("SET roles = '{admin}'", "SET participant_id = id", "SET username = 'other'"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.connection() as connection:
                await connection.execute(f"UPDATE account {change} WHERE id = $1", account.id)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.connection() as connection:
            await connection.execute("DELETE FROM account WHERE id = $1", account.id)


async def test_a_closed_account_moves_approves_and_decides_nothing_from_that_instant(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.active_contract(database)
    buyer = client_for(deal.buyer_account)
    use = {"purpose": deal.purpose, "quantity": 1}
    order = {"contract_id": str(deal.contract.id), **use}
    key = {"Idempotency-Key": unique("key")}
    assert (await buyer.post("/trades", json=order, headers=key)).status_code == 201
    await close(database, deal.buyer_account.account_id)
    closed = (401, "auth.account-closed")
    uses = f"/contracts/{deal.contract.id}/uses"
    assert (
        code_of(await buyer.post("/trades", json=order, headers=key)) == closed
    )  # what it was answered before
    assert code_of(await buyer.post("/trades", json=order)) == closed
    assert code_of(await buyer.post("/trades/batch", json={"items": [order]})) == closed
    assert code_of(await buyer.post(uses, json=use)) == closed
    assert code_of(await buyer.post(f"{uses}/dry-run", json=use)) == closed
    assert (
        code_of(await buyer.post(f"/contracts/{deal.contract.id}/events", json={"event": "terminate"}))
        == closed
    )
    trades = (await client_for(AUDITOR).get(f"/trades?contract={deal.contract.id}")).json()["items"]
    assert len(trades) == 1


async def test_in_one_queue_a_closed_account_is_refused_and_its_neighbours_are_not(
    database: Database,
) -> None:
    one, other = [await trading.active_contract(database) for _ in range(2)]
    for deal in (one, other):
        await trading.sell_under_key(database, deal, unique("key"))
    await close(database, one.buyer_account.account_id)
    assert (await trading.sell_under_key(database, other, unique("key"))).status == 201
    with pytest.raises(AccountClosed):
        await trading.sell_under_key(database, one, unique("key"))


async def test_a_token_of_an_account_that_is_not_there_writes_nothing(
    app: Any, client_for: ClientFor
) -> None:
    nobody = app.state.tokens.sign(actor_of_nobody(), now=app.state.read_clock())
    answer = await client_for(None).post("/venues", json={}, headers={"Authorization": f"Bearer {nobody}"})
    assert code_of(answer) == (401, "auth.account-closed")


def actor_of_nobody() -> Any:
    return type(AUTHORITY)(new_id(moment()), None, frozenset({Role.AUTHORITY}))


@pytest.mark.parametrize("ending", [ParticipantEvent.SUSPEND, ParticipantEvent.WITHDRAW])
async def test_an_organisation_that_is_stopped_signs_in_reads_and_settles_and_writes_nothing_new(
    database: Database, client_for: ClientFor, ending: ParticipantEvent
) -> None:
    deal = await trading.active_contract(database)
    sold = await trading.trade(database, deal)
    account = await clerk(database, Role.PROVIDER, organisation=deal.provider.id)
    async with database.transaction() as session:
        await participant_actions.move_participant(
            session,
            AUTHORITY,
            await participants.lock_participant(session, deal.provider.id),
            ending,
            reason="核查",
            now=moment(),
        )
    pair = await sign_in(client_for(None), account)
    assert pair.status_code == 200
    provider = client_for(actor_of(account))
    assert (await provider.get(f"/trades/{sold.id}")).status_code == 200
    assert (await provider.get("/ledger/accounts")).status_code == 200
    product = {"code": unique("P"), "name_zh": "甲", "name_en": "A", "category": "ocean", "level": "general",
               "summary_zh": "甲", "summary_en": "A", "modality": "table", "delivery_form": "api"}  # fmt: skip
    stopped = (409, "participant.not-admitted")
    listing = f"/listings/{deal.listed.listing.id}/events"
    assert code_of(await provider.post("/products", json=product)) == stopped
    assert code_of(await provider.post(listing, json={"event": "resume"})) == stopped
    refunds = await provider.post(f"/trades/{sold.id}/refunds", json={"reason": "缺测"})
    assert refunds.status_code == 201
    await close(database, account.id)
    again = await provider.post(f"/trades/{sold.id}/refunds", json={"reason": "缺测"})
    assert code_of(again) == (401, "auth.account-closed")


async def test_an_order_that_was_placed_is_settled_by_a_buyer_who_is_suspended_and_no_new_one_is_placed(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.active_contract(database)
    buyer = client_for(deal.buyer_account)
    order = {"contract_id": str(deal.contract.id), "purpose": deal.purpose, "quantity": 1}
    order |= {"deliver_by": orders.IN_A_WEEK.isoformat(), "acceptance_days": orders.ACCEPTANCE_DAYS}
    placed = (await buyer.post("/orders", json=order)).json()
    async with database.transaction() as session:
        await suspend(session, deal.buyer.id)
    assert code_of(await buyer.post("/orders", json=order)) == (409, "participant.not-admitted")
    cancelled = await buyer.post(f"/orders/{placed['id']}/events", json={"event": "cancel", "reason": "停用"})
    assert cancelled.json()["state"] == "cancelled"


async def test_the_last_administrator_stays(fresh_database: Database) -> None:
    one, other = [await clerk(fresh_database, Role.ADMIN) for _ in range(2)]
    await close(fresh_database, other.id)
    with pytest.raises(LastAdministrator):
        await close(fresh_database, one.id)
    await clerk(fresh_database, Role.ADMIN)
    await close(fresh_database, one.id)
