"""Words of money between two cities."""

from enum import StrEnum

from datamarket.foundation.states import Labelled


class TransferDirection(StrEnum):
    """Which of the two cities' books a row of a transfer stands in."""

    OUTGOING = "outgoing"
    INCOMING = "incoming"


class TransferState(Labelled):
    """Money on its way to another city, as one of the two sees it."""

    SENT = "sent", "已汇出", "sent"
    RECEIVED = "received", "对方已入账，待清算", "received, not settled yet"
    SETTLED = "settled", "已清算", "settled"


class TransferEvent(StrEnum):
    """`receive` is done by the market itself, as soon as the other city's books have it."""

    RECEIVE = "receive"
    SETTLE = "settle"
