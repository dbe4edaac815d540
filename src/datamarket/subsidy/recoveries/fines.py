"""The range of a fine and the interest for delay, dated and cited in `fines.yaml`; a rate is an exact fraction."""

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from functools import cache
from importlib import resources

from datamarket.foundation import money
from datamarket.foundation.documents.dated import DatedValue, read_dated, value_on
from datamarket.foundation.errors import Invalid
from datamarket.foundation.money import Fen, apply_rate, parse_rate, percent
from datamarket.subsidy.recoveries.terms import DueInstalment


class FineOutsideRange(Invalid):
    code = "subsidy.fine-outside-range"
    zh = "罚款比例 {rate} 不在 {least} 至 {most} 之间（依据：{article}）。"
    en = "A fine of {rate} is not within {least} to {most} ({article})."


@cache
def stated_fines() -> Mapping[str, tuple[DatedValue[Fraction | None], ...]]:
    """Every value of the file by its name, oldest first."""
    content = (resources.files("datamarket.subsidy.recoveries") / "fines.yaml").read_bytes()
    readers = {"fine_least": parse_rate, "fine_most": parse_rate, "interest_per_day": _rate_or_none}
    return read_dated("subsidy/recoveries/fines.yaml", content, readers)


def _rate_or_none(value: str | None) -> Fraction | None:
    return None if value is None else parse_rate(value)


def fine_of(amount: Fen, rate: Fraction, on: date) -> Fen:
    """Half up to the fen. Raises FineOutsideRange, with the article, also before there was a range."""
    stated = stated_fines()
    least, most = value_on(stated["fine_least"], on), value_on(stated["fine_most"], on)
    if least is None or most is None:
        least = most = Fraction(0)
    if not 0 < least <= rate <= most:
        article = stated["fine_most"][-1].source
        raise FineOutsideRange(rate=percent(rate), least=percent(least), most=percent(most), article=article)
    return apply_rate(amount, rate)


def interest_of(plan: Sequence[DueInstalment], since: date | None, on: date) -> Fen:
    """On what is overdue, for the days after its last one, or after `since`, until `on`; rounded once, half up.

    The rate is the one in force when an instalment was due.
    """
    exact = Fraction(0)
    for due in plan:
        rate = value_on(stated_fines()["interest_per_day"], due.due_on)
        days = (on - max(due.due_on, since or due.due_on)).days
        if rate is not None and days > 0:
            exact += due.left_fen * rate * days
    return Fen(money.half_up(exact))
