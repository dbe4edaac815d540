"""What is answered and what is sent, in the protocol's own names; plain JSON that is compacted JSON-LD already."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from datamarket.dataspace.policies import catalogue_offers, contract_terms, written
from datamarket.dataspace.terms import (
    BASE_PATH,
    CONTEXT,
    ENDPOINT_TYPE,
    FORMAT,
    URN,
    Callback,
    NegotiationState,
)
from datamarket.dataspace.transfers.terms import TransferProcessState
from datamarket.foundation.clock import business_date
from datamarket.foundation.http import API_PREFIX

N, T = NegotiationState, TransferProcessState
NEGOTIATIONS, TRANSFERS = "negotiations", "transfers"
_NEGOTIATION_MESSAGES = {
    N.OFFERED: ("offers", "ContractOfferMessage"),
    N.AGREED: ("agreement", "ContractAgreementMessage"),
    N.FINALIZED: ("events", "ContractNegotiationEventMessage"),
    N.TERMINATED: ("termination", "ContractNegotiationTerminationMessage"),
}
"""The states that a provider's message leads to; to the others it is the consumer's own."""
_TRANSFER_MESSAGES = {
    T.STARTED: ("start", "TransferStartMessage"),
    T.SUSPENDED: ("suspension", "TransferSuspensionMessage"),
    T.COMPLETED: ("completion", "TransferCompletionMessage"),
    T.TERMINATED: ("termination", "TransferTerminationMessage"),
}


def process(kind: str, provider_pid: UUID, consumer_pid: str, **said: Any) -> dict[str, Any]:
    """What every message about a process begins with."""
    pids = {"providerPid": str(provider_pid), "consumerPid": consumer_pid}
    return {"@context": CONTEXT, "@type": kind, **pids, **said}


def dataset(listing: Mapping[str, Any], service: str, now: datetime) -> dict[str, Any]:
    """A published listing, with an offer for each class of use that it is open to."""
    titles = {"zh": listing["name_zh"], "en": listing["name_en"]}
    return {
        "@id": f"{URN}{listing['id']}",
        "@type": "Dataset",
        "title": [{"@language": tag, "@value": told} for tag, told in titles.items() if told],
        "hasPolicy": catalogue_offers(listing, business_date(now)),
        "distribution": [{"@type": "Distribution", "format": FORMAT, "accessService": service}],
    }


def catalogue(
    listings: list[Mapping[str, Any]], ledger_id: int, public_url: str, now: datetime
) -> dict[str, Any]:
    """A page of the market's catalogue; one without datasets names none."""
    own = f"urn:datamarket:{ledger_id}"
    service = f"{own}:connector"
    told: dict[str, Any] = {
        "@context": CONTEXT,
        "@id": f"{own}:catalogue",
        "@type": "Catalog",
        "participantId": own,
        "service": [
            {
                "@id": service,
                "@type": "DataService",
                "endpointURL": f"{public_url}{API_PREFIX}{BASE_PATH}",
            }
        ],
    }
    if listings:
        told["dataset"] = [dataset(listing, service, now) for listing in listings]
    return told


def negotiation_callback(row: Mapping[str, Any], now: datetime) -> Callback | None:
    """What the consumer of a negotiation has to be told, if anything: it knows `told`, and the contract is at `shown`.

    The protocol knows no way out of FINALIZED: what becomes of the contract afterwards is told by its transfers.
    """
    shown: NegotiationState = row["shown"]
    again = shown is N.OFFERED and row["terms_number"] != row["told_number"]
    if shown not in _NEGOTIATION_MESSAGES or row["told"] in {N.FINALIZED, N.TERMINATED}:
        return None
    if shown == row["told"] and not again:
        return None
    path, kind = _NEGOTIATION_MESSAGES[shown]
    contract_id = row["contract_id"]
    policy = {"target": f"{URN}{row['listing_id']}", **written(contract_terms(row))}
    parties = {"assigner": f"{URN}{row['provider_id']}", "assignee": f"{URN}{row['buyer_id']}"}
    said: dict[NegotiationState, dict[str, Any]] = {
        N.OFFERED: {
            "offer": {"@id": f"{URN}{contract_id}#{row['terms_number']}", "@type": "Offer", **policy}
        },
        N.AGREED: {
            "agreement": {
                "@id": f"{URN}{contract_id}",
                "@type": "Agreement",
                "timestamp": now.isoformat(timespec="seconds"),
                **parties,
                **policy,
            }
        },
        N.FINALIZED: {"eventType": "FINALIZED"},
        N.TERMINATED: {"code": row["state"], **_reasoned(row["reason"])},
    }
    body = process(kind, contract_id, row["consumer_pid"], **said[shown])
    url = _url(row, NEGOTIATIONS, path)
    return Callback(NEGOTIATIONS, contract_id, url, body, shown, row["failures"], row["version"])


def transfer_callback(row: Mapping[str, Any], public_url: str) -> Callback | None:
    """The same of a transfer; one that starts is told where its data are asked for."""
    shown: TransferProcessState = row["shown"]
    if shown == row["told"] or shown not in _TRANSFER_MESSAGES:
        return None
    path, kind = _TRANSFER_MESSAGES[shown]
    said: dict[str, Any] = {}
    if shown is T.STARTED:
        said["dataAddress"] = {
            "@type": "DataAddress",
            "endpointType": ENDPOINT_TYPE,
            "endpoint": f"{public_url}{API_PREFIX}/contracts/{row['contract_id']}/uses",
            "endpointProperties": [{"@type": "EndpointProperty", "name": "authType", "value": "bearer"}],
        }
    elif shown is not T.COMPLETED:
        said = {"code": "contract" if shown != row["state"] else shown.value, **_reasoned(row["reason"])}
    body = process(kind, row["id"], row["consumer_pid"], **said)
    return Callback(
        TRANSFERS, row["id"], _url(row, TRANSFERS, path), body, shown, row["failures"], row["version"]
    )


def _reasoned(reason: str | None) -> dict[str, Any]:
    return {"reason": [reason]} if reason else {}


def _url(row: Mapping[str, Any], kind: str, path: str) -> str:
    return f"{row['callback_address'].rstrip('/')}/{kind}/{quote(row['consumer_pid'], safe=':')}/{path}"
