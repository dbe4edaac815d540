"""Words of integrity: what is looked for, and what becomes of what is found."""

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from datamarket.foundation.states import Labelled
from datamarket.subsidy.terms import instant_text, sha256_of


class Detector(Labelled):
    """What is looked for in a year's trades."""

    RELATED = (
        "related",
        "关联或临近关联的交易",
        "sales between parties that are, were or will soon be related",
    )
    RING = "ring", "资金环流", "money that goes round"
    PINGPONG = "pingpong", "同额往返", "the same amount there and back"
    SPLIT = "split", "拆分至限额以下", "purchases split below the threshold"
    BURST = "burst", "年末突击后退款", "a burst at the year's end, refunded after"
    UNUSED = "unused", "交付后从未使用", "deliveries that were never used"


class FlagState(Labelled):
    """Whether somebody has looked at it, and what they found."""

    RAISED = "raised", "待核查", "raised"
    CONFIRMED = "confirmed", "已确认", "confirmed"
    DISMISSED = "dismissed", "已排除", "dismissed"
    LAPSED = "lapsed", "不再成立", "no longer found"


class FlagEvent(StrEnum):
    """What moves a flag: a person, with a reason; it lapses by itself when the detectors find it no more."""

    CONFIRM = "confirm"
    DISMISS = "dismiss"
    REOPEN = "reopen"
    LAPSE = "lapse"


class FlaggedSales(NamedTuple):
    """Sales of one party to another from an instant until, not including, a second one."""

    provider_id: UUID
    buyer_id: UUID
    from_at: datetime
    to_at: datetime

    def to_json(self) -> dict[str, str]:
        """Instants as text that sorts as they do."""
        return {
            "provider_id": str(self.provider_id),
            "buyer_id": str(self.buyer_id),
            "from_at": instant_text(self.from_at),
            "to_at": instant_text(self.to_at),
        }


class Finding(NamedTuple):
    """What a detector found: between whom, which sales, and what made it look."""

    detector: Detector
    members: tuple[UUID, ...]
    sales: tuple[FlaggedSales, ...]
    figures: dict[str, Any]

    @property
    def sha256(self) -> str:
        """Over members and sales."""
        return sha256_of([[str(member) for member in self.members], [sale.to_json() for sale in self.sales]])
