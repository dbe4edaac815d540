"""The 35 provider-side cases of the Dataspace Protocol's conformance suite (dsp-tck 2025-1), by their ids.

A case is a row of steps: C is the consumer's message over HTTP, P what the provider does through the house's own API.
`!` marks a message that has to be refused. After every step the state is asked for; a P step is told once, a C step never.
"""

import pytest

from datamarket.dataspace.terms import BASE_PATH, CONTEXT
from datamarket.foundation.db import Database
from tests.conftest import ClientFor
from tests.dataspace.conftest import ConnectorFor
from tests.world import trading
from tests.world.connectors import Connector, faults
from tests.world.people import NOON

SOME_ID = "018fdc6e-0c00-7000-8000-000000000001"
NEGOTIATIONS = {
    "CN:01-01": "C request, P offer, C terminate",
    "CN:01-02": "C request, P offer, C counter, P terminate",
    "CN:01-03": "C request, P offer, C accept, P agree, C verify, P finalize",
    "CN:01-04": "C request, P agree, C verify, P finalize",
    "CN:02-01": "C request, P terminate",
    "CN:02-02": "C request, C terminate",
    "CN:02-03": "C request, P agree, C terminate",
    "CN:02-04": "C request, P offer, C terminate",
    "CN:02-05": "C request, P offer, P terminate",
    "CN:02-06": "C request, P offer, C accept, P terminate",
    "CN:02-07": "C request, P agree, C verify, P terminate",
    "CN:03-01": "C request, P agree, C verify, P finalize, C terminate!",
    "CN:03-02": "C request, P offer, C verify!",
    "CN:03-03": "C request, P offer, C accept, C verify!",
    "CN:03-04": "C request, P offer, C counter, C counter!, P terminate",
}
TRANSFERS = {
    "TP:01-01": "C request, P start, P terminate",
    "TP:01-02": "C request, P start, P complete",
    "TP:01-03": "C request, P start, P suspend, P terminate",
    "TP:01-04": "C request, P start, P suspend, P start, P complete",
    "TP:01-05": "C request, P terminate",
    "TP:02-01": "C request, P start, C terminate",
    "TP:02-02": "C request, P start, C complete",
    "TP:02-03": "C request, P start, C suspend, C terminate",
    "TP:02-04": "C request, P start, C suspend, C start, C complete",
    "TP:02-05": "C request, C terminate",
    "TP:03-01": "C request, C complete!",
    "TP:03-02": "C request, C suspend!",
    "TP:03-03": "C request, P start, C suspend, C complete!",
    "TP:03-04": "C request, P start, C terminate, C start!",
    "TP:03-05": "C request, P start, C terminate, C suspend!",
    "TP:03-06": "C request, P start, C terminate, C complete!",
}
LEADS_TO = {
    "request": "REQUESTED",
    "counter": "REQUESTED",
    "offer": "OFFERED",
    "accept": "ACCEPTED",
    "agree": "AGREED",
    "verify": "VERIFIED",
    "finalize": "FINALIZED",
    "terminate": "TERMINATED",
    "start": "STARTED",
    "suspend": "SUSPENDED",
    "complete": "COMPLETED",
}
TOLD_BY = {
    "offer": "offers",
    "agree": "agreement",
    "finalize": "events",
    "terminate": "termination",
    "start": "start",
    "suspend": "suspension",
    "complete": "completion",
}


async def play(connector: Connector, steps: str) -> None:
    state = ""
    for step in steps.split(", "):
        side, deed = step.rstrip("!").split()
        refused, before = step.endswith("!"), len(connector.callbacks())
        if side == "P":
            answer = await connector.provider_does(deed)
        elif deed == "request":
            answer = await connector.request()
        else:
            answer = await connector.consumer_does(deed)
        await connector.told()
        await connector.told()
        if refused:
            error = answer.json()
            assert (answer.status_code, error["@type"].endswith("Error"), bool(error["reason"])) == (
                400,
                True,
                True,
            ), step
        else:
            assert answer.status_code in {200, 201}, (step, answer.text)
            state = LEADS_TO[deed]
        assert await connector.state() == state, step
        fresh = connector.callbacks()[before:]
        assert [path for path, _ in fresh] == ([TOLD_BY[deed]] if side == "P" else []), step
        assert [faults(body) for _, body in fresh] == [[]] * len(fresh), fresh
        assert {(body["consumerPid"], body["providerPid"]) for _, body in fresh} <= {
            (connector.pid, connector.provider_pid)
        }


@pytest.mark.parametrize("case", ["MET:01-01"])
async def test_the_version_document_names_where_the_protocol_is_spoken(
    client_for: ClientFor, case: str
) -> None:
    answer = await client_for(None).get("http://market/.well-known/dspace-version")
    [version] = answer.json()["protocolVersions"]
    assert version == {"version": "2025-1", "path": f"/api/v1{BASE_PATH}", "binding": "HTTPS"}
    assert faults(answer.json() | {"@type": "Version"}) == []


@pytest.mark.parametrize("case", ["CAT:01-01", "CAT:01-02", "CAT:01-03"])
async def test_the_catalogue_shows_published_listings(
    database: Database, client_for: ClientFor, case: str
) -> None:
    deal = await trading.requested_contract(database)
    consumer = client_for(deal.buyer_account)
    dataset = f"urn:uuid:{deal.listed.listing.id}"
    if case == "CAT:01-01":
        asked = {"@context": CONTEXT, "@type": "CatalogRequestMessage"}
        answer = await consumer.post(f"{BASE_PATH}/catalog/request?limit=100", json=asked)
        assert dataset in [shown["@id"] for shown in answer.json()["dataset"]]
    elif case == "CAT:01-02":
        answer = await consumer.get(f"{BASE_PATH}/catalog/datasets/{dataset}")
        assert (answer.json()["@id"], answer.json()["@type"]) == (dataset, "Dataset")
    else:
        answer = await consumer.get(f"{BASE_PATH}/catalog/datasets/{SOME_ID}")
        assert (answer.status_code, answer.json()["@type"]) == (404, "CatalogError")
        assert answer.json()["code"] == "not-found"
    assert faults(answer.json()) == []


@pytest.mark.parametrize("case", NEGOTIATIONS)
async def test_a_negotiation(database: Database, connector_for: ConnectorFor, case: str) -> None:
    await play(connector_for(await trading.requested_contract(database)), NEGOTIATIONS[case])


@pytest.mark.parametrize("case", TRANSFERS)
async def test_a_transfer(database: Database, connector_for: ConnectorFor, case: str) -> None:
    term = {"term_from": NOON.replace(year=2023), "term_to": NOON.replace(year=2027)}
    deal = await trading.active_contract(database, funds=None, **term)
    await play(connector_for(deal, "transfers"), TRANSFERS[case])


def test_every_case_of_the_suite_is_played() -> None:
    assert len({"MET:01-01", "CAT:01-01", "CAT:01-02", "CAT:01-03", *NEGOTIATIONS, *TRANSFERS}) == 35
