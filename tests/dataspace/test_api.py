"""What the conformance cases leave open: what is said twice, what a policy means, who may ask, what is refused and how."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from datamarket.contracts.negotiation.actions import lapse_due
from datamarket.dataspace.policies import offered_days
from datamarket.dataspace.rules import TermUnknown
from datamarket.dataspace.terms import BASE_PATH, CONTEXT
from datamarket.foundation.db import Database
from tests.conftest import ClientFor
from tests.dataspace.conftest import ConnectorFor
from tests.world import catalogue, trading
from tests.world.connectors import faults, offer_of
from tests.world.people import NOON
from tests.world.trading import LEDGER_ID


def permitting(offer: dict[str, Any], *constraints: dict[str, Any]) -> dict[str, Any]:
    return offer | {"permission": [{"action": "use", "constraint": list(constraints)}]}


def limit(left: str, operator: str, right: Any) -> dict[str, Any]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


async def test_what_is_said_again_changes_nothing(database: Database, connector_for: ConnectorFor) -> None:
    connector = connector_for(await trading.requested_contract(database))
    first, again = await connector.request(), await connector.request()
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert (await connector.provider_does("offer")).status_code == 201
    accepted = await connector.consumer_does("accept")
    path = f"/contracts/{connector.provider_pid}"
    version = (await connector.house.get(path)).json()["version"]
    assert (await connector.consumer_does("accept")).json() == accepted.json()
    assert (await connector.house.get(path)).json()["version"] == version
    for _ in range(2):
        assert (await connector.consumer_does("terminate")).json()["state"] == "TERMINATED"
    ended = (await connector.house.get(path)).json()
    assert (ended["state"], ended["version"]) == ("withdrawn", version + 1)
    other = connector_for(await trading.requested_contract(database))
    other.consumer, other.pid = connector.consumer, connector.pid
    refused = await other.request()
    assert (refused.status_code, refused.json()["code"]) == (400, "dataspace.consumer-pid-used")


async def test_a_policy_names_the_terms_of_the_contract(
    database: Database, connector_for: ConnectorFor
) -> None:
    connector = connector_for(await trading.requested_contract(database))
    await connector.request()
    connector.pid += "-2"
    wanted = permitting(
        connector.offer,
        limit("purpose", "eq", "research"),
        limit("dateTime", "gteq", "2024-07-01T00:00:00+08:00"),
        limit("odrl:dateTime", "lt", "2025-01-01T00:00:00+08:00"),
        limit("count", "lteq", {"@value": "500", "@type": "xsd:integer"}),
    )
    assert (await connector.request(offer=wanted)).status_code == 201
    path = f"/contracts/{connector.provider_pid}"
    asked = (await connector.house.get(path)).json()
    assert (asked["purposes"], asked["quota"]) == (["research"], 500)
    assert (asked["term_from"], asked["term_to"]) == ("2024-06-30T16:00:00Z", "2024-12-31T16:00:00Z")
    await connector.provider_does("offer")
    await connector.told()
    [(_, offered)] = connector.callbacks()
    said = offered["offer"]["permission"][0]["constraint"]
    assert limit("purpose", "isAnyOf", ["research"]) in said
    assert limit("count", "lteq", "500") in said
    longer = permitting(connector.offer, limit("elapsedTime", "lteq", "P30D"))
    pids = {"providerPid": connector.provider_pid, "offer": longer}
    assert (
        await connector.say(f"{connector.provider_pid}/request", "ContractRequestMessage", **pids)
    ).status_code == 200
    assert (await connector.house.get(path)).json()["term_to"] == "2024-07-30T16:00:00Z"


async def test_what_a_first_policy_leaves_open_is_as_the_catalogue_says(
    database: Database, connector_for: ConnectorFor
) -> None:
    connector = connector_for(await trading.requested_contract(database))
    await connector.request()
    path = f"/contracts/{connector.provider_pid}"
    asked = (await connector.house.get(path)).json()
    assert asked["purposes"] == ["industrial_development", "research", "sector_development"]
    assert asked["term_to"] == (NOON + timedelta(days=365)).isoformat().replace("+00:00", "Z")
    assert offered_days(NOON.date()) == 365
    with pytest.raises(TermUnknown):
        offered_days(NOON.date().replace(year=1999))


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ({"prohibition": [{"action": "distribute"}]}, "dataspace.policy-not-understood"),
        ({"permission": [{"action": "sell"}]}, "dataspace.policy-not-understood"),
        (
            {"permission": [{"action": "use", "constraint": [limit("spatial", "eq", "CN")]}]},
            "dataspace.policy-not-understood",
        ),
        (
            {"permission": [{"action": "use", "constraint": [limit("count", "gteq", "5")]}]},
            "dataspace.policy-not-understood",
        ),
        (
            {"permission": [{"action": "use", "constraint": [limit("purpose", "eq", "advertising")]}]},
            "dataspace.policy-not-understood",
        ),
        (
            {"permission": [{"action": "use", "constraint": [limit("count", "lteq", ["5", "6"])]}]},
            "dataspace.policy-not-understood",
        ),
        ({"permission": [{"action": "use"}, {"action": "use"}]}, "dataspace.policy-not-understood"),
        (
            {
                "obligation": [
                    {
                        "action": "compensate",
                        "constraint": [limit("payAmount", "eq", "0.01") | {"unit": "CNY"}],
                    }
                ]
            },
            "dataspace.price-not-offered",
        ),
        ({"@id": "urn:uuid:nonsense#industry"}, "dataspace.offer-unknown"),
        ({"target": "urn:uuid:018fdc6e-0c00-7000-8000-000000000001"}, "dataspace.offer-unknown"),
    ],
)
async def test_what_the_market_does_not_know_of_a_policy_is_refused(
    database: Database, connector_for: ConnectorFor, part: dict[str, Any], code: str
) -> None:
    connector = connector_for(await trading.requested_contract(database))
    await connector.request()
    connector.pid += "-2"
    refused = await connector.request(offer=connector.offer | part)
    assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert refused.json()["consumerPid"] == connector.pid


async def test_who_has_no_side_in_it_sees_none(
    database: Database, connector_for: ConnectorFor, client_for: ClientFor
) -> None:
    connector = connector_for(await trading.requested_contract(database))
    await connector.request()
    path = f"{BASE_PATH}/negotiations/{connector.provider_pid}"
    stranger = client_for((await trading.requested_contract(database)).buyer_account)
    for client in (stranger, connector.house):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["@type"]) == (404, "ContractNegotiationError")
        assert answer.json()["providerPid"] == connector.provider_pid
    by_house = f"{BASE_PATH}/negotiations/{connector.deal.contract.id}"
    assert (await connector.consumer.get(by_house)).status_code == 404
    visitor = await client_for(None).get(path)
    assert (visitor.status_code, visitor.json()["code"]) == (401, "auth.sign-in-needed")
    connector.pid += "-2"
    refused = await connector.consumer_does("terminate")
    assert (refused.status_code, refused.json()["code"]) == (400, "dataspace.pid-mismatch")
    assert faults(refused.json()) == []


async def test_a_message_with_faults_is_told_where_they_are(
    database: Database, connector_for: ConnectorFor
) -> None:
    connector = connector_for(await trading.requested_contract(database))
    await connector.request()
    finalizing = {"providerPid": connector.provider_pid, "eventType": "FINALIZED"}
    path = f"{connector.provider_pid}/events"
    refused = await connector.say(path, "ContractNegotiationEventMessage", **finalizing)
    assert (refused.status_code, refused.json()["code"]) == (400, "dataspace.event-not-yours")
    empty = await connector.consumer.post(f"{BASE_PATH}/negotiations/request", json={"consumerPid": 7})
    assert (empty.status_code, empty.json()["code"], empty.json()["consumerPid"]) == (
        400,
        "request.invalid",
        "",
    )
    assert any(reason.startswith("/body/offer") for reason in empty.json()["reason"])
    assert empty.headers["content-type"] == "application/json"
    strange = {"@context": ["https://example.cn"], "@type": "CatalogRequestMessage"}
    told = await connector.consumer.post(f"{BASE_PATH}/catalog/request", json=strange)
    assert (told.status_code, told.json()["@type"]) == (400, "CatalogError")


async def test_a_callback_goes_to_public_addresses_only(
    app: FastAPI, database: Database, connector_for: ConnectorFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = connector_for(await trading.requested_contract(database))
    monkeypatch.setattr(app.state.sender, "networks", ())
    refused = await connector.request(callbackAddress="https://127.0.0.1/dsp")
    assert (refused.status_code, refused.json()["code"]) == (400, "subscription.address-closed")
    assert (await connector.request()).json()["code"] == "subscription.address-malformed"


async def test_the_catalogue_is_paged_and_offers_what_a_listing_is_open_to(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.requested_contract(database, of_zone=True, plan=catalogue.PER_CALL)
    await trading.requested_contract(database)
    consumer = client_for(deal.buyer_account)
    asked = {"@context": CONTEXT, "@type": "CatalogRequestMessage"}
    first = await consumer.post(f"{BASE_PATH}/catalog/request?limit=1", json=asked)
    assert faults(first.json()) == []
    target, _, rel = first.headers["Link"].partition("; ")
    assert rel == 'rel="next"'
    second = await consumer.post(f"http://market{target.strip('<>')}", json=asked)
    [one], [other] = first.json()["dataset"], second.json()["dataset"]
    assert other["@id"] == f"urn:uuid:{deal.listed.listing.id}" != one["@id"]
    assert {offer["@id"].partition("#")[2] for offer in other["hasPolicy"]} == {"industry", "public_good"}
    free, paid = offer_of(other, "public_good"), offer_of(other)
    assert free["obligation"][0]["constraint"][0]["rightOperand"] == "0.00"
    assert paid["obligation"][0]["constraint"][0]["rightOperand"] != "0.00"
    filtered = await consumer.post(f"{BASE_PATH}/catalog/request", json=asked | {"filter": [{"a": 1}]})
    assert filtered.status_code == 400


async def test_the_consumer_is_told_once_both_have_signed_whoever_signs_first(
    database: Database, connector_for: ConnectorFor
) -> None:
    connector = connector_for(await trading.requested_contract(database))
    await connector.request()
    await connector.provider_does("agree")
    await connector.provider_does("finalize")
    assert await connector.state() == "AGREED"
    await connector.told()
    assert (await connector.consumer_does("verify")).status_code == 200
    assert await connector.state() == "FINALIZED"
    await connector.told()
    assert [path for path, _ in connector.callbacks()] == ["agreement", "events"]
    assert (await connector.consumer_does("verify")).status_code == 200
    agreement = connector.callbacks()[0][1]["agreement"]
    assert agreement["@id"] == f"urn:uuid:{connector.provider_pid}"
    assert agreement["assignee"] == f"urn:uuid:{connector.deal.buyer.id}"


async def test_a_negotiation_that_nobody_goes_on_with_is_told_to_be_over(
    database: Database, connector_for: ConnectorFor
) -> None:
    connector = connector_for(await trading.requested_contract(database))
    await connector.request()
    while await lapse_due(database, LEDGER_ID, NOON + timedelta(days=31)):
        pass
    await connector.told()
    [(path, message)] = connector.callbacks()
    assert (path, message["code"], faults(message)) == ("termination", "expired", [])
    assert await connector.state() == "TERMINATED"
