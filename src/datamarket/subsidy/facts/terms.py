"""From what the turnover of a snapshot was read, and how the enterprises of a joint project are named in it."""

from datamarket.foundation.states import Labelled


class TurnoverOrigin(Labelled):
    """Both give the same figures to the fen; a run tells which it read."""

    TRADES = "trades", "逐笔交易", "every trade"
    KEPT = "kept", "按月累计数", "kept monthly turnover"


JOINT = "/"
"""Between the code of a joint project and the credit code of one of its enterprises: no code has it."""

SOLD, BOUGHT = "sold_by_month", "bought_by_month"
"""Facts of an enterprise for questions: `VENUE@MONTH=counted,uncounted` in fen, parted by spaces; older snapshots lack both."""
MOST_SELLERS_BY_MONTH = 1_000
"""Of more sellers no sums by month are kept: with 2,000 of them reading took 2.8 s where their turnover took 0.8 s."""
