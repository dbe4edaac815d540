"""Requesting a contract and moving it through its life."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.rules import organisation_of
from datamarket.auth.terms import CLOCK, Actor
from datamarket.catalogue.listings import queries as catalogue
from datamarket.catalogue.listings.terms import Offer, PricePlan
from datamarket.catalogue.products.rules import ZoneWithoutMandate
from datamarket.catalogue.venues.terms import FeePayer
from datamarket.contracts import queries, rules
from datamarket.contracts.accounts import accounts_of
from datamarket.contracts.ceilings import check_price
from datamarket.contracts.deadlines import deadline
from datamarket.contracts.disposal import actions as disposal
from datamarket.contracts.kinds.rules import check_clauses
from datamarket.contracts.kinds.terms import ContractKind
from datamarket.contracts.limits.terms import limits_in
from datamarket.contracts.tables import Contract, ContractMeter, ContractOffer
from datamarket.contracts.terms import (
    TERMS,
    ContractEvent,
    ContractState,
    OfferEvent,
    OfferState,
    Party,
    Purpose,
)
from datamarket.contracts.text.actions import sign_text
from datamarket.contracts.text.queries import get_version
from datamarket.evidence import actions as evidence
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import Database, driver
from datamarket.foundation.ids import new_id
from datamarket.ledger import posting
from datamarket.participants import queries as participants
from datamarket.participants.affiliations import queries as affiliation_queries
from datamarket.zones import queries as zones
from datamarket.zones.terms import UseClass
from datamarket.zones.undertakings import queries as undertakings

LARGEST_EXPIRY = 200


async def request_contract(
    session: AsyncSession,
    actor: Actor,
    *,
    listing_id: UUID,
    purposes: frozenset[Purpose],
    use_class: UseClass,
    term_from: datetime,
    term_to: datetime,
    quota: int | None,
    redevelopment: bool = False,
    annex: Mapping[str, Any] | None = None,
    kind: ContractKind = ContractKind.PROVISION,
    now: datetime,
) -> Contract:
    """A buyer asks for a published offer; what the offer says now is frozen into the contract.

    Raises TermInvalid, PurposeClassMismatch, ScenarioClassMismatch, OwnProduct, OperatorRedevelopment,
    ParticipantNotAdmitted, ZoneWithoutMandate, TermBeyondMandate, and NotFound for a listing that is not published.
    """
    buyer_id = organisation_of(actor)
    offer = await catalogue.get_offer(session, listing_id)
    operator_id = offer.operator_id if redevelopment else None
    await check_parties(session, offer.provider_id, buyer_id, operator_id=operator_id, now=now)
    if offer.venue_fee_payer is not FeePayer.SELLER:
        raise rules.FeePayerNotSettled
    rules.check_term(term_from, term_to, now)
    await check_mandate(session, offer.zone_id, offer.operator_id, term_to, now)
    rules.check_purposes(purposes, use_class, offer.use_class)
    plan = rules.freeze_plan(offer.plan, use_class, on_public_data=offer.zone_id is not None)
    contract = Contract(
        id=new_id(now),
        **_frozen(offer, plan),
        buyer_id=buyer_id,
        purposes=sorted(purposes),
        use_class=use_class,
        redevelopment=redevelopment,
        term_from=term_from,
        term_to=term_to,
        quota=rules.quota_of(plan, quota),
        annex=dict(annex or {}),
        kind=kind,
        created_at=now,
    )
    return await _keep(session, actor, contract, now)


async def _keep(session: AsyncSession, actor: Actor, contract: Contract, now: datetime) -> Contract:
    """A request, which its provider is to answer, and its terms as the first version. Raises PriceAboveCeiling, and what `check_clauses` raises."""
    check_clauses(ContractKind(contract.kind), contract.annex)
    await check_price(session, contract, now)
    contract.state, contract.awaits = ContractState.REQUESTED, Party.PROVIDER
    contract.answer_by = deadline(ContractState.REQUESTED, now)
    session.add(contract)
    await session.flush()
    session.add(version_of(contract, 1, Party.BUYER, now))
    facts = {"listing_id": str(contract.listing_id)}
    await evidence.record(session, actor, "contracts.request", ("contract", contract.id), now=now, **facts)
    return contract


def frozen_plan(plan: PricePlan) -> dict[str, Any]:
    """A plan as the columns of a contract, and of each version of its terms, hold it."""
    return {
        "price_model": plan.model,
        "price_fen": plan.price_fen,
        "period_days": plan.period_days,
        "price_terms": plan.terms,
    }


def _frozen(offer: Offer, plan: PricePlan) -> dict[str, Any]:
    return {
        **frozen_plan(plan),
        "listing_id": offer.listing_id,
        "product_id": offer.product_id,
        "product_version": offer.product_version,
        "category": offer.category,
        "provider_id": offer.provider_id,
        "venue_id": offer.venue_id,
        "venue_operator_id": offer.venue_operator_id,
        "venue_fee_bps": offer.venue_fee_bps,
        "zone_id": offer.zone_id,
        "operator_id": offer.operator_id,
        "suppliers": [
            {"participant_id": str(supplier.participant_id), "income_class": supplier.income_class}
            for supplier in offer.suppliers
        ],
    }


def version_of(contract: Contract, number: int, party: Party, now: datetime, **changed: Any) -> ContractOffer:
    """The contract's terms, but for what is changed, as a version that waits for the other side."""
    terms = {name: getattr(contract, name) for name in TERMS} | changed
    return ContractOffer(
        contract_id=contract.id,
        number=number,
        base_number=0 if number == 1 else contract.terms_number,
        party=party,
        offered_at=now,
        **terms,
    )


