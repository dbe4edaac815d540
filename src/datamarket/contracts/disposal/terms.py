"""Words of the duty at the end of a contract."""

from enum import StrEnum

from datamarket.foundation.states import Labelled


class DisposalState(Labelled):
    """Whether it was proved in time."""

    DUE = "due", "待处置", "due"
    OVERDUE = "overdue", "已逾期", "overdue"
    PROVED = "proved", "已证明", "proved"


class DisposalEvent(StrEnum):
    """What moves a duty."""

    PROVE = "prove"
    FALL_DUE = "fall_due"


class DisposalKind(Labelled):
    """What was done with the data."""

    DELETED = "deleted", "已删除", "deleted"
    RETURNED = "returned", "已返还", "returned"
