"""Words of zones: zones, mandates, scenarios, public-data resources."""

from enum import StrEnum

from datamarket.foundation.labels import Labels


class ZoneState(StrEnum):
    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"


class ZoneEvent(StrEnum):
    OPEN = "open"
    CLOSE = "close"


class MandateMode(StrEnum):
    """How far an authorisation reaches: all public data, a field, or scenario by scenario."""

    WHOLE = "whole"
    FIELD = "field"
    SCENARIO = "scenario"


class UseClass(StrEnum):
    """Use for the public good is free; use for industry pays a fee under a ceiling."""

    PUBLIC_GOOD = "public_good"
    INDUSTRY = "industry"


class Level(StrEnum):
    """GB/T 43697."""

    GENERAL = "general"
    IMPORTANT = "important"
    CORE = "core"


class ResourceState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REVIEWED = "reviewed"
    PUBLICISED = "publicised"
    REGISTERED = "registered"
    RETURNED = "returned"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class ResourceEvent(StrEnum):
    SUBMIT = "submit"
    ACCEPT = "accept"
    REVIEW = "review"
    PUBLICISE = "publicise"
    CODE = "code"
    RETURN = "return"
    REJECT = "reject"
    RENEW = "renew"
    CANCEL = "cancel"


class FilingKind(StrEnum):
    """What was filed for a registered resource."""

    FIRST = "first"
    CHANGE = "change"
    CORRECTION = "correction"
    RENEWAL = "renewal"
    CANCELLATION = "cancellation"


LABELS = Labels(
    {
        ZoneState.DRAFT: ("筹建", "in preparation"),
        ZoneState.OPEN: ("运营中", "open"),
        ZoneState.CLOSED: ("已关闭", "closed"),
    },
    {
        ZoneEvent.OPEN: ("开区", "open"),
        ZoneEvent.CLOSE: ("关闭", "close"),
    },
    {
        MandateMode.WHOLE: ("整体授权", "as a whole"),
        MandateMode.FIELD: ("分领域授权", "by field"),
        MandateMode.SCENARIO: ("依场景授权", "by scenario"),
    },
    {
        UseClass.PUBLIC_GOOD: ("公共治理、公益事业", "public governance and public good"),
        UseClass.INDUSTRY: ("产业发展、行业发展", "industry"),
    },
    {
        Level.GENERAL: ("一般数据", "general"),
        Level.IMPORTANT: ("重要数据", "important"),
        Level.CORE: ("核心数据", "core"),
    },
    {
        ResourceState.DRAFT: ("草稿", "draft"),
        ResourceState.SUBMITTED: ("已提交", "submitted"),
        ResourceState.ACCEPTED: ("已受理", "accepted"),
        ResourceState.REVIEWED: ("形式审核通过", "formally reviewed"),
        ResourceState.PUBLICISED: ("公示中", "in publicity"),
        ResourceState.REGISTERED: ("已登记", "registered"),
        ResourceState.RETURNED: ("退回补正", "returned"),
        ResourceState.REJECTED: ("不予登记", "rejected"),
        ResourceState.CANCELLED: ("已注销", "cancelled"),
    },
    {
        ResourceEvent.SUBMIT: ("提交", "submit"),
        ResourceEvent.ACCEPT: ("受理", "accept"),
        ResourceEvent.REVIEW: ("审核通过", "pass the review"),
        ResourceEvent.PUBLICISE: ("公示", "publicise"),
        ResourceEvent.CODE: ("赋码", "give the code"),
        ResourceEvent.RETURN: ("退回", "return"),
        ResourceEvent.REJECT: ("不予登记", "reject"),
        ResourceEvent.RENEW: ("续期", "renew"),
        ResourceEvent.CANCEL: ("注销", "cancel"),
    },
    {
        FilingKind.FIRST: ("首次登记", "first registration"),
        FilingKind.CHANGE: ("变更登记", "change"),
        FilingKind.CORRECTION: ("更正登记", "correction"),
        FilingKind.RENEWAL: ("续期", "renewal"),
        FilingKind.CANCELLATION: ("注销登记", "cancellation"),
    },
)
"""A word for people: Chinese, English."""
