"""/contracts/{id}/offers: terms, counter-offers, amendments; /versions: what was in force, from when to when."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Response
from pydantic import Field

from datamarket.auth.access import ReadMarket
from datamarket.contracts import queries as contracts
from datamarket.contracts.api import ConcludeContract
from datamarket.contracts.kinds.shapes import AnnexIn
from datamarket.contracts.kinds.terms import ContractClause, ContractKind
from datamarket.contracts.negotiation import actions, queries, rules
from datamarket.contracts.rules import OFFER_LIFE, NotYourMove, party_of
from datamarket.contracts.tables import Contract
from datamarket.contracts.terms import TERMS, OfferEvent, OfferState, Party, Purpose
from datamarket.foundation.http import (
    AllowedEvents,
    Body,
    FenIn,
    IfMatch,
    InstantIn,
    Now,
    Page,
    Paging,
    Prose,
    QuantityIn,
    Reading,
    SliceRouter,
    Writing,
    check_tag,
    page_of,
    tag,
)
from datamarket.foundation.shapes import RowShape
from datamarket.zones.terms import UseClass

router = SliceRouter(prefix="/contracts", tags=["contracts"])
Number = Annotated[int, Path(ge=1, le=1_000_000)]


class OfferIn(Body):
    """What is to be other than the contract says now; what is left out stays. A term alone is a renewal."""

    kind: ContractKind | None = None
    price_fen: FenIn | None = Field(default=None, examples=[2500])
    purposes: Annotated[list[Purpose], Field(min_length=1, max_length=5)] | None = None
    term_from: InstantIn | None = None
    term_to: InstantIn | None = Field(default=None, examples=["2026-07-01T00:00:00+08:00"])
    quota: QuantityIn | None = Field(default=None, description="units in all; null for no limit")
    annex: AnnexIn | None = Field(default=None, description="the whole annex anew")
    valid_until: InstantIn | None = Field(default=None, description="for how long it can be answered")
    reason: Prose | None = None


class DifferenceOut(RowShape):
    """One clause, as it was and as it is to be."""

    clause: ContractClause
    clause_zh: str = Field(examples=["单价"])
    clause_en: str = Field(examples=["price"])
    before_zh: str
    before_en: str
    after_zh: str
    after_en: str


class OfferOut(RowShape):
    """A version of the terms. `differences` are those from the version that it was to change, `base_number`."""

    contract_id: UUID
    number: int
    base_number: int | None
    kind: ContractKind
    kind_zh: str
    kind_en: str
    party: Party
    state: OfferState
    state_zh: str
    state_en: str
    price_model: str
    price_fen: int
    period_days: int | None
    purposes: list[Purpose]
    use_class: UseClass
    term_from: datetime
    term_to: datetime
    quota: int | None
    annex: dict[str, Any]
    reason: str | None
    offered_at: datetime
    in_force_from: datetime | None
    in_force_to: datetime | None
    provider_digest: str | None = Field(description="SHA-256 of the text that the provider signed")
    buyer_digest: str | None = Field(description="of the text that the buyer signed: the same")
    differences: list[DifferenceOut]


class OfferMovedOut(OfferOut):
    """The same after a move of it."""

    version: int = Field(description="of the contract, whose tag this is")


class OfferEventIn(Body):
    """`reason` is needed to reject and to withdraw."""

    event: OfferEvent
    reason: Prose | None = None


class OfferEventsOut(AllowedEvents[OfferState, OfferEvent]):
    """What this caller may do with the terms now."""


def _derived(found: queries.Versioned) -> dict[str, Any]:
    """What a version differs in from the one that it was to change."""
    offer, base = found
    if base is None:
        return {"base_number": None, "differences": []}
    before, after = ({name: getattr(row, name) for name in TERMS} for row in (base, offer))
    return {"differences": [DifferenceOut.of(changed) for changed in rules.differences(before, after)]}


def _out(found: queries.Versioned) -> OfferOut:
    return OfferOut.of(found[0], **_derived(found))


async def _moved(session: Writing, contract: Contract, number: int, response: Response) -> OfferMovedOut:
    tag(response, contract.version)
    found = await queries.get_offer(session, contract.id, number)
    return OfferMovedOut.of(found[0], version=contract.version, **_derived(found))


@router.post("/{contract_id}/offers", status_code=201, summary="Offer other terms, or an amendment")
async def offer_terms(
    actor: ConcludeContract,
    session: Writing,
    now: Now,
    contract_id: UUID,
    body: OfferIn,
    response: Response,
    if_match: IfMatch = None,
) -> OfferMovedOut:
    """Before the signature the two take turns; after it either may offer, and the terms in force stay until both have signed.

    The tag is the contract's.
    """
    contract = await contracts.lock_contract(session, contract_id, visible_to=actor)
    check_tag(if_match, contract.version)
    said = body.model_dump(include=set(TERMS), exclude_unset=True)
    changes = {name: value for name, value in said.items() if value is not None or name == "quota"}
    if body.annex is not None:
        changes["annex"] = body.annex.clauses()
    offer = await actions.offer_terms(
        session, actor, contract, changes, reason=body.reason, valid_until=body.valid_until, now=now
    )
    return await _moved(session, contract, offer.number, response)


@router.get("/{contract_id}/offers", summary="Every version of the terms, oldest first")
async def list_offers(
    actor: ReadMarket, session: Reading, paging: Paging[int], contract_id: UUID
) -> Page[OfferOut]:
    return await _page(actor, session, paging, contract_id, in_force=False)


@router.get("/{contract_id}/versions", summary="The terms that were in force, oldest first")
async def list_versions(
    actor: ReadMarket, session: Reading, paging: Paging[int], contract_id: UUID
) -> Page[OfferOut]:
    return await _page(actor, session, paging, contract_id, in_force=True)


async def _page(
    actor: ReadMarket, session: Reading, paging: Paging[int], contract_id: UUID, *, in_force: bool
) -> Page[OfferOut]:
    await contracts.get_contract(session, contract_id, visible_to=actor)
    rows = await queries.list_offers(session, contract_id, in_force=in_force, page=paging)
    return page_of(rows, paging, _out, lambda version: [version[0].number])


@router.post("/{contract_id}/offers/{number}/events", summary="Sign, reject or withdraw an amendment")
async def answer_amendment(
    actor: ConcludeContract,
    session: Writing,
    now: Now,
    contract_id: UUID,
    number: Number,
    body: OfferEventIn,
    response: Response,
    if_match: IfMatch = None,
) -> OfferMovedOut:
    """Who offered it has signed it; with the other's signature it is in force. The tag is the contract's."""
    contract = await contracts.lock_contract(session, contract_id, visible_to=actor)
    check_tag(if_match, contract.version)
    await actions.answer_amendment(session, actor, contract, number, body.event, reason=body.reason, now=now)
    return await _moved(session, contract, number, response)


@router.get("/{contract_id}/offers/{number}/allowed-events", summary="What you may do with the terms now")
async def allowed_offer_events(
    actor: ReadMarket, session: Reading, contract_id: UUID, number: Number
) -> OfferEventsOut:
    """Terms that are negotiated are answered by moving the contract."""
    contract = await contracts.get_contract(session, contract_id, visible_to=actor)
    offer, _ = await queries.get_offer(session, contract_id, number)
    events = []
    if contract.terms_number != number:
        for event in OFFER_LIFE.open_in(offer.state):
            try:
                party = party_of(actor, provider_id=contract.provider_id, buyer_id=contract.buyer_id)
                rules.check_answer(event, party, offer.party)
                events.append(event)
            except NotYourMove:
                continue
    return OfferEventsOut(state=OfferState(offer.state), events=events)
