"""Words of the protocol, as its context spells them, and what the states of a contract are called in it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from datamarket.catalogue.listings.terms import PriceModel
from datamarket.contracts.terms import ContractState, Purpose
from datamarket.foundation.money import Fen
from datamarket.foundation.states import Labelled

VERSION = "2025-1"
BASE_PATH = f"/dsp/{VERSION}"
"""Below the API's own prefix; the version document names both together."""
CONTEXT = ["https://w3id.org/dspace/2025/1/context.jsonld"]
URN = "urn:uuid:"
"""Before each of the market's ids, which is an IRI so."""
PRICE_MODEL_TERM = "unitOfCount"
"""The left operand of ODRL that names the price model."""
FORMAT = "HttpData-PULL"
"""The one way in which data leave: the consumer asks at the address that a started transfer names."""
ENDPOINT_TYPE = "https://w3id.org/idsa/v4.1/HTTP"


class NegotiationState(Labelled):
    """The protocol's states of a negotiation, and whose message leads there is said by `rules`."""

    REQUESTED = "REQUESTED", "已请求", "requested"
    OFFERED = "OFFERED", "供方已要约", "offered by the provider"
    ACCEPTED = "ACCEPTED", "需方已接受", "accepted by the consumer"
    AGREED = "AGREED", "已达成协议", "agreed by the provider"
    VERIFIED = "VERIFIED", "需方已确认", "verified by the consumer"
    FINALIZED = "FINALIZED", "已生效", "finalized"
    TERMINATED = "TERMINATED", "已终止", "terminated"


NEGOTIATION_STATE_OF = {
    ContractState.REQUESTED: NegotiationState.REQUESTED,
    ContractState.OFFERED: NegotiationState.OFFERED,
    ContractState.ACCEPTED: NegotiationState.ACCEPTED,
    ContractState.AGREED: NegotiationState.AGREED,
    ContractState.PART_SIGNED: NegotiationState.VERIFIED,
    ContractState.ACTIVE: NegotiationState.FINALIZED,
    ContractState.SUSPENDED: NegotiationState.FINALIZED,
    ContractState.EXPIRED: NegotiationState.TERMINATED,
    ContractState.ENDED: NegotiationState.TERMINATED,
    ContractState.REJECTED: NegotiationState.TERMINATED,
    ContractState.WITHDRAWN: NegotiationState.TERMINATED,
}
"""Where the provider has signed first, nothing is verified yet: `rules.negotiation_state` knows."""


@dataclass(frozen=True)
class PolicyTerms:
    """What a policy says of a contract's terms; None where it says nothing. `lasts_days` is a term without dates."""

    purposes: frozenset[Purpose] | None = None
    term_from: datetime | None = None
    term_to: datetime | None = None
    lasts_days: int | None = None
    quota: int | None = None
    price_fen: Fen | None = None
    price_model: PriceModel | None = None


@dataclass(frozen=True)
class Callback:
    """A message to a consumer that waits to be sent, and what the consumer knows once it took it."""

    kind: str
    id: UUID
    url: str
    body: dict[str, Any]
    told: str
    failures: int
    version: int