async def check_parties(
    session: AsyncSession, provider_id: UUID, buyer_id: UUID, *, operator_id: UUID | None, now: datetime
) -> None:
    """Two admitted parties; who operates a zone, or is related to its operator, redevelops none of its data.

    `operator_id` is given where the buyer redevelops. Raises OwnProduct, ParticipantNotAdmitted, OperatorRedevelopment.
    """
    if buyer_id == provider_id:
        raise rules.OwnProduct
    await participants.lock_admitted(session, buyer_id, provider_id)
    await _check_operator_rule(session, operator_id, buyer_id, now)


async def _check_operator_rule(
    session: AsyncSession, operator_id: UUID | None, buyer_id: UUID, now: datetime
) -> None:
    """Raises OperatorRedevelopment for the operator of the product's zone, and for its affiliates today."""
    if operator_id is None:
        return
    related = buyer_id == operator_id or await affiliation_queries.are_related(
        session, operator_id, buyer_id, business_date(now)
    )
    if related:
        raise rules.OperatorRedevelopment


async def move_contract(
    session: AsyncSession,
    actor: Actor,
    contract: Contract,
    event: ContractEvent,
    *,
    ledger_id: int,
    reason: str | None = None,
    now: datetime,
) -> Contract:
    """Accept, agree, sign, suspend, end: each by those whose move it is. `contract` is locked by the caller.

    Raises NotYourMove, ReasonMissing, TermsNeeded, SignedAlready, TransitionNotAllowed, AnswerLate, OperatorRedevelopment,
    DeliveriesUndecided, NoticeGiven, TermInvalid, ZoneWithoutMandate, OperatorChanged, TermBeyondMandate, ContractStopped.
    """
    party = rules.party_of(actor, provider_id=contract.provider_id, buyer_id=contract.buyer_id)
    rules.check_move(event, party, reason)
    following = rules.CONTRACT_LIFE.after(contract.state, event)
    if event in rules.BY_OFFER:
        raise rules.TermsNeeded(event=event)
    if event is ContractEvent.TERMINATE:
        event = _ending(contract, party, now)
        following = rules.CONTRACT_LIFE.after(contract.state, event)
    if event in {ContractEvent.ACCEPT, ContractEvent.AGREE, ContractEvent.SIGN}:
        rules.check_in_time(contract.answer_by, now)
        await check_price(session, contract, now)
    facts: dict[str, Any] = {"party": party, "reason": reason}
    if event is ContractEvent.SIGN:
        facts |= await _sign(session, contract, party, now)
        await check_mandate(session, contract.zone_id, contract.operator_id, contract.term_to, now)
    await _close_offer(session, contract, event, following, now)
    await_answer(contract, event, following, now)
    contract.state, contract.reason = following, reason
    contract.version += 1
    await _keep_meter(session, contract, event, party, now)
    if event is ContractEvent.SIGN and following is ContractState.ACTIVE:
        facts["links"] = await link_up(session, contract, now)
        terms = queries.terms_of(contract)
        await posting.open_accounts(await driver(session), ledger_id, accounts_of(ledger_id, terms), now=now)
    if event is ContractEvent.TERMINATE:
        await disposal.owe_disposal(session, contract, now=now)
    if event is ContractEvent.NOTICE:
        facts["ends_at"] = str(contract.ends_at)
    await tell(session, actor, contract, event, now, **facts)
    return contract


