"""The life of a flag, pure: raised by detectors, judged with a reason by another account than the one that ran them."""

from datamarket.auth.terms import Actor
from datamarket.foundation.errors import Refused
from datamarket.foundation.states import Life
from datamarket.subsidy.integrity.terms import FlagEvent, FlagState

S, E = FlagState, FlagEvent
FLAG_LIFE = Life(
    "flag",
    "诚信疑点",
    "Integrity flag",
    {
        (S.RAISED, E.CONFIRM): S.CONFIRMED,
        (S.RAISED, E.DISMISS): S.DISMISSED,
        (S.CONFIRMED, E.REOPEN): S.RAISED,
        (S.DISMISSED, E.REOPEN): S.RAISED,
        (S.RAISED, E.LAPSE): S.LAPSED,
    },
    reasons=frozenset({E.CONFIRM, E.DISMISS, E.REOPEN}),
)


class OwnFlag(Refused):
    code = "flag.own"
    zh = "疑点须由运行侦测以外的账户核查。"
    en = "A flag is judged by another account than the one that ran the detectors."


class DetectorsEarly(Refused):
    code = "flag.year-not-begun"
    zh = "{year} 年度尚未开始，没有交易可供侦测。"
    en = "The year {year} has not begun; there are no trades to look at."


BY_PERSONS = (E.CONFIRM, E.DISMISS, E.REOPEN)
"""What an account may ask for; the rest follows from the trades."""


def check_judge(actor: Actor, raised_by: object) -> None:
    """Raises OwnFlag."""
    if actor.account_id == raised_by:
        raise OwnFlag
