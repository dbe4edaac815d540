"""A connector that asks twice at once, and a provider who moves while its message is on its way."""

import asyncio

import pytest
from fastapi import FastAPI

from datamarket.foundation.db import Database
from tests.conftest import ClientFor
from tests.world import trading
from tests.world.connectors import Connector
from tests.world.people import enrol
from tests.world.receivers import LOOPBACK, Receiver, receiving


async def test_the_same_request_twice_at_once_begins_one_negotiation(
    app: FastAPI, database: Database, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`dataspace_negotiation_consumer_key`: who comes second is answered with the first one's, or refused by name."""
    monkeypatch.setattr(app.state.sender, "networks", LOOPBACK)
    deal = await trading.requested_contract(database)
    await enrol(database, deal.buyer_account)
    receiver = Receiver(url="http://127.0.0.1:9/told")
    connector = Connector(app, client_for, deal, receiver, "negotiations")
    answers = await asyncio.gather(*(connector.request() for _ in range(4)))
    made = {answer.json()["providerPid"] for answer in answers if answer.status_code == 201}
    others = {answer.json()["code"] for answer in answers if answer.status_code != 201}
    assert len(made) == 1
    assert others <= {"dataspace.consumer-pid-used"}
    count = "SELECT count(*) FROM contract WHERE buyer_id = $1"
    async with database.connection() as connection:
        assert await connection.fetchval(count, deal.buyer.id) == 2  # the one that the deal began with


async def test_what_happens_while_a_message_is_on_its_way_is_told_after_it(
    app: FastAPI, database: Database, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The consumer answers an offer before it has taken it: what it said is not overwritten by what it was told."""
    monkeypatch.setattr(app.state.sender, "networks", LOOPBACK)
    deal = await trading.requested_contract(database)
    async with receiving(status=200) as receiver:
        connector = Connector(app, client_for, deal, receiver, "negotiations")
        await connector.request()
        await connector.provider_does("offer")
        [task] = await connector.courier.begin()
        accepted = await connector.consumer_does("accept")
        await task
        assert accepted.json()["state"] == "ACCEPTED"
        await connector.provider_does("agree")
        await connector.told()
        await connector.told()
        assert [path for path, _ in connector.callbacks()] == ["offers", "agreement"]
    async with database.connection() as connection:
        told = "SELECT told FROM dataspace_negotiation WHERE consumer_pid = $1"
        assert await connection.fetchval(told, connector.pid) == "AGREED"
