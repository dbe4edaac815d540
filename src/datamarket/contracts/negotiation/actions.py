"""Offering terms, before a contract is signed and after, and answering an amendment."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import CLOCK, Actor
from datamarket.catalogue.listings import queries as catalogue
from datamarket.catalogue.listings.rules import check_plan
from datamarket.catalogue.listings.terms import PricePlan
from datamarket.contracts import actions as contracts
from datamarket.contracts import queries
from datamarket.contracts import rules as contract_rules
from datamarket.contracts.ceilings import check_price
from datamarket.contracts.deadlines import deadline
from datamarket.contracts.disposal import actions as disposal
from datamarket.contracts.kinds.rules import check_clauses
from datamarket.contracts.kinds.terms import ContractKind
from datamarket.contracts.limits.terms import limits_in
from datamarket.contracts.negotiation import queries as versions
from datamarket.contracts.negotiation import rules
from datamarket.contracts.tables import Contract, ContractOffer
from datamarket.contracts.terms import TERMS, ContractEvent, ContractState, OfferEvent, OfferState, Party
from datamarket.contracts.text.actions import sign_text
from datamarket.evidence import actions as evidence
from datamarket.foundation.db import Database, driver
from datamarket.foundation.money import Fen
from datamarket.zones.terms import UseClass

LARGEST_LAPSE = 200
"""In one transaction: each holds its contract meanwhile."""


async def offer_terms(
    session: AsyncSession,
    actor: Actor,
    contract: Contract,
    changes: Mapping[str, Any],
    *,
    reason: str | None = None,
    valid_until: datetime | None = None,
    now: datetime,
) -> ContractOffer:
    """The other side gets the contract's terms with these changes to answer. `contract` is locked by the caller.

    Raises NotYourMove, OfferOutOfTurn, TransitionNotAllowed, AnswerLate, NoticeGiven, OfferOver, OfferUnchanged,
    TermBegun, UseClassFixed, KindFixed, and what `request_contract` raises.
    """
    party = contract_rules.party_of(actor, provider_id=contract.provider_id, buyer_id=contract.buyer_id)
    standing = await queries.find_offer(session, contract.id, OfferState.OPEN)
    state = ContractState(contract.state)
    event = rules.offer_event(party, state, open_by=standing.party if standing else None)
    rules.check_open(contract.answer_by, contract.ends_at, valid_until, now)
    before = _terms(contract)
    after = await _changed(session, contract, before, changes)
    await _check(session, contract, after, now)
    said = rules.differences(before, after)
    if event is ContractEvent.AMEND:
        rules.check_amendment(before, after, now)
    if standing is not None:
        standing.state = contract_rules.OFFER_LIFE.after(standing.state, OfferEvent.REPLACE)
        await session.flush()
    number = await versions.last_number(session, contract.id) + 1
    offer = contracts.version_of(contract, number, party, now, reason=reason, **after)
    session.add(offer)
    _await(contract, offer, event, valid_until, now)
    facts = {"number": number, "changed": [one.clause.value for one in said]}
    if event is ContractEvent.AMEND:
        facts |= await sign_text(session, contract, offer, party)
    await contracts.tell(session, actor, contract, event, now, party=party, reason=reason, **facts)
    return offer


def _await(
    contract: Contract, offer: ContractOffer, event: ContractEvent, until: datetime | None, now: datetime
) -> None:
    """The other side is to answer: what is negotiated stands on the contract's row at once, an amendment does not."""
    contract.version += 1
    if event is ContractEvent.AMEND:
        contract.awaits = Party.BUYER if offer.party == Party.PROVIDER else Party.PROVIDER
        contract.answer_by = until or deadline("amendment", now)
        return
    following = contract_rules.CONTRACT_LIFE.after(contract.state, event)
    _put(contract, offer)
    contracts.await_answer(contract, event, following, now, until)
    contract.state, contract.reason = following, offer.reason


async def answer_amendment(
    session: AsyncSession,
    actor: Actor,
    contract: Contract,
    number: int,
    event: OfferEvent,
    *,
    reason: str | None = None,
    now: datetime,
) -> ContractOffer:
    """Sign, reject or withdraw an amendment; signed, it is in force. `contract` is locked by the caller.

    Raises NotFound, NotYourMove, ReasonMissing, TransitionNotAllowed, AnswerLate, QuotaBelowUsed, AmendmentWaits,
    ContractStopped, and what `request_contract` raises.
    """
    offer, _ = await versions.get_offer(session, contract.id, number)
    party = contract_rules.party_of(actor, provider_id=contract.provider_id, buyer_id=contract.buyer_id)
    rules.check_answer(event, party, offer.party)
    contract_rules.OFFER_LIFE.check_reason(event, reason)
    following = contract_rules.OFFER_LIFE.after(offer.state, event)
    facts: dict[str, Any] = {"party": party, "reason": reason, "number": number}
    contract_rules.CONTRACT_LIFE.after(contract.state, ContractEvent.AMEND)
    if event is OfferEvent.SIGN:
        contract_rules.check_in_time(contract.answer_by, now)
        facts |= await sign_text(session, contract, offer, party)
        facts["links"] = await _put_in_force(session, contract, offer, now)
    offer.state = following
    contract.awaits = contract.answer_by = None
    contract.version += 1
    verb = f"{event}-amendment"
    await contracts.tell(session, actor, contract, verb, now, **facts)
    return offer


