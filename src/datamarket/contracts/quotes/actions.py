"""Quoting a listing's price, and using a quote."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.rules import organisation_of
from datamarket.auth.terms import Actor
from datamarket.catalogue.listings import queries as catalogue
from datamarket.catalogue.listings.ceilings import check_ceilings
from datamarket.catalogue.listings.terms import Offer, PricePlan
from datamarket.contracts import rules as contract_rules
from datamarket.contracts.quotes import queries, rules
from datamarket.contracts.quotes.files import quote_terms
from datamarket.contracts.quotes.tables import Quote
from datamarket.contracts.terms import Purpose
from datamarket.evidence import actions as evidence
from datamarket.evidence.log.notes import Notary
from datamarket.foundation.clock import business_date
from datamarket.foundation.ids import new_id
from datamarket.zones.terms import UseClass


async def quote_price(
    session: AsyncSession,
    actor: Actor,
    notary: Notary,
    *,
    listing_id: UUID,
    purpose: Purpose,
    use_class: UseClass,
    quantity: int,
    term_from: datetime,
    term_to: datetime,
    now: datetime,
) -> Quote:
    """What a published offer costs its buyer, by the plan that a contract of this use class would freeze.

    Raises OwnProduct, TermInvalid, PurposeClassMismatch, ScenarioClassMismatch, QuoteTooLarge, NoQuoteTerm, and
    PriceAboveCeiling, NotFound or ListingNotPublished for a listing that is not published.
    """
    buyer_id = organisation_of(actor)
    offer = await catalogue.get_offer(session, listing_id)
    if buyer_id == offer.provider_id:
        raise contract_rules.OwnProduct
    contract_rules.check_term(term_from, term_to, now)
    contract_rules.check_purposes(frozenset({purpose}), use_class, offer.use_class)
    on, quote_id = business_date(now), new_id(now)
    plan = await _plan(session, offer, use_class, on)
    facts = {
        "number": f"QT{on:%Y%m%d}-{quote_id.hex[-8:].upper()}",
        "buyer_id": buyer_id,
        "provider_id": offer.provider_id,
        "listing_id": listing_id,
        "purpose": purpose,
        "use_class": use_class,
        "quantity": quantity,
        "term_from": term_from,
        "term_to": term_to,
        **rules.price_quote(plan, quantity, term_from, term_to),
        "quoted_at": now,
        "expires_at": now + rules.validity_on(quote_terms(), on),
    }
    quote = Quote(id=quote_id, **facts, note=notary.stamp(rules.text_of(notary.origin, facts)))
    session.add(quote)
    told = {"number": quote.number, "amount_fen": quote.amount_fen, "fees_fen": quote.fees_fen}
    await evidence.record(session, actor, "contracts.quote-price", ("quote", quote_id), now=now, **told)
    return quote


async def _plan(session: AsyncSession, offer: Offer, use_class: UseClass, on: date) -> PricePlan:
    """What a contract would freeze. Raises PriceAboveCeiling."""
    public = offer.zone_id is not None
    plan = contract_rules.freeze_plan(offer.plan, use_class, on_public_data=public)
    await check_ceilings(session, offer.product_id, plan, on, on_public_data=public)
    return plan


async def use_quote(
    session: AsyncSession, actor: Actor, quote_id: UUID, asked: Mapping[str, Any], *, now: datetime
) -> None:
    """The buyer's own quote is used up by what is asked, which must be what was quoted.

    Raises NotFound, QuoteUsed, QuoteExpired, QuoteMismatch.
    """
    quote = await queries.lock_own_quote(session, quote_id, organisation_of(actor))
    rules.check_usable(quote, asked, now)
    quote.used_at = now
    quote.version += 1
    await evidence.record(
        session, actor, "contracts.use-quote", ("quote", quote.id), now=now, number=quote.number
    )
