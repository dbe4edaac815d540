"""/prices/list: the public list of prices, for everyone."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from datamarket.auth.access import Visitor
from datamarket.catalogue.ceilings.terms import CeilingState, CeilingUnit
from datamarket.catalogue.listings.pricing import unit_prices
from datamarket.catalogue.listings.terms import PriceModel
from datamarket.catalogue.tariff import queries
from datamarket.catalogue.tariff.queries import Tariff
from datamarket.foundation.clock import business_date
from datamarket.foundation.http import Now, Page, Paging, Reading, SliceRouter, page_of
from datamarket.foundation.shapes import RowShape

router = SliceRouter(prefix="/prices/list", tags=["prices"])


class TariffCeilingOut(RowShape):
    """At most `ceiling_fen` for so many `units`."""

    id: UUID
    unit: CeilingUnit
    unit_zh: str = Field(examples=["次"])
    unit_en: str = Field(examples=["call"])
    ceiling_fen: int = Field(examples=[3_500])
    units: int = Field(examples=[1])
    trial: bool
    valid_from: date
    state: CeilingState


class TariffOut(RowShape):
    """What a product on public data costs: `price_fen` is its dearest price for so many `units`."""

    listing_id: UUID = Field(validation_alias="id")
    zone_id: UUID
    product_id: UUID
    product_code: str = Field(examples=["OP-200"])
    name_zh: str
    name_en: str
    price_model: PriceModel
    price_model_zh: str = Field(examples=["按次计费"])
    price_model_en: str = Field(examples=["per call"])
    price_fen: int
    units: int = Field(description="calls, days or units of volume that the price is for")
    published_at: datetime = Field(description="since when it costs so much")
    ceilings: list[TariffCeilingOut] = Field(description="none where none is set, or nothing is to be paid")


def _shown(row: Tariff) -> TariffOut:
    uses = unit_prices(row.plan)[0]
    ceilings = [TariffCeilingOut.of(one) for one in row.ceilings]
    return TariffOut.of(row.listing, price_fen=uses.price_fen, units=uses.per, ceilings=ceilings)


@router.get("", summary="What products on public data cost, and at most may")
async def list_prices(
    _visitor: Visitor,
    session: Reading,
    now: Now,
    paging: Paging[tuple[UUID, UUID]],
    zone: UUID | None = None,
) -> Page[TariffOut]:
    """Published listings of every zone, or of one."""
    rows = await queries.list_prices(session, zone=zone, on=business_date(now), page=paging)
    return page_of(rows, paging, _shown, lambda row: [row.listing.zone_id, row.listing.id])
