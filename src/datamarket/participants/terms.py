"""Words of participants: kinds, where income goes, states, events."""

from datamarket.foundation.states import Labelled


class ParticipantKind(Labelled):
    """What an organisation is in the market."""

    AUTHORITY = "authority", "数据主管部门", "data authority"
    FINANCE = "finance", "财政部门", "finance department"
    SUPPLYING_UNIT = "supplying_unit", "供数单位", "supplying unit"
    ZONE_OPERATOR = "zone_operator", "专区运营机构", "zone operator"
    ENTERPRISE = "enterprise", "数据企业", "data enterprise"
    THIRD_PARTY = "third_party", "第三方专业服务机构", "third-party service"
    VENUE_OPERATOR = "venue_operator", "交易平台运营机构", "venue operator"
    AUDITOR = "auditor", "审计监管部门", "auditor"


class IncomeClass(Labelled):
    """Where an organisation's income goes: the treasury, by local finance rule, its own account."""

    ADMINISTRATIVE = "administrative", "行政单位", "administrative body"
    INSTITUTION = "institution", "事业单位", "public institution"
    ENTERPRISE = "enterprise", "企业", "enterprise"


class ParticipantState(Labelled):
    APPLIED = "applied", "待准入", "applied"
    ADMITTED = "admitted", "已准入", "admitted"
    SUSPENDED = "suspended", "已暂停", "suspended"
    WITHDRAWN = "withdrawn", "已退出", "withdrawn"


class ParticipantEvent(Labelled):
    ADMIT = "admit", "准入", "admit"
    SUSPEND = "suspend", "暂停", "suspend"
    RESTORE = "restore", "恢复", "restore"
    WITHDRAW = "withdraw", "退出", "withdraw"
