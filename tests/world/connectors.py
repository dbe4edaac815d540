"""A small consumer: it speaks the Dataspace Protocol over HTTP, takes callbacks on loopback, and holds both directions to the schemas."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from jsonschema import Draft201909Validator
from referencing import Registry, Resource

from datamarket.dataspace.sending import Courier
from datamarket.dataspace.terms import BASE_PATH, CONTEXT
from tests.conftest import ClientFor
from tests.world.people import unique
from tests.world.receivers import Receiver
from tests.world.trading import Agreement

SCHEMAS = json.loads((Path(__file__).parents[1] / "dataspace" / "schemas.json").read_text(encoding="utf-8"))[
    "schemas"
]
_REGISTRY: Any = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS
)
_BY_TITLE = {schema["title"].removesuffix("Schema"): schema for schema in SCHEMAS}
MOVED_BY_HOUSE = {
    "agree": "agree",
    "finalize": "sign",
    "start": "start",
    "suspend": "suspend",
    "complete": "complete",
}
CLOSING = {"requested": "reject", "accepted": "reject"}
"""How a provider ends a negotiation in each state of its contract; by withdrawing in all others."""
CONSUMER_PATHS = {
    "accept": ("events", "ContractNegotiationEventMessage"),
    "verify": ("agreement/verification", "ContractAgreementVerificationMessage"),
    "counter": ("request", "ContractRequestMessage"),
    "start": ("start", "TransferStartMessage"),
    "suspend": ("suspension", "TransferSuspensionMessage"),
    "complete": ("completion", "TransferCompletionMessage"),
}


def faults(document: dict[str, Any]) -> list[str]:
    """What a published schema has against a document; the schema is that of its `@type`."""
    schema = _BY_TITLE[document["@type"]]
    return [error.message for error in Draft201909Validator(schema, registry=_REGISTRY).iter_errors(document)]


def offer_of(dataset: dict[str, Any], use_class: str = "industry") -> dict[str, Any]:
    """An offer of the catalogue as a message carries it."""
    found: dict[str, Any]
    [found] = [offer for offer in dataset["hasPolicy"] if offer["@id"].endswith(f"#{use_class}")]
    return found | {"target": dataset["@id"]}


def counter_policy(offer: dict[str, Any], yuan: str) -> dict[str, Any]:
    """The offer, at another price."""
    pay = {"leftOperand": "payAmount", "operator": "eq", "rightOperand": yuan, "unit": "CNY"}
    return offer | {"obligation": [{"action": "compensate", "constraint": [pay]}]}


class Connector:
    """One process, `negotiations` or `transfers`, of a deal: what the consumer sends, what the provider does in the house."""

    def __init__(
        self, app: FastAPI, client_for: ClientFor, deal: Agreement, receiver: Receiver, kind: str
    ) -> None:
        self.courier: Courier = app.state.courier
        self.consumer, self.house = client_for(deal.buyer_account), client_for(deal.provider_account)
        self.deal, self.receiver, self.kind = deal, receiver, kind
        self.pid, self.provider_pid = f"urn:uuid:{unique('consumer')}", ""
        self.offer: dict[str, Any] = {}

    async def say(self, path: str, kind: str, **said: Any) -> httpx.Response:
        """A message; what is sent and what is answered are what the schemas ask for."""
        body = {"@context": CONTEXT, "@type": kind, "consumerPid": self.pid, **said}
        assert faults(body) == []
        answer = await self.consumer.post(f"{BASE_PATH}/{self.kind}/{path}", json=body)
        assert faults(answer.json()) == [], answer.json()
        return answer

    async def request(self, **said: Any) -> httpx.Response:
        """The first message."""
        asked = {"callbackAddress": self.receiver.url} | said
        if self.kind == "negotiations":
            listing = self.deal.listed.listing.id
            found = await self.consumer.get(f"{BASE_PATH}/catalog/datasets/urn:uuid:{listing}")
            self.offer = offer_of(found.json())
            answer = await self.say("request", "ContractRequestMessage", **{"offer": self.offer} | asked)
        else:
            agreement = {"agreementId": f"urn:uuid:{self.deal.contract.id}", "format": "HttpData-PULL"}
            answer = await self.say("request", "TransferRequestMessage", **agreement | asked)
        self.provider_pid = answer.json().get("providerPid", "")
        return answer

    async def consumer_does(self, deed: str) -> httpx.Response:
        kind = "Transfer" if self.kind == "transfers" else "ContractNegotiation"
        path, message = CONSUMER_PATHS.get(deed, ("termination", f"{kind}TerminationMessage"))
        said: dict[str, Any] = {"providerPid": self.provider_pid}
        if deed == "accept":
            said["eventType"] = "ACCEPTED"
        if deed == "counter":
            said["offer"] = counter_policy(self.offer, f"1{len(self.receiver.got)}.00")
        if deed in {"suspend", "terminate"}:
            said |= {"code": "1", "reason": ["不再需要"]}
        return await self.say(f"{self.provider_pid}/{path}", message, **said)

    async def provider_does(self, deed: str) -> httpx.Response:
        """Through the house's own API, by the provider's account; then everyone who is due is told."""
        thing = self.provider_pid
        path = f"/contracts/{thing}" if self.kind == "negotiations" else f"/transfers/{thing}"
        if deed == "offer":
            price = 2_000 + len(self.receiver.got)
            return await self.house.post(f"{path}/offers", json={"price_fen": price})
        event = MOVED_BY_HOUSE.get(deed, "terminate")
        if deed == "terminate" and self.kind == "negotiations":
            event = CLOSING.get((await self.house.get(path)).json()["state"], "withdraw")
        return await self.house.post(f"{path}/events", json={"event": event, "reason": "协商不成"})

    async def told(self) -> None:
        """One turn of what runs beside answering."""
        await asyncio.gather(*await self.courier.begin())

    async def state(self) -> str:
        answer = await self.consumer.get(f"{BASE_PATH}/{self.kind}/{self.provider_pid}")
        assert faults(answer.json()) == []
        return str(answer.json()["state"])

    def callbacks(self) -> list[tuple[str, dict[str, Any]]]:
        """What came, and where: the path behind the callback address and the pid."""
        bodies = [json.loads(body) for _, body in self.receiver.got]
        begins = f"/told/{self.kind}/{self.pid}/"
        return [
            (path.removeprefix(begins), body) for path, body in zip(self.receiver.paths, bodies, strict=True)
        ]
