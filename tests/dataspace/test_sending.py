"""Messages to connectors: signed for everyone to verify, after the commit, again until they are taken, by the level reached."""

import base64
from datetime import timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import FastAPI

from datamarket.foundation.db import Database
from datamarket.notices.subscriptions.rules import MOST_FAILURES
from tests.conftest import ClientFor
from tests.dataspace.conftest import ConnectorFor
from tests.world import trading
from tests.world.connectors import Connector
from tests.world.people import NOON
from tests.world.receivers import Receiver


def is_genuine(key_line: str, headers: dict[str, str], body: bytes) -> bool:
    """As a consumer checks it: Standard Webhooks v1a, with the key as /evidence/key writes it."""
    raw = base64.b64decode(key_line.split("+", 2)[2])[1:]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    stamp = base64.b64decode(headers["webhook-signature"].removeprefix("v1a,"))
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(stamp, signed)
    except InvalidSignature:
        return False
    return True


async def kept(database: Database, connector: Connector) -> tuple[str, int, object]:
    """What the consumer knows, how often it failed to take the next message, and when that is sent again."""
    row = "SELECT told, failures, due_at FROM dataspace_negotiation WHERE consumer_pid = $1"
    async with database.connection() as connection:
        found = await connection.fetchrow(row, connector.pid)
    assert found is not None
    return found["told"], found["failures"], found["due_at"]


async def test_a_message_is_signed_with_the_key_that_the_market_shows(
    database: Database, connector_for: ConnectorFor, client_for: ClientFor, receiver: Receiver
) -> None:
    connector = connector_for(await trading.requested_contract(database))
    await connector.request()
    await connector.provider_does("agree")
    await connector.told()
    [(headers, body)] = receiver.got
    line = (await client_for(None).get("/evidence/key")).text.strip()
    assert is_genuine(line, headers, body)
    assert not is_genuine(line, headers, body + b" ")
    assert not is_genuine(line, headers | {"webhook-timestamp": "1"}, body)


async def test_who_does_not_take_a_message_gets_it_again_later_and_the_last_state_alone(
    app: FastAPI, database: Database, connector_for: ConnectorFor, receiver: Receiver, monkeypatch: object
) -> None:
    connector = connector_for(await trading.requested_contract(database))
    await connector.request()
    receiver.status = 500
    await connector.provider_does("offer")
    await connector.told()
    told, failures, due_at = await kept(database, connector)
    assert (told, failures) == ("REQUESTED", 1)
    assert timedelta(seconds=4) < due_at - NOON < timedelta(seconds=8)  # type: ignore[operator]
    await connector.told()
    assert len(receiver.got) == 1
    receiver.status = 200
    await connector.provider_does("terminate")
    await connector.told()
    assert [path for path, _ in connector.callbacks()] == ["offers", "termination"]
    assert (await kept(database, connector))[:2] == ("TERMINATED", 0)


async def test_after_ten_failures_nothing_is_sent_until_something_changes(
    app: FastAPI, database: Database, connector_for: ConnectorFor, receiver: Receiver
) -> None:
    connector = connector_for(await trading.requested_contract(database))
    await connector.request()
    receiver.status = 500
    await connector.provider_does("offer")
    sender, clock = app.state.sender, app.state.sender.read_clock
    try:
        for turn in range(MOST_FAILURES + 2):
            sender.read_clock = lambda turn=turn: NOON + turn * timedelta(hours=10)
            await connector.told()
    finally:
        sender.read_clock = clock
    assert len(receiver.got) == MOST_FAILURES
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert await kept(database, connector) == ("REQUESTED", MOST_FAILURES, None)
    receiver.status = 200
    await connector.provider_does("terminate")
    await connector.told()
    assert connector.callbacks()[-1][0] == "termination"


async def test_a_deed_that_is_refused_is_told_to_nobody(
    database: Database, connector_for: ConnectorFor, receiver: Receiver
) -> None:
    connector = connector_for(await trading.requested_contract(database))
    await connector.request()
    assert (await connector.provider_does("finalize")).status_code == 409
    await connector.told()
    assert receiver.got == []
