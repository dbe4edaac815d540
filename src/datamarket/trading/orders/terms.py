"""Words of an order that its buyer must accept."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from datamarket.foundation.states import Labelled


class OrderState(Labelled):
    """The life of an order."""

    PLACED = "placed", "待交付，资金已冻结", "awaiting delivery, money held"
    DELIVERED = "delivered", "已交付，待验收", "delivered, awaiting acceptance"
    ACCEPTED = "accepted", "已验收", "accepted"
    REJECTED = "rejected", "已拒收，资金退回", "rejected, money given back"
    CANCELLED = "cancelled", "已取消", "cancelled before delivery"
    EXPIRED = "expired", "逾期未交付", "not delivered in time"


class OrderEvent(StrEnum):
    """What moves an order; `expire` comes of time alone, and so does an acceptance by silence."""

    DELIVER = "deliver"
    CANCEL = "cancel"
    EXPIRE = "expire"
    ACCEPT = "accept"
    REJECT = "reject"


@dataclass(frozen=True)
class OrderFacts:
    """What decides about an order, beside who asks."""

    state: OrderState
    quantity: int
    deliver_by: datetime
    decide_by: datetime | None
