"""/prices/ceilings: what a product on public data may cost at most."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import Field

from datamarket.auth.access import ReadMarket, allow
from datamarket.auth.terms import Actor, Permission
from datamarket.catalogue.ceilings import actions, queries
from datamarket.catalogue.ceilings.terms import CeilingState, CeilingUnit
from datamarket.foundation.http import (
    Body,
    DateIn,
    Now,
    Page,
    Paging,
    PositiveFenIn,
    QuantityIn,
    Reading,
    SliceRouter,
    Writing,
    page_of,
)
from datamarket.foundation.shapes import RowShape

router = SliceRouter(prefix="/prices/ceilings", tags=["prices"])
SetPrices = Annotated[Actor, allow(Permission.SET_PRICES)]


class CeilingIn(Body):
    """At most `ceiling_fen` for so many `units` (calls, days, units of volume, products)."""

    income_id: UUID = Field(description="the approved permitted income that it is counted from")
    product_id: UUID
    unit: CeilingUnit = Field(examples=["call"])
    ceiling_fen: PositiveFenIn = Field(examples=[3_500])
    units: QuantityIn = 1
    expected_volume: QuantityIn = Field(description="of the unit, in the year", examples=[40_000])
    valid_from: DateIn = Field(examples=["2024-07-01"])


class CeilingOut(RowShape):
    id: UUID
    income_id: UUID
    zone_id: UUID
    product_id: UUID
    unit: CeilingUnit
    unit_zh: str = Field(examples=["次"])
    unit_en: str = Field(examples=["call"])
    ceiling_fen: int
    units: int
    expected_volume: int
    trial: bool = Field(description="while the product was not sold for a whole calendar year")
    valid_from: date
    valid_to: date | None = Field(description="first day on which another holds")
    state: CeilingState
    state_zh: str = Field(examples=["已核定"])
    state_en: str = Field(examples=["set"])
    created_at: datetime
    version: int


@router.post("", status_code=201, summary="Set the ceiling of a product and unit")
async def set_ceiling(
    actor: SetPrices, session: Writing, now: Now, body: CeilingIn, response: Response
) -> CeilingOut:
    """It replaces what is in force until then; what was agreed before keeps its price until its term."""
    return CeilingOut.tagged(await actions.set_ceiling(session, actor, **dict(body), now=now), response)


@router.get("", summary="Ceilings, in the order they were set")
async def list_ceilings(
    _actor: ReadMarket,
    session: Reading,
    paging: Paging[UUID],
    zone: UUID | None = None,
    product: UUID | None = None,
) -> Page[CeilingOut]:
    rows = await queries.list_ceilings(session, zone=zone, product=product, page=paging)
    return page_of(rows, paging, CeilingOut.of, lambda row: [row.id])


@router.get("/{ceiling_id}", summary="One ceiling")
async def get_ceiling(
    _actor: ReadMarket, session: Reading, ceiling_id: UUID, response: Response
) -> CeilingOut:
    return CeilingOut.tagged(await queries.get_ceiling(session, ceiling_id), response)
