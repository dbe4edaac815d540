"""Words of zones: zones, mandates, scenarios, public-data resources."""

from datamarket.foundation.labels import Labelled


class ZoneState(Labelled):
    DRAFT = "draft", "筹建", "in preparation"
    OPEN = "open", "运营中", "open"
    CLOSED = "closed", "已关闭", "closed"


class ZoneEvent(Labelled):
    OPEN = "open", "开区", "open"
    CLOSE = "close", "关闭", "close"


class MandateMode(Labelled):
    """How far an authorisation reaches: all public data, a field, or scenario by scenario."""

    WHOLE = "whole", "整体授权", "as a whole"
    FIELD = "field", "分领域授权", "by field"
    SCENARIO = "scenario", "依场景授权", "by scenario"


class UseClass(Labelled):
    """Use for the public good is free; use for industry pays a fee under a ceiling."""

    PUBLIC_GOOD = "public_good", "公共治理、公益事业", "public governance and public good"
    INDUSTRY = "industry", "产业发展、行业发展", "industry"


class Level(Labelled):
    """GB/T 43697."""

    GENERAL = "general", "一般数据", "general"
    IMPORTANT = "important", "重要数据", "important"
    CORE = "core", "核心数据", "core"


class ResourceState(Labelled):
    DRAFT = "draft", "草稿", "draft"
    SUBMITTED = "submitted", "已提交", "submitted"
    ACCEPTED = "accepted", "已受理", "accepted"
    REVIEWED = "reviewed", "形式审核通过", "formally reviewed"
    PUBLICISED = "publicised", "公示中", "in publicity"
    REGISTERED = "registered", "已登记", "registered"
    RETURNED = "returned", "退回补正", "returned"
    REJECTED = "rejected", "不予登记", "rejected"
    CANCELLED = "cancelled", "已注销", "cancelled"


class ResourceEvent(Labelled):
    SUBMIT = "submit", "提交", "submit"
    ACCEPT = "accept", "受理", "accept"
    REVIEW = "review", "审核通过", "pass the review"
    PUBLICISE = "publicise", "公示", "publicise"
    CODE = "code", "赋码", "give the code"
    RETURN = "return", "退回", "return"
    REJECT = "reject", "不予登记", "reject"
    RENEW = "renew", "续期", "renew"
    CANCEL = "cancel", "注销", "cancel"


class FilingKind(Labelled):
    """What was filed for a registered resource."""

    FIRST = "first", "首次登记", "first registration"
    CHANGE = "change", "变更登记", "change"
    CORRECTION = "correction", "更正登记", "correction"
    RENEWAL = "renewal", "续期", "renewal"
    CANCELLATION = "cancellation", "注销登记", "cancellation"


"""A word for people: Chinese, English."""