async def tell(
    session: AsyncSession, actor: Actor, contract: Contract, verb: str, now: datetime, **facts: Any
) -> None:
    """The audit event; where terms come into force, which is where links are frozen, it tells the contract's row too."""
    rows = [contract] if "links" in facts else []
    subject = ("contract", contract.id)
    await evidence.record(session, actor, f"contracts.{verb}", subject, *rows, now=now, **facts)


def _ending(contract: Contract, party: Party, now: datetime) -> ContractEvent:
    """At once, or after the days of notice that the annex names. Raises NoticeGiven."""
    days = contract.annex.get("notice_days", 0)
    event = rules.ending(party, days, contract.ends_at)
    if event is ContractEvent.NOTICE:
        contract.ends_at = now + timedelta(days=days)
    return event


async def _close_offer(
    session: AsyncSession, contract: Contract, event: ContractEvent, following: ContractState, now: datetime
) -> None:
    """What both have signed is in force; what was open when its contract ends, or will end, is closed with it."""
    signed = event is ContractEvent.SIGN and following is ContractState.ACTIVE
    closing = OfferEvent.SIGN if signed else rules.CLOSED_BY.get(event)
    if closing is None or contract.answer_by is None:
        return  # nothing is open where nobody is waited for
    offer = await queries.find_offer(session, contract.id, OfferState.OPEN)
    if offer is not None:
        offer.state = rules.OFFER_LIFE.after(offer.state, closing)
        offer.in_force_from = now if closing is OfferEvent.SIGN else None


def await_answer(
    contract: Contract,
    event: ContractEvent,
    following: ContractState,
    now: datetime,
    until: datetime | None = None,
) -> None:
    """Who must act next, until when; what suspends or resumes leaves an amendment waiting."""
    if following in rules.NEGOTIATED:
        contract.awaits = rules.awaited(following, provider_signed=contract.provider_signed_at is not None)
        contract.answer_by = until or deadline(following, now)
    elif event not in {ContractEvent.SUSPEND, ContractEvent.RESUME}:
        contract.awaits = contract.answer_by = None


async def check_mandate(
    session: AsyncSession, zone_id: UUID | None, operator_id: UUID | None, term_to: datetime, now: datetime
) -> None:
    """A zone's contract ends with the mandate in force at the latest, or with what its operator undertakes to renew.

    Raises ZoneWithoutMandate, OperatorChanged, TermBeyondMandate.
    """
    if zone_id is None:
        return
    on = business_date(now)
    mandate = await zones.mandate_at(session, zone_id, on)
    if mandate is None:
        raise ZoneWithoutMandate(on=on)
    if mandate.operator_id != operator_id:
        raise rules.OperatorChanged
    undertaken = await undertakings.find_good(session, mandate.id, on)
    rules.check_within_mandate(term_to, mandate.term_to, undertaken.renewed_to if undertaken else None)


async def link_up(session: AsyncSession, contract: Contract, now: datetime) -> list[list[str]]:
    """What the contract stands on is frozen beside it, and stands at its signature: kinds and ids. Raises ContractStopped."""
    await session.flush()
    connection = await driver(session)
    await queries.lock_links(connection, contract.id)
    links: list[list[str]] = await connection.fetchval(
        "SELECT contract_link_up($1, $2, $3)", contract.id, business_date(now), now
    )
    meters = await queries.lock_meters(session, [contract.id])
    rules.check_standing(queries.authorisation_of(meters[contract.id]), now)
    return links


