"""Words of the catalogue: venues, products, versions, listings, price plans, offers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from uuid import UUID

from datamarket.foundation.labels import Labels
from datamarket.foundation.money import Fen
from datamarket.participants.terms import IncomeClass
from datamarket.zones.terms import Level, UseClass


class VenueKind(StrEnum):
    DATA_EXCHANGE = "data_exchange"
    OCEAN_EXCHANGE = "ocean_exchange"
    COPYRIGHT_EXCHANGE = "copyright_exchange"
    COMPUTE = "compute"
    HOUSING = "housing"


class VenueState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class VenueEvent(StrEnum):
    CLOSE = "close"
    REOPEN = "reopen"


class FeePayer(StrEnum):
    """Who bears the venue's fee."""

    SELLER = "seller"
    BUYER = "buyer"
    SPLIT = "split"


class Category(StrEnum):
    """What a product is about."""

    OCEAN = "ocean"
    MARINE_METEOROLOGY = "marine_meteorology"
    FISHERY = "fishery"
    PORT = "port"
    CREDIT = "credit"
    FINANCE = "finance"
    GUARANTEE = "guarantee"
    HEALTH = "health"
    ELDER_CARE = "elder_care"
    RURAL = "rural"
    TRANSPORT = "transport"
    ENERGY = "energy"
    MANUFACTURING = "manufacturing"
    COMMERCE = "commerce"
    CORPUS = "corpus"
    HOUSING = "housing"
    COMPUTE = "compute"
    COPYRIGHT = "copyright"


class Modality(StrEnum):
    STRUCTURED = "structured"
    TIME_SERIES = "time_series"
    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    SPATIAL = "spatial"
    MULTIMODAL = "multimodal"


class DeliveryForm(StrEnum):
    DATASET = "dataset"
    API = "api"
    REPORT = "report"
    MODEL = "model"


class Processing(StrEnum):
    """How far a product is from the data it was made of."""

    RAW = "raw"
    DEIDENTIFIED = "deidentified"
    DERIVED = "derived"


class QualityKey(StrEnum):
    """What a quality annex may promise (质量附件, after GF-2025-2615); each promise is text for people."""

    FORMAT_ERROR = "format_error_percent"
    COMPLETENESS = "completeness_percent"
    CONTINUITY = "continuity_percent"
    DELAY = "delay"
    AVAILABILITY = "availability_percent"
    RESPONSE = "response_ms"
    WARRANTY = "warranty"
    REPAIR = "repair_days"


class VersionState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    APPROVED = "approved"
    REJECTED = "rejected"
    RETIRED = "retired"


class ProductEvent(StrEnum):
    SUBMIT = "submit"
    RETURN = "return"
    APPROVE = "approve"
    REJECT = "reject"
    RETIRE = "retire"


class ListingState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    PUBLISHED = "published"
    SUSPENDED = "suspended"
    DELISTED = "delisted"


class ListingEvent(StrEnum):
    SUBMIT = "submit"
    PUBLISH = "publish"
    RETURN = "return"
    SUSPEND = "suspend"
    RESUME = "resume"
    DELIST = "delist"


class PriceModel(StrEnum):
    PER_CALL = "per_call"
    PER_PERIOD = "per_period"
    ONE_OFF = "one_off"
    FREE = "free"


class Sort(StrEnum):
    """Orders of the catalogue; `name` follows the Chinese name, by pinyin for the common characters."""

    NEWEST = "newest"
    PRICE_ASC = "price_asc"
    PRICE_DESC = "price_desc"
    NAME = "name"


