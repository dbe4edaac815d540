"""Words of a case."""

from enum import StrEnum

from datamarket.foundation.states import Labelled


class CaseState(Labelled):
    """Its investment counts while it is verified."""

    REGISTERED = "registered", "已登记，待核定", "registered, to be verified"
    CORRECTED = "corrected", "已更正，待核定", "corrected, to be verified"
    VERIFIED = "verified", "已核定", "verified"
    REVOKED = "revoked", "已撤销", "revoked"


class CaseEvent(StrEnum):
    VERIFY = "verify"
    CORRECT = "correct"
    PROMOTE = "promote"
    REVOKE = "revoke"


class CaseLevel(StrEnum):
    """Whose list a case is on, the lowest first."""

    CITY = "city"
    PROVINCIAL = "provincial"
    NATIONAL = "national"


class DoubtKind(Labelled):
    """Why two cases may be one project."""

    TITLE = "title", "名称相近", "titles alike"
    DAY_AND_INVESTMENT = "day_and_investment", "入选日期和投资额相同", "same day and investment"