async def _sign(session: AsyncSession, contract: Contract, party: Party, now: datetime) -> dict[str, Any]:
    """One side signs the text of the terms agreed; what is told of it."""
    rules.check_term(contract.term_from, contract.term_to, now)
    if contract.redevelopment:
        await _check_operator_rule(session, contract.operator_id, contract.buyer_id, now)
    if (contract.provider_signed_at if party is Party.PROVIDER else contract.buyer_signed_at) is not None:
        raise rules.SignedAlready
    if party is Party.PROVIDER:
        contract.provider_signed_at = now
    else:
        contract.buyer_signed_at = now
    return await sign_text(
        session, contract, await get_version(session, contract.id, contract.terms_number), party
    )


async def _keep_meter(
    session: AsyncSession, contract: Contract, event: ContractEvent, party: Party, now: datetime
) -> None:
    """The meter follows the contract's state under its own lock: no use slips past a suspension, no delivery past an end."""
    meter_row = (await queries.lock_meters(session, [contract.id])).get(contract.id)
    if meter_row is not None:
        if rules.is_kept_by_deliveries(event, party, meter_row.undecided):
            raise rules.DeliveriesUndecided(undecided=meter_row.undecided)
        meter_row.state = contract.state
        if event is ContractEvent.RESUME:
            meter_row.stands_from = max(meter_row.stands_from, now)
        if event is ContractEvent.NOTICE and contract.ends_at is not None:
            await end_term(session, meter_row, min(contract.term_to, contract.ends_at))
    elif contract.state == ContractState.ACTIVE:
        session.add(
            ContractMeter(
                contract_id=contract.id,
                buyer_id=contract.buyer_id,
                state=contract.state,
                term_from=contract.term_from,
                term_to=contract.term_to,
                purposes=contract.purposes,
                quota=contract.quota,
                used=0,
                terms_number=contract.terms_number,
                limits=limits_in(contract.annex),
                stands_from=contract.term_from,
                stands_until=contract.term_to,
            )
        )


async def end_term(session: AsyncSession, meter_row: ContractMeter, term_to: datetime) -> None:
    """A locked meter's term ends then, and it stands until then, or until the first of its links ends."""
    meter_row.term_to = meter_row.stands_until = term_to
    meter_row.stopped_by = None
    await session.flush()
    await (await driver(session)).execute("SELECT contract_restand($1)", meter_row.contract_id)


async def expire_due(database: Database, _ledger_id: int, now: datetime) -> int:
    """Contracts of which the term is over expire, signed or not, those whose notice is over end, one batch: what was delivered is settled."""
    async with database.transaction() as session:
        rows = await queries.lock_run_out(session, now, LARGEST_EXPIRY)
        contract_ids = [contract.id for contract in rows]
        meters = await queries.lock_meters(session, contract_ids)
        for offer in await queries.open_offers(session, contract_ids):
            offer.state = rules.OFFER_LIFE.after(offer.state, OfferEvent.EXPIRE)
        ended: defaultdict[ContractEvent, list[Contract]] = defaultdict(list)
        for contract in rows:
            given = contract.ends_at is not None and contract.ends_at < contract.term_to
            event = ContractEvent.TERMINATE if given else ContractEvent.EXPIRE
            ended[event].append(contract)
            following = rules.CONTRACT_LIFE.after(contract.state, event)
            await_answer(contract, event, following, now)
            contract.state = following
            contract.version += 1
            if contract.id in meters:
                meters[contract.id].state = contract.state
                await disposal.owe_disposal(session, contract, now=now)
        await session.flush()
        for event, of_event in ended.items():
            events = [
                evidence.Event(CLOCK, row.id, {"term_to": (row.ends_at or row.term_to).isoformat()})
                for row in of_event
            ]
            await evidence.record_many(
                await driver(session), f"contracts.{event}", "contract", events, now=now
            )
    return len(rows)
