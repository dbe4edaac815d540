"""Transfers follow their contract, are moved by its two sides, and show an address while they are started."""

from datetime import timedelta
from typing import Any

import pytest

from datamarket.contracts.terms import ContractEvent
from datamarket.dataspace.transfers.rules import shown_state
from datamarket.dataspace.transfers.terms import TransferProcessState
from datamarket.foundation.db import Database
from tests.conftest import ClientFor
from tests.dataspace.conftest import ConnectorFor
from tests.world import trading
from tests.world.connectors import Connector
from tests.world.people import NOON


async def shown(connector: Connector) -> dict[str, Any]:
    found = await connector.house.get(f"/transfers/{connector.provider_pid}")
    answer: dict[str, Any] = found.json()
    return answer


async def test_a_started_transfer_names_where_uses_are_asked_for(
    database: Database, connector_for: ConnectorFor
) -> None:
    connector = connector_for(await trading.active_contract(database), "transfers")
    assert (await connector.request()).status_code == 201
    assert (await connector.request()).json()["providerPid"] == connector.provider_pid
    assert (await shown(connector))["endpoint"] is None
    assert (await connector.provider_does("start")).status_code == 200
    await connector.told()
    [(_, message)] = connector.callbacks()
    endpoint = message["dataAddress"]["endpoint"]
    assert endpoint.endswith((await shown(connector))["endpoint"])
    used = await connector.consumer.post(
        endpoint.replace("http://127.0.0.1:8000", "http://market"),
        json={"purpose": "industrial_development", "quantity": 1},
    )
    assert used.status_code == 201
    await connector.consumer_does("suspend")
    assert (await shown(connector))["endpoint"] is None
    assert (await connector.consumer_does("suspend")).json()["state"] == "SUSPENDED"


async def test_a_transfer_follows_its_contract(database: Database, connector_for: ConnectorFor) -> None:
    deal = await trading.active_contract(database)
    connector = connector_for(deal, "transfers")
    await connector.request()
    await connector.provider_does("start")
    await connector.told()
    await trading.move(database, deal, deal.provider_account, ContractEvent.SUSPEND, "欠费")
    assert (await connector.state(), (await shown(connector))["state_zh"]) == ("SUSPENDED", "暂停")
    refused = await connector.consumer_does("complete")
    assert (refused.status_code, refused.json()["code"]) == (400, "transfer.contract-held")
    path = f"/transfers/{connector.provider_pid}/allowed-events"
    assert (await connector.house.get(path)).json()["events"] == ["terminate"]
    await connector.told()
    await trading.move(database, deal, deal.provider_account, ContractEvent.RESUME)
    await connector.told()
    await trading.move(database, deal, deal.provider_account, ContractEvent.TERMINATE, "违约")
    await connector.told()
    told = [path for path, _ in connector.callbacks()]
    assert told == ["start", "suspension", "start", "termination"]
    assert (await connector.consumer_does("start")).status_code == 400
    assert (await connector.request()).json()["state"] == "TERMINATED"
    connector.pid += "-2"
    refused = await connector.request()
    assert (refused.status_code, refused.json()["code"]) == (400, "transfer.agreement-not-final")


async def test_a_transfer_is_looked_after_when_its_authority_stops(
    database: Database, connector_for: ConnectorFor
) -> None:
    """`dataspace_follow_meter`: not when it is decided, but at the instant from which on the contract stands no more."""
    connector = connector_for(await trading.active_contract(database), "transfers")
    await connector.request()
    await connector.provider_does("start")
    await connector.told()
    async with database.plain_transaction() as connection:
        await connection.execute(
            "UPDATE contract_meter SET stands_until = $2, stopped_by = 'provider' WHERE contract_id = $1",
            connector.deal.contract.id,
            NOON - timedelta(seconds=1),
        )
    await connector.told()
    assert (await connector.state(), connector.callbacks()[-1][0]) == ("SUSPENDED", "suspension")
    async with database.plain_transaction() as connection:
        await connection.execute(
            "UPDATE contract_meter SET stands_until = term_to, stopped_by = NULL WHERE contract_id = $1",
            connector.deal.contract.id,
        )
    assert await connector.state() == "STARTED"


async def test_the_provider_starts_and_strangers_do_nothing(
    database: Database, connector_for: ConnectorFor, client_for: ClientFor
) -> None:
    connector = connector_for(await trading.active_contract(database), "transfers")
    await connector.request()
    refused = await connector.consumer_does("start")
    assert (refused.status_code, refused.json()["code"]) == (403, "transfer.not-your-move")
    thing = connector.provider_pid
    by_consumer = await connector.consumer.get(f"/transfers/{thing}/allowed-events")
    assert by_consumer.json()["events"] == ["terminate"]
    stranger = client_for((await trading.requested_contract(database)).buyer_account)
    assert (await stranger.get(f"/transfers/{thing}")).status_code == 404
    assert (await stranger.get(f"/dsp/2025-1/transfers/{thing}")).json()["@type"] == "TransferError"
    listed = await connector.house.get(f"/transfers?contract={connector.deal.contract.id}&state=requested")
    assert [row["id"] for row in listed.json()["items"]] == [thing]
    bare = await connector.house.post(f"/transfers/{thing}/events", json={"event": "terminate"})
    assert (bare.status_code, bare.json()["code"]) == (422, "transfer.reason-missing")
    stale = {"If-Match": '"9"'}
    late = await connector.house.post(f"/transfers/{thing}/events", json={"event": "start"}, headers=stale)
    assert late.status_code == 412


async def test_an_agreement_that_is_not_in_force_and_an_unknown_format_are_refused(
    database: Database, connector_for: ConnectorFor
) -> None:
    asked = connector_for(await trading.requested_contract(database), "transfers")
    assert (await asked.request()).json()["code"] == "transfer.agreement-not-final"
    active = connector_for(await trading.active_contract(database), "transfers")
    assert (await active.request(format="AmazonS3-PUSH")).json()["code"] == "dataspace.format-unknown"
    foreign = {"agreementId": f"urn:uuid:{asked.deal.contract.id}"}
    refused = await active.request(**foreign)
    assert (refused.status_code, refused.json()["code"]) == (404, "not-found")
    assert (await active.request()).status_code == 201
    again = await active.request(**foreign)
    assert (again.status_code, again.json()["code"]) == (400, "dataspace.consumer-pid-used")


@pytest.mark.parametrize("state", TransferProcessState)
async def test_what_is_over_stays_so_whatever_its_contract_does(
    database: Database, state: TransferProcessState
) -> None:
    from datamarket.contracts import queries as contracts  # noqa: PLC0415

    deal = await trading.active_contract(database)
    async with database.connection() as connection:
        meters = await contracts.meters(connection, [deal.contract.id])
    stands = meters[deal.contract.id].authorisation
    assert shown_state(state, stands, NOON) is state
    over = shown_state(state, stands, stands.term_to)
    completed = state is TransferProcessState.COMPLETED
    assert over is (state if completed else TransferProcessState.TERMINATED)
