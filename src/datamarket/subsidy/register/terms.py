"""Words of a scheme version."""

from enum import StrEnum

from datamarket.foundation.states import Labelled


class SchemeState(Labelled):
    DRAFT = "draft", "草稿", "draft"
    APPROVED = "approved", "已批准", "approved"
    RETIRED = "retired", "已停用", "retired"


class SchemeEvent(StrEnum):
    APPROVE = "approve"
    RETIRE = "retire"
