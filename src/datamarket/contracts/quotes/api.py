"""/quotes: ask for a price, read what was quoted."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Request, Response
from pydantic import Field

from datamarket.auth.access import ReadMarket, allow
from datamarket.auth.terms import Actor, Permission
from datamarket.catalogue.listings.pricing import PriceLine
from datamarket.catalogue.listings.shapes import PriceTermsOut
from datamarket.catalogue.listings.terms import ChargeKind, PriceModel
from datamarket.contracts.quotes import actions, queries
from datamarket.contracts.quotes.tables import Quote
from datamarket.contracts.terms import Purpose
from datamarket.foundation.http import (
    Body,
    InstantIn,
    Now,
    Page,
    Paging,
    QuantityIn,
    Reading,
    SliceRouter,
    Writing,
    page_of,
    tag,
)
from datamarket.foundation.shapes import RowShape
from datamarket.zones.terms import UseClass

router = SliceRouter(prefix="/quotes", tags=["contracts"])


class QuoteIn(Body):
    """So many units of a published listing, for one purpose, within the term that a contract would have."""

    listing_id: UUID
    purpose: Purpose = Field(examples=["industrial_development"])
    use_class: UseClass = Field(examples=["industry"])
    quantity: QuantityIn = Field(examples=[12_000])
    term_from: InstantIn = Field(examples=["2024-07-01T00:00:00+08:00"])
    term_to: InstantIn = Field(
        description="not included: the term is half-open", examples=["2025-07-01T00:00:00+08:00"]
    )


class PriceLineOut(RowShape):
    """A part of a price; what is taken off is below zero."""

    kind: ChargeKind = Field(examples=["uses"])
    kind_zh: str = Field(examples=["用量"])
    kind_en: str = Field(examples=["uses"])
    units: int = Field(description="units used; of fees, years or months", examples=[10_000])
    price_fen: int = Field(examples=[100])
    amount_fen: int = Field(examples=[1_000_000])


class QuoteOut(RowShape):
    """A quote as buyer and provider see it. `note` is what was signed, byte for byte, with the key of /evidence/key."""

    id: UUID
    number: str = Field(examples=["QT20240603-1A2B3C4D"])
    buyer_id: UUID
    provider_id: UUID
    listing_id: UUID
    purpose: Purpose
    use_class: UseClass
    quantity: int
    term_from: datetime
    term_to: datetime
    price_model: PriceModel
    price_fen: int
    period_days: int | None
    price_terms: PriceTermsOut | None
    amount_fen: int = Field(description="of the units, used in one month of which nothing was used before")
    fees_fen: int = Field(description="basic fees and minimums of the whole term, beside it")
    lines: list[PriceLineOut] = Field(description="they add up to both")
    note: str = Field(description="C2SP signed note, Ed25519")
    quoted_at: datetime
    expires_at: datetime = Field(description="from then on no order may name it")
    used_at: datetime | None
    version: int


def _shown(quote: Quote) -> QuoteOut:
    return QuoteOut.of(quote, lines=[PriceLineOut.of(PriceLine(**line)) for line in quote.lines])


def _tagged(quote: Quote, response: Response) -> QuoteOut:
    tag(response, quote.version)
    return _shown(quote)


@router.post("", status_code=201, summary="Ask for a quote")
async def quote_price(
    actor: Annotated[Actor, allow(Permission.REQUEST_CONTRACT)],
    request: Request,
    response: Response,
    session: Writing,
    now: Now,
    body: QuoteIn,
) -> QuoteOut:
    """Priced by the listing's plan as it stands now; for the public good, use of public data is free."""
    notary = request.app.state.sealer.notary
    return _tagged(await actions.quote_price(session, actor, notary, **dict(body), now=now), response)


@router.get("", summary="Quotes that you asked for or gave, newest first")
async def list_quotes(
    actor: ReadMarket, session: Reading, paging: Paging[UUID], listing: UUID | None = None
) -> Page[QuoteOut]:
    rows = await queries.list_quotes(session, visible_to=actor, listing=listing, page=paging)
    return page_of(rows, paging, _shown, lambda quote: [quote.id])


@router.get("/{quote_id}", summary="One quote")
async def get_quote(actor: ReadMarket, response: Response, session: Reading, quote_id: UUID) -> QuoteOut:
    return _tagged(await queries.get_quote(session, quote_id, visible_to=actor), response)