LABELS = Labels(
    {
        VenueKind.DATA_EXCHANGE: ("大数据交易平台", "big-data exchange"),
        VenueKind.OCEAN_EXCHANGE: ("海洋数据交易平台", "ocean-data exchange"),
        VenueKind.COPYRIGHT_EXCHANGE: ("版权交易平台", "copyright exchange"),
        VenueKind.COMPUTE: ("算力交易平台", "compute trading platform"),
        VenueKind.HOUSING: ("房产数据平台", "housing-data platform"),
    },
    {
        VenueState.OPEN: ("营业", "open"),
        VenueState.CLOSED: ("停业", "closed"),
    },
    {
        FeePayer.SELLER: ("卖方承担", "seller"),
        FeePayer.BUYER: ("买方承担", "buyer"),
        FeePayer.SPLIT: ("双方分担", "split"),
    },
    {
        Category.OCEAN: ("海洋", "ocean"),
        Category.MARINE_METEOROLOGY: ("海洋气象", "marine meteorology"),
        Category.FISHERY: ("渔业", "fishery"),
        Category.PORT: ("港航物流", "port and shipping"),
        Category.CREDIT: ("企业信用", "enterprise credit"),
        Category.FINANCE: ("金融", "finance"),
        Category.GUARANTEE: ("电子保函", "electronic guarantee"),
        Category.HEALTH: ("医疗健康", "health"),
        Category.ELDER_CARE: ("养老", "elder care"),
        Category.RURAL: ("农业农村", "agriculture and rural areas"),
        Category.TRANSPORT: ("交通", "transport"),
        Category.ENERGY: ("能源与双碳", "energy and carbon"),
        Category.MANUFACTURING: ("工业制造", "manufacturing"),
        Category.COMMERCE: ("商贸文旅", "commerce and tourism"),
        Category.CORPUS: ("语料与训练数据", "corpus and training data"),
        Category.HOUSING: ("住房", "housing"),
        Category.COMPUTE: ("算力", "compute"),
        Category.COPYRIGHT: ("数字版权", "digital copyright"),
    },
    {
        Modality.STRUCTURED: ("结构化", "structured"),
        Modality.TIME_SERIES: ("时序", "time series"),
        Modality.TEXT: ("文本", "text"),
        Modality.IMAGE: ("图像", "image"),
        Modality.AUDIO: ("音频", "audio"),
        Modality.VIDEO: ("视频", "video"),
        Modality.SPATIAL: ("空间", "spatial"),
        Modality.MULTIMODAL: ("多模态", "multimodal"),
    },
    {
        DeliveryForm.DATASET: ("数据集", "dataset"),
        DeliveryForm.API: ("接口", "API"),
        DeliveryForm.REPORT: ("报告", "report"),
        DeliveryForm.MODEL: ("模型", "model"),
    },
    {
        Processing.RAW: ("原始数据", "raw"),
        Processing.DEIDENTIFIED: ("脱敏数据", "de-identified"),
        Processing.DERIVED: ("加工衍生", "derived"),
    },
    {
        QualityKey.FORMAT_ERROR: ("格式差错率（%）", "format errors (%)"),
        QualityKey.COMPLETENESS: ("完整性（%）", "completeness (%)"),
        QualityKey.CONTINUITY: ("连续性（%）", "continuity (%)"),
        QualityKey.DELAY: ("时延", "delay"),
        QualityKey.AVAILABILITY: ("可用率（%）", "availability (%)"),
        QualityKey.RESPONSE: ("响应时间（毫秒）", "response time (ms)"),
        QualityKey.WARRANTY: ("质保期", "warranty"),
        QualityKey.REPAIR: ("修复时限（天）", "days to repair"),
    },
    {
        VersionState.DRAFT: ("草稿", "draft"),
        VersionState.SUBMITTED: ("待合规审查", "awaiting compliance review"),
        VersionState.RETURNED: ("退回修改", "returned for changes"),
        VersionState.APPROVED: ("审查通过", "approved"),
        VersionState.REJECTED: ("审查不通过", "rejected"),
        VersionState.RETIRED: ("已退役", "retired"),
    },
    {
        ListingState.DRAFT: ("草稿", "draft"),
        ListingState.SUBMITTED: ("待上架", "awaiting publication"),
        ListingState.PUBLISHED: ("已挂牌", "published"),
        ListingState.SUSPENDED: ("暂停挂牌", "suspended"),
        ListingState.DELISTED: ("已摘牌", "delisted"),
    },
    {
        PriceModel.PER_CALL: ("按次计费", "per call"),
        PriceModel.PER_PERIOD: ("按期计费", "per period"),
        PriceModel.ONE_OFF: ("一次性买断", "one-off"),
        PriceModel.FREE: ("免费", "free"),
    },
)


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
