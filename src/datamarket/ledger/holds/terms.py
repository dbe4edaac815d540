"""Words of money set aside: its states, its events, what happens to the rest."""

from enum import StrEnum
from typing import NewType
from uuid import UUID

from datamarket.foundation.states import Labelled

HoldId = NewType("HoldId", UUID)


class HoldState(Labelled):
    """Money set aside: what is still held, or what became of the last of it."""

    HELD = "held", "已冻结", "held"
    PARTLY_POSTED = "partly_posted", "部分入账，余额仍冻结", "partly posted, the rest still held"
    POSTED = "posted", "全额入账", "wholly posted"
    VOIDED = "voided", "余额已解冻", "the rest was given back"
    EXPIRED = "expired", "余额到期解冻", "the rest expired"


class HoldEvent(StrEnum):
    """What takes from a hold, or ends it."""

    POST_PART = "post_part"
    POST = "post"
    VOID = "void"
    EXPIRE = "expire"


class Rest(StrEnum):
    """What becomes of what a posting leaves of a hold."""

    KEEP = "keep"
    VOID = "void"
