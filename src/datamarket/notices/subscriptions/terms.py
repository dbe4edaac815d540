"""Words of subscriptions, and of what became of a message."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from datamarket.auth.terms import Actor
from datamarket.foundation.states import Labelled
from datamarket.notices.events.terms import EventType


class SubscriptionState(Labelled):
    """A subscription sends, rests until its holder replays it, or is over."""

    ACTIVE = "active", "推送中", "active"
    PAUSED = "paused", "已暂停", "paused"
    ENDED = "ended", "已终止", "ended"


class SubscriptionEvent(Labelled):
    """What moves a subscription; `pause` comes of failures alone."""

    PAUSE = "pause", "暂停", "pause"
    REPLAY = "replay", "重放", "replay"
    END = "end", "终止", "end"


class PauseReason(Labelled):
    """Why messages rest."""

    FAILED = "failed", "多次发送失败", "sending failed too often"
    GONE = "gone", "接收端答复已停用（410）", "the receiver answered that it is gone (410)"
    ACCOUNT_CLOSED = "account_closed", "订阅账户已停用", "the subscriber's account is closed"


class SendingOutcome(Labelled):
    """What became of one attempt to send a message."""

    TAKEN = "taken", "已接收", "taken by the receiver"
    REFUSED = "refused", "接收端拒收", "refused by the receiver"
    UNREACHED = "unreached", "未能送达", "not reached"
    UNANSWERED = "unanswered", "超时未答复", "no answer in time"
    ADDRESS_CLOSED = "address_closed", "地址不允许", "an address that no message is sent to"


@dataclass(frozen=True)
class Due:
    """A subscription whose turn it is, as it was when it was taken; `active` is its account."""

    id: UUID
    subscriber: Actor
    active: bool
    url: str
    types: tuple[EventType, ...]
    salt: bytes
    position: int
    failures: int
    version: int


class Sending(NamedTuple):
    """One attempt: which event, what the receiver answered, and how long it took."""

    position: int
    event_id: UUID
    at: datetime
    outcome: SendingOutcome
    status: int | None
    milliseconds: int