async def lapse_due(database: Database, _ledger_id: int, now: datetime) -> int:
    """What nobody answered in time, one batch: a negotiation expires, of an amendment the terms in force are left.

    A contract that ended with its mandate is due at once: what was open of it lapses, and its disposal is owed.
    """
    lapsed: defaultdict[str, list[evidence.Event]] = defaultdict(list)
    async with database.transaction() as session:
        rows = await queries.lock_unanswered(session, now, LARGEST_LAPSE)
        offers = await queries.open_offers(session, [row.id for row in rows])
        for offer in offers:
            offer.state = contract_rules.OFFER_LIFE.after(offer.state, OfferEvent.EXPIRE)
        offered = {offer.contract_id for offer in offers}
        for row in rows:
            facts = {"reason": contract_rules.LAPSED, "answer_by": str(row.answer_by)}
            negotiated = row.state in contract_rules.NEGOTIATED
            if negotiated:
                row.state = contract_rules.CONTRACT_LIFE.after(row.state, ContractEvent.EXPIRE)
                row.reason = contract_rules.LAPSED
            if row.id in offered:
                verb = "expire" if negotiated else "lapse-amendment"
                lapsed[verb].append(evidence.Event(CLOCK, row.id, facts))
            if row.state == ContractState.ENDED and row.answer_by is not None:
                await disposal.owe_disposal(session, row, now=row.answer_by)
            row.awaits = row.answer_by = None
            row.version += 1
        await session.flush()
        for verb, events in lapsed.items():
            await evidence.record_many(
                await driver(session), f"contracts.{verb}", "contract", events, now=now
            )
    return len(rows)


def _terms(row: Contract | ContractOffer) -> dict[str, Any]:
    return {name: getattr(row, name) for name in TERMS}


def _put(contract: Contract, offer: ContractOffer) -> None:
    for name, value in _terms(offer).items():
        setattr(contract, name, value)
    contract.terms_number = offer.number


async def _changed(
    session: AsyncSession, contract: Contract, before: Mapping[str, Any], changes: Mapping[str, Any]
) -> dict[str, Any]:
    """The terms with these changes: other purposes are asked of the listing anew, and another class has its price."""
    after = {**before, **changes}
    plan = PricePlan.stored(
        before["price_model"], before["price_fen"], before["period_days"], before["price_terms"]
    )
    if "purposes" in changes:
        purposes = frozenset(changes["purposes"])
        offered = await catalogue.get_offer(session, contract.listing_id)
        after["purposes"], use_class = sorted(purposes), rules.class_of(purposes)
        contract_rules.check_purposes(purposes, use_class, offered.use_class)
        if use_class != before["use_class"]:
            plan, after["use_class"] = offered.plan, use_class
    public = contract.zone_id is not None
    plan = contract_rules.freeze_plan(plan, UseClass(after["use_class"]), on_public_data=public)
    if "price_fen" in changes:
        plan = replace(plan, price_fen=Fen(changes["price_fen"]))
        check_plan(plan, None)
    after |= contracts.frozen_plan(plan)
    return after | {"quota": contract_rules.quota_of(plan, after["quota"])}


async def _check(session: AsyncSession, contract: Contract, terms: Mapping[str, Any], now: datetime) -> None:
    """What is asked of a request is asked of each version."""
    check_clauses(ContractKind(terms["kind"]), terms["annex"])
    operator_id = contract.operator_id if contract.redevelopment else None
    await contracts.check_parties(
        session, contract.provider_id, contract.buyer_id, operator_id=operator_id, now=now
    )
    contract_rules.check_term(terms["term_from"], terms["term_to"], now)
    await contracts.check_mandate(session, contract.zone_id, contract.operator_id, terms["term_to"], now)
    if rules.is_priced_anew(_terms(contract), terms, contract.state):
        await check_price(session, contract, now, terms)


async def _put_in_force(
    session: AsyncSession, contract: Contract, offer: ContractOffer, now: datetime
) -> list[list[str]]:
    """Contract, meter and links, which are answered, are those of the new terms. Links are held before the meter: who ends one does so too."""
    before, after = _terms(contract), _terms(offer)
    rules.check_amendment(before, after, now)
    await _check(session, contract, after, now)
    await queries.lock_links(await driver(session), contract.id)
    meter = (await queries.lock_meters(session, [contract.id]))[contract.id]
    unsettled = await versions.is_unsettled(session, meter)
    rules.check_in_use(queries.authorisation_of(meter), before, after, unsettled=unsettled)
    replaced = await queries.find_offer(session, contract.id, OfferState.IN_FORCE)
    if replaced is not None:
        replaced.state = contract_rules.OFFER_LIFE.after(replaced.state, OfferEvent.REPLACE)
        replaced.in_force_to = now
        await session.flush()
    offer.in_force_from = now
    _put(contract, offer)
    meter.purposes, meter.quota, meter.terms_number = offer.purposes, offer.quota, offer.number
    meter.term_from, meter.limits = offer.term_from, limits_in(offer.annex)
    meter.stands_from = max(meter.stands_from, meter.term_from)
    await contracts.end_term(session, meter, offer.term_to)
    return await contracts.link_up(session, contract, now)
