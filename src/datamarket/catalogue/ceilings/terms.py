"""Words of ceilings: the units that they are for, and their states."""

from collections.abc import Set as AbstractSet
from typing import NamedTuple

from datamarket.foundation.states import Labelled


class CeilingUnit(Labelled):
    """What a price counts."""

    CALL = "call", "次", "call"
    PERIOD = "period", "天", "day"
    VOLUME = "volume", "量", "unit of volume"
    PRODUCT = "product", "件", "product"


class CeilingState(Labelled):
    SET = "set", "已核定", "set"
    TO_BE_RESET = "to_be_reset", "待重新核定", "to be reset"
    REPLACED = "replaced", "已更替", "replaced"


class CeilingEvent(Labelled):
    DEMAND_RESET = "demand_reset", "要求重新核定", "demand a reset"
    REPLACE = "replace", "更替", "replace"


class UnitPrice(NamedTuple):
    """So much for so many of a unit; where a plan does not say which, of any of several."""

    units: AbstractSet[CeilingUnit]
    price_fen: int
    per: int
