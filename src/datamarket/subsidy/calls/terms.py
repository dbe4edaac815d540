"""Words of an application."""

from enum import StrEnum

from datamarket.foundation.states import Labelled


class ApplicationState(Labelled):
    """Begun by the enterprise as a draft, or by the market as a proposal."""

    DRAFT = "draft", "草稿", "draft"
    SUBMITTED = "submitted", "已提交", "submitted"
    RETURNED = "returned", "已退回补正", "returned for changes"
    DISTRICT_PASSED = "district_passed", "区市已通过", "passed by the district"
    VERIFIED = "verified", "已核定", "verified"
    REJECTED = "rejected", "不予通过", "rejected"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"
    PROPOSED = "proposed", "免申即享，待确认", "proposed, to be confirmed"
    CONFIRMED = "confirmed", "已确认", "confirmed"


class ApplicationEvent(StrEnum):
    """`propose` is the market's own: nobody else causes it."""

    PROPOSE = "propose"
    SUBMIT = "submit"
    RETURN = "return"
    ENDORSE = "endorse"
    VERIFY = "verify"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    CONFIRM = "confirm"
