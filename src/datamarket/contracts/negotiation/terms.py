"""Words of a negotiation: what may differ between two versions, and how it is said."""

from typing import NamedTuple

from datamarket.foundation.states import Labelled


class ContractClause(Labelled):
    """A part of the terms; after the quota those of the annex."""

    PRICE_MODEL = "price_model", "计价方式", "price model"
    PRICE_FEN = "price_fen", "单价", "price"
    PERIOD_DAYS = "period_days", "计费周期（天）", "days of a period"
    PRICE_TERMS = "price_terms", "计价条款", "terms of the price"
    PURPOSES = "purposes", "使用目的", "purposes"
    USE_CLASS = "use_class", "使用类别", "use class"
    TERM_FROM = "term_from", "期限起", "beginning of the term"
    TERM_TO = "term_to", "期限止（不含）", "end of the term (not included)"
    QUOTA = "quota", "用量额度", "quota"
    TERRITORY = "territory", "使用地域", "territory"
    RECIPIENTS = "recipients", "接收方", "recipients"
    PERMITTED_FORM = "permitted_form", "使用方式", "permitted form"
    SECURITY_ENVIRONMENT = "security_environment", "安全环境", "security environment"
    ACCEPTANCE_DAYS = "acceptance_days", "验收期（天）", "days of acceptance"
    RETENTION_DAYS = "retention_days", "留存期（天）", "days of retention"
    NOTICE_DAYS = "notice_days", "终止通知期（天）", "days of notice"
    DISPUTE_FORUM = "dispute_forum", "争议解决", "dispute forum"
    FORMS = "forms", "限定使用形式", "forms permitted"
    TERRITORIES = "territories", "限定地域（行政区划代码）", "territories permitted"
    RECIPIENT_IDS = "recipient_ids", "限定接收方", "recipients permitted"
    ONWARD_TRANSFER = "onward_transfer", "再转让", "onward transfer"
    RATE = "rate", "用量速率", "rate"


class PlanTerm(Labelled):
    """A term of a price that counts by the month; amounts are fen."""

    UNITS = "units", "计价单位数", "units of the price"
    TIERS = "tiers", "阶梯", "tiers"
    BASIC_FEN = "basic_fen", "年度基本费（分）", "yearly basic fee (fen)"
    MINIMUM_FEN = "minimum_fen", "月度最低消费（分）", "the month's minimum (fen)"
    CAP_FEN = "cap_fen", "月度封顶（分）", "the month's cap (fen)"


class Difference(NamedTuple):
    """What a version changes of the one before, in words."""

    clause: ContractClause
    before_zh: str
    before_en: str
    after_zh: str
    after_en: str
