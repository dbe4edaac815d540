"""Words of the bank's side."""

from datamarket.foundation.states import Labelled


class MatchState(Labelled):
    """Whether a line of the bank has its entry in the books."""

    OPEN = "open", "未匹配", "open"
    MATCHED = "matched", "自动匹配", "matched"
    MATCHED_BY_HAND = "matched_by_hand", "人工匹配", "matched by hand"
