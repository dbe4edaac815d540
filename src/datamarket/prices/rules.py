"""Decisions about permitted incomes: their life, how they are counted, what a year's comparison says. Pure."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.errors import Conflict, Forbidden, Invalid, Refused
from datamarket.foundation.money import Fen, apply_rate, parse_rate, percent
from datamarket.foundation.states import Life
from datamarket.prices.terms import (
    NO_COSTS,
    Excess,
    IncomeEvent,
    IncomeItem,
    IncomeItemKind,
    IncomeOutcome,
    IncomeState,
    IncomeStep,
    IncomeStepKind,
)

INCOME_LIFE = Life(
    "income",
    "最高准许收入",
    "Permitted income",
    {
        (IncomeState.FILED, IncomeEvent.REVIEW): IncomeState.REVIEWED,
        (IncomeState.FILED, IncomeEvent.RETURN): IncomeState.RETURNED,
        (IncomeState.REVIEWED, IncomeEvent.APPROVE): IncomeState.APPROVED,
        (IncomeState.REVIEWED, IncomeEvent.RETURN): IncomeState.RETURNED,
        (IncomeState.APPROVED, IncomeEvent.COMPARE): IncomeState.COMPARED,
    },
    reasons=frozenset({IncomeEvent.RETURN}),
)
MOVED_BY = {
    IncomeEvent.REVIEW: Permission.REVIEW_INCOME,
    IncomeEvent.RETURN: Permission.REVIEW_INCOME,
    IncomeEvent.APPROVE: Permission.SET_PRICES,
}
"""A comparison is made by the report of the year, and by nobody's event."""


class IncomeFiledAlready(Conflict):
    code = "income.filed-already"
    zh = "该专区该年度已申报最高准许收入；退回后方可重新申报。"
    en = "The permitted income of this zone and year is filed already; once returned it may be filed anew."


class IncomeSamePerson(Forbidden):
    code = "income.same-person"
    zh = "申报、审核、核定须由不同账户办理：您已办理“{done}”。"
    en = "Filing, review and approval are done by different accounts: you have done '{done}'."


class IncomeNotYours(Forbidden):
    code = "income.not-your-move"
    zh = "操作“{event}”不由您的角色办理。"
    en = "The event '{event}' is not for your role."


class MarginTooHigh(Refused):
    code = "income.margin-too-high"
    zh = "加点 {margin} 超过 {most} 的上限。"
    en = "A margin of {margin} is above the limit of {most}."


class MarginMalformed(Invalid):
    code = "income.margin-malformed"
    zh = "加点应写作百分比文本，例如“5.5%”。"
    en = "Write the margin as text, such as '5.5%'."


class IncomeRateUnstated(Refused):
    code = "income.rate-unstated"
    zh = "{year} 年度尚无“{name}”的规定或公布值，不能办理。"
    en = "No '{name}' is stated for {year} yet, so this cannot be done."


class IncomeNotApproved(Refused):
    code = "income.not-approved"
    zh = "最高准许收入尚未核定或已比对（状态“{state}”），不能据此办理。"
    en = "The permitted income is {state}, not approved: nothing can be based on it."


class IncomeYearNotOver(Refused):
    code = "income.year-not-over"
    zh = "{year} 年度尚未结束，不能比对。"
    en = "The year {year} is not over: its income cannot be compared yet."


class Permitted(NamedTuple):
    """A permitted income, the steps that add up to it, and how much of each excess they take off."""

    amount_fen: int
    steps: tuple[IncomeStep, ...]
    deducted: tuple[Excess, ...]


class Compared(NamedTuple):
    """What a year's comparison says."""

    outcome: IncomeOutcome
    excess_fen: int


def permitted(
    items: Sequence[IncomeItem], yield_rate: Fraction, margin: Fraction, excesses: Sequence[Excess]
) -> Permitted:
    """Cost less subsidies, not below zero, plus base times (yield + margin), half up, plus tax, less older excesses.

    Excesses are given oldest first; of each as much is taken off as there is left to take it from.
    """
    steps = [
        IncomeStep(IncomeStepKind.COST, item.amount_fen, item.document)
        for item in items
        if item.kind not in NO_COSTS
    ]
    left = sum(step.amount_fen for step in steps)
    for item in (item for item in items if item.kind is IncomeItemKind.SUBSIDY):
        taken = min(left, item.amount_fen)
        left -= taken
        steps.append(IncomeStep(IncomeStepKind.SUBSIDIES, -taken, item.document))
    bases = [item for item in items if item.kind is IncomeItemKind.BASE]
    rate = f"{percent(yield_rate)} + {percent(margin)}"
    profit = apply_rate(Fen(sum(item.amount_fen for item in bases)), yield_rate + margin)
    told = "; ".join(item.document for item in bases)
    steps.append(IncomeStep(IncomeStepKind.PROFIT, profit, f"({rate}) × {told}" if bases else rate))
    steps += [
        IncomeStep(IncomeStepKind.TAXES, item.amount_fen, item.document)
        for item in items
        if item.kind is IncomeItemKind.TAX
    ]
    amount = sum(step.amount_fen for step in steps)
    deducted = []
    for excess in excesses:
        taken = min(amount, excess.left_fen)
        amount -= taken
        deducted.append(excess._replace(left_fen=taken))
        steps.append(IncomeStep(IncomeStepKind.EXCESS, -taken, f"{excess.year} {excess.income_id}"))
    return Permitted(amount, tuple(steps), tuple(deducted))


def compare(permitted_fen: int, actual_fen: int, deviation_most: Fraction) -> Compared:
    """Further off than the limit, either way, ceilings are to be reset; what is too much is an excess in any case."""
    off = actual_fen - permitted_fen
    beyond = abs(off) > permitted_fen * deviation_most
    outcome = IncomeOutcome.RESET if beyond else IncomeOutcome.ADJUST if off else IncomeOutcome.EQUAL
    return Compared(outcome, max(0, off))


def margin_of(text: str, most: Fraction) -> Fraction:
    """Raises MarginMalformed, MarginTooHigh."""
    try:
        margin = parse_rate(text)
    except ValueError:
        raise MarginMalformed from None
    if margin > most:
        raise MarginTooHigh(margin=percent(margin), most=percent(most))
    return margin


def check_mover(actor: Actor, event: IncomeEvent, *, filed_by: object, reviewed_by: object) -> None:
    """Raises IncomeNotYours, IncomeSamePerson."""
    if event not in MOVED_BY or not actor.may(MOVED_BY[event]):
        raise IncomeNotYours(event=event)
    if actor.account_id == filed_by:
        raise IncomeSamePerson(done=IncomeState.FILED)
    if event is IncomeEvent.APPROVE and actor.account_id == reviewed_by:
        raise IncomeSamePerson(done=IncomeState.REVIEWED)
