"""Words of participants: kinds, states, events, qualifications."""

from enum import StrEnum

from datamarket.foundation.labels import Labels


class ParticipantKind(StrEnum):
    """What an organisation is in the market."""

    AUTHORITY = "authority"
    FINANCE = "finance"
    SUPPLYING_UNIT = "supplying_unit"
    ZONE_OPERATOR = "zone_operator"
    ENTERPRISE = "enterprise"
    THIRD_PARTY = "third_party"
    VENUE_OPERATOR = "venue_operator"
    AUDITOR = "auditor"


class IncomeClass(StrEnum):
    """Where an organisation's income goes: the treasury, by local finance rule, its own account."""

    ADMINISTRATIVE = "administrative"
    INSTITUTION = "institution"
    ENTERPRISE = "enterprise"


class ParticipantState(StrEnum):
    APPLIED = "applied"
    ADMITTED = "admitted"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"


class ParticipantEvent(StrEnum):
    ADMIT = "admit"
    SUSPEND = "suspend"
    RESTORE = "restore"
    WITHDRAW = "withdraw"


class QualificationKind(StrEnum):
    DATA_MERCHANT = "data_merchant"
    THIRD_PARTY_SERVICE = "third_party_service"
    CHIEF_DATA_OFFICER = "chief_data_officer"


LABELS = Labels(
    {
        ParticipantKind.AUTHORITY: ("数据主管部门", "data authority"),
        ParticipantKind.FINANCE: ("财政部门", "finance department"),
        ParticipantKind.SUPPLYING_UNIT: ("供数单位", "supplying unit"),
        ParticipantKind.ZONE_OPERATOR: ("专区运营机构", "zone operator"),
        ParticipantKind.ENTERPRISE: ("数据企业", "data enterprise"),
        ParticipantKind.THIRD_PARTY: ("第三方专业服务机构", "third-party service"),
        ParticipantKind.VENUE_OPERATOR: ("交易平台运营机构", "venue operator"),
        ParticipantKind.AUDITOR: ("审计监管部门", "auditor"),
    },
    {
        IncomeClass.ADMINISTRATIVE: ("行政单位", "administrative body"),
        IncomeClass.INSTITUTION: ("事业单位", "public institution"),
        IncomeClass.ENTERPRISE: ("企业", "enterprise"),
    },
    {
        ParticipantState.APPLIED: ("待准入", "applied"),
        ParticipantState.ADMITTED: ("已准入", "admitted"),
        ParticipantState.SUSPENDED: ("已暂停", "suspended"),
        ParticipantState.WITHDRAWN: ("已退出", "withdrawn"),
    },
    {
        ParticipantEvent.ADMIT: ("准入", "admit"),
        ParticipantEvent.SUSPEND: ("暂停", "suspend"),
        ParticipantEvent.RESTORE: ("恢复", "restore"),
        ParticipantEvent.WITHDRAW: ("退出", "withdraw"),
    },
    {
        QualificationKind.DATA_MERCHANT: ("数商", "data merchant"),
        QualificationKind.THIRD_PARTY_SERVICE: ("第三方专业服务", "third-party service"),
        QualificationKind.CHIEF_DATA_OFFICER: ("首席数据官", "chief data officer"),
    },
)
"""A word for people: Chinese, English."""
