"""From what the turnover of a snapshot was read."""

from datamarket.foundation.states import Labelled


class TurnoverOrigin(Labelled):
    """Both give the same figures to the fen; a run tells which it read."""

    TRADES = "trades", "逐笔交易", "every trade"
    KEPT = "kept", "按月累计数", "kept monthly turnover"
