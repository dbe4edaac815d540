"""Words of an accounting month: its states and its events."""

from enum import StrEnum

from datamarket.foundation.states import Labelled


class PeriodState(Labelled):
    """An accounting month."""

    OPEN = "open", "开放", "open"
    CLOSING = "closing", "结账中", "closing"
    CLOSED = "closed", "已关账", "closed"
    ARCHIVED = "archived", "已归档", "archived"


class PeriodEvent(StrEnum):
    BEGIN_CLOSING = "begin-closing"
    CANCEL_CLOSING = "cancel-closing"
    CLOSE = "close"
    REOPEN = "reopen"
    ARCHIVE = "archive"
