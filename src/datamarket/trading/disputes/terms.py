"""Words of a dispute."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from datamarket.contracts.terms import Party
from datamarket.foundation.states import Labelled


class DisputeState(Labelled):
    """Whether it waits for an answer or for an outcome, and how it ended."""

    OPENED = "opened", "已提出，待答复", "opened, awaiting an answer"
    ANSWERED = "answered", "已答复，待处理", "answered, awaiting an outcome"
    SETTLED = "settled", "双方和解", "settled by both"
    DECIDED = "decided", "主管部门裁决", "decided by the authority"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"


OPEN = (DisputeState.OPENED, DisputeState.ANSWERED)


class DisputeEvent(StrEnum):
    """What moves a dispute; `offer` names an amount that the other side may `settle`."""

    ANSWER = "answer"
    OFFER = "offer"
    SETTLE = "settle"
    DECIDE = "decide"
    WITHDRAW = "withdraw"


@dataclass(frozen=True)
class DisputeFacts:
    """What decides about a dispute, beside who asks."""

    state: DisputeState
    opened_by: Party
    offered_by: Party | None
    amount_fen: int
    answer_by: datetime
