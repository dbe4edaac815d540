"""Words of a resource's registration."""

from datamarket.foundation.states import Labelled


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
