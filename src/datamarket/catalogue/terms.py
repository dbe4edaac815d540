"""Words of the catalogue: venues, products, versions, listings, price plans, offers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from uuid import UUID

from datamarket.foundation.labels import Labelled
from datamarket.foundation.money import Fen
from datamarket.participants.terms import IncomeClass
from datamarket.zones.terms import Level, UseClass


class VenueKind(Labelled):
    DATA_EXCHANGE = "data_exchange", "大数据交易平台", "big-data exchange"
    OCEAN_EXCHANGE = "ocean_exchange", "海洋数据交易平台", "ocean-data exchange"
    COPYRIGHT_EXCHANGE = "copyright_exchange", "版权交易平台", "copyright exchange"
    COMPUTE = "compute", "算力交易平台", "compute trading platform"
    HOUSING = "housing", "房产数据平台", "housing-data platform"


class VenueState(Labelled):
    OPEN = "open", "营业", "open"
    CLOSED = "closed", "停业", "closed"


class VenueEvent(StrEnum):
    CLOSE = "close"
    REOPEN = "reopen"


class FeePayer(Labelled):
    """Who bears the venue's fee."""

    SELLER = "seller", "卖方承担", "seller"
    BUYER = "buyer", "买方承担", "buyer"
    SPLIT = "split", "双方分担", "split"


class Category(Labelled):
    """What a product is about."""

    OCEAN = "ocean", "海洋", "ocean"
    MARINE_METEOROLOGY = "marine_meteorology", "海洋气象", "marine meteorology"
    FISHERY = "fishery", "渔业", "fishery"
    PORT = "port", "港航物流", "port and shipping"
    CREDIT = "credit", "企业信用", "enterprise credit"
    FINANCE = "finance", "金融", "finance"
    GUARANTEE = "guarantee", "电子保函", "electronic guarantee"
    HEALTH = "health", "医疗健康", "health"
    ELDER_CARE = "elder_care", "养老", "elder care"
    RURAL = "rural", "农业农村", "agriculture and rural areas"
    TRANSPORT = "transport", "交通", "transport"
    ENERGY = "energy", "能源与双碳", "energy and carbon"
    MANUFACTURING = "manufacturing", "工业制造", "manufacturing"
    COMMERCE = "commerce", "商贸文旅", "commerce and tourism"
    CORPUS = "corpus", "语料与训练数据", "corpus and training data"
    HOUSING = "housing", "住房", "housing"
    COMPUTE = "compute", "算力", "compute"
    COPYRIGHT = "copyright", "数字版权", "digital copyright"


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
    RETIRED = "retired", "已退役", "retired"


class ProductEvent(StrEnum):
    SUBMIT = "submit"
    RETURN = "return"
    APPROVE = "approve"
    REJECT = "reject"
    RETIRE = "retire"


class ListingState(Labelled):
    DRAFT = "draft", "草稿", "draft"
    SUBMITTED = "submitted", "待上架", "awaiting publication"
    PUBLISHED = "published", "已挂牌", "published"
    SUSPENDED = "suspended", "暂停挂牌", "suspended"
    DELISTED = "delisted", "已摘牌", "delisted"


class ListingEvent(StrEnum):
    SUBMIT = "submit"
    PUBLISH = "publish"
    RETURN = "return"
    SUSPEND = "suspend"
    RESUME = "resume"
    DELIST = "delist"


class PriceModel(Labelled):
    PER_CALL = "per_call", "按次计费", "per call"
    PER_PERIOD = "per_period", "按期计费", "per period"
    ONE_OFF = "one_off", "一次性买断", "one-off"
    FREE = "free", "免费", "free"


class Sort(StrEnum):
    """Orders of the catalogue; `name` follows the Chinese name, by pinyin for the common characters."""

    NEWEST = "newest"
    PRICE_ASC = "price_asc"
    PRICE_DESC = "price_desc"
    NAME = "name"


@dataclass(frozen=True)
class VenueTerms:
    """Upon what a venue works: its names, its fee, and from when it counts for the subsidy (never: None).

    `source` says on whose word it counts, or does not.
    """

    name_zh: str
    name_en: str
    qualified_from: date | None
    source: str
    fee_bps: int
    fee_payer: FeePayer


@dataclass(frozen=True)
class PricePlan:
    """How a listing is paid: free costs nothing, and only a period has days."""

    model: PriceModel
    price_fen: Fen
    period_days: int | None = None


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
    """One field of what is delivered, with a made-up value."""

    name: str
    description: str
    sample: str


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


@dataclass(frozen=True)
class Supplier:
    """A public body whose resources a product stands on, and where its income goes."""

    participant_id: UUID
    income_class: IncomeClass


@dataclass(frozen=True)
class Offer:
    """All that a contract needs to know of a published listing, as it stands now."""

    listing_id: UUID
    product_id: UUID
    product_code: str
    product_version: int
    provider_id: UUID
    venue_id: UUID
    venue_operator_id: UUID
    venue_fee_bps: int
    zone_id: UUID | None
    operator_id: UUID | None
    scenario_id: UUID | None
    use_class: UseClass | None
    suppliers: tuple[Supplier, ...]
    plan: PricePlan
    category: Category
    venue_fee_payer: FeePayer = FeePayer.SELLER
