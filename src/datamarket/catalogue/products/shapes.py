"""What a version says over HTTP, in and out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, Strict

from datamarket.catalogue.products.terms import (
    Content,
    DeliveryForm,
    Modality,
    Processing,
    QualityKey,
    SampleField,
    VersionState,
)
from datamarket.foundation.http import Body, Prose, ShortText
from datamarket.foundation.shapes import RowShape

Resources = Annotated[tuple[UUID, ...], Field(max_length=100, description="registered resources of the zone")]
Quality = Annotated[dict[QualityKey, ShortText], Field(examples=[{"availability_percent": "99.9"}])]
VersionNumber = Annotated[int, Strict(), Field(ge=1, le=10_000, description="number of a version, from 1")]
MOST_FURTHER = 4
"""Five rows show what a field looks like; with a hundred fields they fit a page of the catalogue."""
EXAMPLE: dict[str, Any] = {
    "summary_zh": "基于潮位与风浪观测加工的近海作业窗口接口。",
    "summary_en": "An API of offshore working windows, made from tide and wave observations.",
    "modality": "time_series",
    "delivery_form": "api",
    "resources": [],
    "processing": "derived",
    "quality": {"availability_percent": "99.9", "response_ms": "200"},
    "sample_fields": [{"name": "window_from", "description": "开始时刻", "sample": "2024-06-03T06:00+08:00"}],
}


class SampleFieldIn(Body):
    name: ShortText
    description: ShortText
    sample: ShortText = Field(description="of the first row; made up")
    further: tuple[ShortText, ...] = Field(
        default=(), max_length=MOST_FURTHER, description="of each further row; as many in every field"
    )


def samples_of(given: Sequence[SampleFieldIn]) -> tuple[SampleField, ...]:
    """As a version keeps them."""
    return tuple(SampleField(**dict(sample)) for sample in given)


class ContentIn(Body):
    """What one version offers."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})
    summary_zh: Prose
    summary_en: Prose
    modality: Modality
    delivery_form: DeliveryForm
    resources: Resources = Field(default_factory=tuple)
    processing: Processing = Processing.DERIVED
    quality: Quality = Field(default_factory=dict)
    sample_fields: list[SampleFieldIn] = Field(default_factory=list, max_length=100)

    @property
    def content(self) -> Content:
        said = {name: getattr(self, name) for name in ContentIn.model_fields}
        return Content(**said | {"sample_fields": samples_of(self.sample_fields)})


class VersionOut(RowShape):
    """One version and where it stands in its review."""

    number: int
    state: VersionState
    summary_zh: str
    summary_en: str
    modality: Modality
    delivery_form: DeliveryForm
    resources: list[UUID]
    processing: Processing
    quality: Quality
    sample_fields: list[SampleField]
    submitted_at: datetime | None
    reviewed_at: datetime | None
    review_reason: str | None
    created_at: datetime
