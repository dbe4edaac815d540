"""Words of objections."""

from enum import StrEnum

from datamarket.foundation.states import Labelled


class ObjectionState(Labelled):
    """Whether it waits for a decision, and how it ended; an appeal is one of its own."""

    FILED = "filed", "已提出，待决定", "filed, awaiting a decision"
    ANSWERED = "answered", "已答复，待决定", "answered, awaiting a decision"
    UPHELD = "upheld", "异议成立", "upheld"
    REJECTED = "rejected", "异议不成立", "rejected"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"


class ObjectionEvent(StrEnum):
    """What moves an objection, each with a reason; that of `answer` is the answer."""

    ANSWER = "answer"
    UPHOLD = "uphold"
    REJECT = "reject"
    WITHDRAW = "withdraw"
