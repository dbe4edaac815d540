"""Words of integrity: what is looked for, and what becomes of what is found."""

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from datamarket.foundation.states import Labelled
from datamarket.subsidy.terms import instant_text, sha256_of


class Detector(Labelled):
    """What is looked for in a year's trades and applications."""

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
    CLAIMED_TWICE = "claimed_twice", "发票、合同或材料重复申报", "an invoice, contract or paper claimed twice"
    MISMATCH = "mismatch", "申报、交付、付款不一致", "claimed, delivered and paid do not agree"


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


class FlaggedItem(NamedTuple):
    """What an application claims, and how much of it a confirmed flag takes off its project: of the first claim nothing.

    Without `item_id` it is the application as a whole; `same` says what is claimed twice.
    """

    case_id: UUID
    application_id: UUID
    enterprise_id: UUID
    item_id: UUID | None
    kind: str | None
    number: str | None
    same: str | None
    fen: int

    def to_json(self) -> dict[str, Any]:
        """As canonical JSON takes it."""
        return {
            name: str(value) if isinstance(value, UUID) else value for name, value in self._asdict().items()
        }


class Finding(NamedTuple):
    """What a detector found: between whom, which sales or claimed items, and what made it look."""

    detector: Detector
    members: tuple[UUID, ...]
    sales: tuple[FlaggedSales, ...]
    figures: dict[str, Any]
    items: tuple[FlaggedItem, ...] = ()

    @property
    def sha256(self) -> str:
        """Over members and sales, or claimed items."""
        about = [*(sale.to_json() for sale in self.sales), *(item.to_json() for item in self.items)]
        return sha256_of([[str(member) for member in self.members], about])
