"""Words of products and their versions: what a product is, and what a version says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from datamarket.catalogue.terms import Category
from datamarket.foundation.states import Labelled
from datamarket.zones.terms import Level


class Modality(Labelled):
    STRUCTURED = "structured", "结构化", "structured"
    TIME_SERIES = "time_series", "时序", "time series"
    TEXT = "text", "文本", "text"
    IMAGE = "image", "图像", "image"
    AUDIO = "audio", "音频", "audio"
    VIDEO = "video", "视频", "video"
    SPATIAL = "spatial", "空间", "spatial"
    MULTIMODAL = "multimodal", "多模态", "multimodal"


class DeliveryForm(Labelled):
    DATASET = "dataset", "数据集", "dataset"
    API = "api", "接口", "API"
    REPORT = "report", "报告", "report"
    MODEL = "model", "模型", "model"


class Processing(Labelled):
    """How far a product is from the data it was made of."""

    RAW = "raw", "原始数据", "raw"
    DEIDENTIFIED = "deidentified", "脱敏数据", "de-identified"
    DERIVED = "derived", "加工衍生", "derived"


class QualityKey(Labelled):
    """What a quality annex may promise (质量附件, after GF-2025-2615); each promise is text for people."""

    FORMAT_ERROR = "format_error_percent", "格式差错率（%）", "format errors (%)"
    COMPLETENESS = "completeness_percent", "完整性（%）", "completeness (%)"
    CONTINUITY = "continuity_percent", "连续性（%）", "continuity (%)"
    DELAY = "delay", "时延", "delay"
    AVAILABILITY = "availability_percent", "可用率（%）", "availability (%)"
    RESPONSE = "response_ms", "响应时间（毫秒）", "response time (ms)"
    WARRANTY = "warranty", "质保期", "warranty"
    REPAIR = "repair_days", "修复时限（天）", "days to repair"


class VersionState(Labelled):
    DRAFT = "draft", "草稿", "draft"
    SUBMITTED = "submitted", "待合规审查", "awaiting compliance review"
    RETURNED = "returned", "退回修改", "returned for changes"
    APPROVED = "approved", "审查通过", "approved"
    REJECTED = "rejected", "审查不通过", "rejected"
    RECALLED = "recalled", "已召回", "recalled"
    RETIRED = "retired", "已退役", "retired"


class ProductEvent(StrEnum):
    SUBMIT = "submit"
    RETURN = "return"
    APPROVE = "approve"
    REJECT = "reject"
    RETIRE = "retire"
    RECALL = "recall"
    REINSTATE = "reinstate"


@dataclass(frozen=True)
class Identity:
    """What a product is, whatever its version; fixed once its first version was submitted.

    `level_reason` is the record of a re-assessment, for instance after de-identification: without one
    a product is as sensitive as its most sensitive resource.
    """

    name_zh: str
    name_en: str
    category: Category
    level: Level
    level_reason: str | None = None


@dataclass(frozen=True)
class SampleField:
    """One field of what is delivered, with made-up values: of the first row, and of further ones."""

    name: str
    description: str
    sample: str
    further: tuple[str, ...] = ()


@dataclass(frozen=True)
class Content:
    """What one version of a product offers; fixed once it is approved."""

    summary_zh: str
    summary_en: str
    modality: Modality
    delivery_form: DeliveryForm
    resources: tuple[UUID, ...] = ()
    processing: Processing = Processing.DERIVED
    quality: Mapping[QualityKey, str] = field(default_factory=dict)
    sample_fields: tuple[SampleField, ...] = ()
