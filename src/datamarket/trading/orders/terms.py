"""Words of an order that its buyer must accept."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from datamarket.foundation.states import Labelled


class OrderState(Labelled):
    """The life of an order."""

    PLACED = "placed", "待交付，资金已冻结", "awaiting delivery, money held"
    DELIVERED = "delivered", "已交付，待验收", "delivered, awaiting acceptance"
    CURING = "curing", "已退回，待补正后重新交付", "sent back, awaiting its cure"
    ACCEPTED = "accepted", "已验收", "accepted"
    REJECTED = "rejected", "已拒收，资金退回", "rejected, money given back"
    CANCELLED = "cancelled", "已取消", "cancelled before delivery"
    EXPIRED = "expired", "逾期未交付", "not delivered in time"


OPEN_ORDERS = (OrderState.PLACED, OrderState.DELIVERED, OrderState.CURING)
"""In each of them units are reserved, and money is held or in escrow."""


class OrderEvent(StrEnum):
    """What moves an order; `expire` comes of time alone, and so does an acceptance by silence.

    `send_back` is what a rejection does while the contract leaves the provider a cure.
    """

    DELIVER = "deliver"
    CANCEL = "cancel"
    EXPIRE = "expire"
    ACCEPT = "accept"
    REJECT = "reject"
    SEND_BACK = "send_back"
    OFFER_CUT = "offer_cut"


class DeliveryTerms(NamedTuple):
    """What a contract's annex says of its deliveries; each order keeps what was in force when it was placed.

    `instalments` are shares in basis points: for the signature, the delivery, the acceptance.
    """

    acceptance_days: int
    cure_days: int
    hidden_defect: bool
    instalments: tuple[int, int, int] | None


@dataclass(frozen=True)
class OrderFacts:
    """What decides about an order, beside who asks."""

    state: OrderState
    quantity: int
    deliver_by: datetime
    decide_by: datetime | None
    cure_days: int = 0
    cure_by: datetime | None = None
    used_at: datetime | None = None
    amount_fen: int = 0
    cut_fen: int = 0
