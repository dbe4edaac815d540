"""/products/{product_id}/measurements: the quality that others measured, for everyone to read."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, Strict

from datamarket.auth.access import Visitor, allow
from datamarket.auth.terms import Actor, Permission
from datamarket.catalogue.measurements import actions, queries
from datamarket.catalogue.measurements.terms import QualityMeasure
from datamarket.catalogue.products.shapes import VersionNumber
from datamarket.foundation.http import Body, DateIn, Now, Page, Paging, Reading, SliceRouter, Writing, page_of
from datamarket.foundation.shapes import RowShape

router = SliceRouter(prefix="/products/{product_id}/measurements", tags=["catalogue"])
MeasureProduct = Annotated[Actor, allow(Permission.REVIEW_PRODUCT)]
Figure = Annotated[int, Strict(), Field(ge=0, le=10_000_000, description="bps or ms, as its name says")]
_FIGURES: dict[str, Any] = {"completeness_bps": 9_930, "timeliness_bps": 9_870, "response_ms": 180}


class MeasurementIn(Body):
    """`version` is the number of an approved version; the newest when left out."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"measured_on": "2024-06-03", "figures": _FIGURES}]}
    )
    measured_on: DateIn
    figures: dict[QualityMeasure, Figure] = Field(min_length=1)
    version: VersionNumber | None = None


class MeasurementOut(RowShape):
    """What was found of a version on a day, and by which organisation."""

    id: UUID
    product_id: UUID
    number: int = Field(description="of the version")
    figures: dict[QualityMeasure, int] = Field(examples=[_FIGURES])
    measured_on: date
    measured_by: UUID
    created_at: datetime


@router.post("", status_code=201, summary="Record what was measured")
async def measure_product(
    actor: MeasureProduct, session: Writing, now: Now, product_id: UUID, body: MeasurementIn
) -> MeasurementOut:
    """By another organisation than the maker and its affiliates; it never changes."""
    row = await actions.measure_product(session, actor, product_id, **dict(body), now=now)
    return MeasurementOut.of(row)


@router.get("", summary="What was measured of a product, newest first")
async def list_measurements(
    caller: Visitor, session: Reading, product_id: UUID, paging: Paging[UUID]
) -> Page[MeasurementOut]:
    """Visitors see it of products that have an approved version."""
    rows = await queries.list_measurements(session, product_id, visible_to=caller, page=paging)
    return page_of(rows, paging, MeasurementOut.of, lambda row: [row.id])
