"""What a version says over HTTP, in and out."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from datamarket.catalogue.products.tables import ProductVersion
from datamarket.catalogue.products.terms import (
    Content,
    DeliveryForm,
    Modality,
    Processing,
    QualityKey,
    SampleField,
    VersionState,
)
from datamarket.foundation.http import (
    Body,
    Prose,
    Shape,
    ShortText,
)

Resources = Annotated[list[UUID], Field(max_length=100, description="registered resources of the zone")]
Quality = Annotated[dict[QualityKey, ShortText], Field(examples=[{"availability_percent": "99.9"}])]
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
    sample: ShortText


class ContentIn(Body):
    """What one version offers."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})
    summary_zh: Prose
    summary_en: Prose
    modality: Modality
    delivery_form: DeliveryForm
    resources: Resources = Field(default_factory=list)
    processing: Processing = Processing.DERIVED
    quality: Quality = Field(default_factory=dict)
    sample_fields: list[SampleFieldIn] = Field(default_factory=list, max_length=100)

    @property
    def content(self) -> Content:
        return Content(
            summary_zh=self.summary_zh,
            summary_en=self.summary_en,
            modality=self.modality,
            delivery_form=self.delivery_form,
            resources=tuple(self.resources),
            processing=self.processing,
            quality=self.quality,
            sample_fields=tuple(SampleField(**sample.model_dump()) for sample in self.sample_fields),
        )


class VersionOut(Shape):
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

    @classmethod
    def of(cls, version: ProductVersion) -> "VersionOut":
        return cls.model_validate(version, from_attributes=True)
