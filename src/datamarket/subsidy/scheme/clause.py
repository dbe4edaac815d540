"""One clause of a scheme: who may have an award, on what base, at what rate, between which limits."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, model_validator

from datamarket.foundation.money import yuan
from datamarket.subsidy.scheme.dated_values import (
    Amount,
    Bounds,
    Frozen,
    Headcount,
    Name,
    Rate,
    Slug,
    Text,
    Timeline,
    Words,
    nearest,
    not_empty,
    reject,
)
from datamarket.subsidy.scheme.vocabulary import FACTS, PREDICATES, FactKind
from datamarket.subsidy.terms import Unit


def _graded(tiers: "tuple[Tier, ...]") -> "tuple[Tier, ...]":
    if not tiers or tiers[0].above != 0:
        mend = ('请在最前加一档，above 为 "0.00"', 'begin with a tier above "0.00"')
        reject('第一档的 above 必须是 "0.00"', 'the first tier must be above "0.00"', mend=mend)
    for index in range(1, len(tiers)):
        if tiers[index].above <= tiers[index - 1].above:
            mend = ("请按 above 由小到大排列", "order them by above")
            reject("各档必须由低到高", "tiers must rise", index, "above", mend=mend)
    return tiers


class Tier(Frozen):
    """A marginal bracket: the part of the base above this amount, up to the next tier."""

    above: Amount
    rate: Rate


Tiers = Annotated[tuple[Tier, ...], AfterValidator(_graded)]


class Citation(Frozen):
    """Where a clause stands; the article is null when only a report of the wording is known."""

    article: Text | None
    quote: Text


class Tiebreak(Frozen):
    """Facts that order equal candidates, best first; a leading '-' puts the larger or later first."""

    tiebreak: Annotated[tuple[Name, ...], AfterValidator(not_empty)]


def _tie_rule(value: Any) -> Any:
    """One sentence names every accepted form; what stands inside a tiebreak is checked after this."""
    if isinstance(value, Tiebreak) or (isinstance(value, Mapping) and "tiebreak" in value):
        return value
    if isinstance(value, str) and value in ("include_all", "exclude_all", "stop"):
        return value
    forms = "include_all, exclude_all, stop, {tiebreak: [-contracts, first_settled]}"
    mend = nearest(str(value), ("include_all", "exclude_all", "stop", "{tiebreak: [...]}"))
    return reject(f"ties 只能是下列之一：{forms}", f"ties must be one of: {forms}", mend=mend)


Ties = Annotated[Literal["include_all", "exclude_all", "stop"] | Tiebreak, BeforeValidator(_tie_rule)]


class Select(Frozen):
    """The first `top` by a fact; `all` lets an excluded candidate keep its slot, `eligible` does not."""

    top: Headcount
    by: Name
    among: Literal["eligible", "all"]
    ties: Ties


class Rounding(Frozen):
    to: Amount
    mode: Literal["half_up", "half_even", "down"]

    @model_validator(mode="after")
    def _positive(self) -> Self:
        if self.to == 0:
            mend = ('请写作 "0.01" 或更大', 'write "0.01" or more')
            reject("舍入单位必须大于零", "the unit of rounding must be above zero", "to", mend=mend)
        return self


class Validators(Frozen):
    """Bounds that every value of a parameter must keep, now and in any reform."""

    rate: Bounds[Rate] | None = None
    floor: Bounds[Amount] | None = None
    cap: Bounds[Amount] | None = None


class Clause(Frozen):
    """One award: who may have it, on what base, at what rate, between which limits."""

    id: Slug
    title: Words
    cite: Citation
    unit: Unit
    base: Name
    when: tuple[Name, ...] = ()
    require_base_above: Amount | None = None
    select: Select | None = None
    rate: Timeline[Rate] | None = None
    tiers: Timeline[Tiers] | None = None
    floor: Timeline[Amount] | None = None
    cap: Timeline[Amount] | None = None
    rate_basis_date: Literal["period_end", "period_start"] = "period_end"
    round: Rounding
    evidence: tuple[Words, ...] = ()
    validators: Validators | None = None

    def basis_date(self, year: int) -> date:
        """The day whose parameters count for the whole year."""
        return date(year, 12, 31) if self.rate_basis_date == "period_end" else date(year, 1, 1)

    @model_validator(mode="after")
    def _known_names(self) -> Self:
        _check_fact(self.base, self.unit, {FactKind.MONEY}, "base")
        known = [one.name for one in PREDICATES.values() if self.unit in one.units]
        for index, name in enumerate(self.when):
            if name not in PREDICATES or name in self.when[:index]:
                zh, en = f"未知或重复的条件：{name}", f"unknown or repeated predicate: {name}"
                reject(zh, en, "when", index, mend=nearest(name, known))
            if self.unit not in PREDICATES[name].units:
                reject(
                    f"条件 {name} 不适用于 {self.unit}",
                    f"predicate {name} is not for a {self.unit}",
                    "when",
                    index,
                    mend=nearest(name, known),
                )
        if self.select is not None:
            _check_fact(self.select.by, self.unit, {FactKind.MONEY, FactKind.COUNT}, "select", "by")
            if isinstance(self.select.ties, Tiebreak):
                for index, term in enumerate(self.select.ties.tiebreak):
                    ordered = set(FactKind) - {FactKind.TRUTH}
                    _check_fact(
                        term.removeprefix("-"), self.unit, ordered, "select", "ties", "tiebreak", index
                    )
        return self

    @model_validator(mode="after")
    def _one_schedule(self) -> Self:
        if (self.rate is None) == (self.tiers is None):
            mend = ("请只写其中一个", "write one of them")
            reject("rate 与 tiers 必须且只能有一个", "exactly one of rate and tiers is needed", mend=mend)
        return self

    @model_validator(mode="after")
    def _floor_under_cap(self) -> Self:
        if self.floor is not None and self.cap is not None:
            for day in sorted({*self.floor.root, *self.cap.root}):
                floor, cap = self.floor.on(day), self.cap.on(day)
                if floor is not None and cap is not None and floor.value > cap.value:
                    zh, en = f"自 {day} 起下限高于上限", f"from {day} the floor is above the cap"
                    reject(zh, en, "floor", mend=("请降低下限或提高上限", "lower the floor or raise the cap"))
        return self

    @model_validator(mode="after")
    def _whole_units(self) -> Self:
        for name, timeline in (("floor", self.floor), ("cap", self.cap)):
            for day, value in timeline.values() if timeline else ():
                if value % self.round.to:
                    mend = (
                        f"请写成 {yuan(self.round.to)} 的整数倍",
                        f"write a multiple of {yuan(self.round.to)}",
                    )
                    reject(
                        "必须是舍入单位的整数倍",
                        "must be a multiple of round.to",
                        name,
                        day.isoformat(),
                        mend=mend,
                    )
        return self

    @model_validator(mode="after")
    def _within_validators(self) -> Self:
        if self.validators is not None:
            _check_range(self.rate, self.validators.rate, "rate")
            _check_range(self.floor, self.validators.floor, "floor")
            _check_range(self.cap, self.validators.cap, "cap")
        return self


def _check_fact(name: str, unit: Unit, kinds: set[FactKind], *at: str | int) -> None:
    fact = FACTS.get(name)
    fitting = [one.name for one in FACTS.values() if unit in one.units and one.kind in kinds]
    if fact is None:
        reject(f"未知的事实：{name}", f"unknown fact: {name}", *at, mend=nearest(name, fitting))
    if name not in fitting:
        zh, en = f"事实 {name} 不能用在这里", f"fact {name} cannot stand here"
        reject(zh, en, *at, mend=nearest(name, fitting))


def _check_range(timeline: Timeline[Any] | None, bounds: Bounds[Any] | None, name: str) -> None:
    if timeline is None or bounds is None:
        return
    for day, value in timeline.values():
        below = bounds.min is not None and value < bounds.min
        if below or (bounds.max is not None and value > bounds.max):
            mend = ("请改值，或先修改 validators", "change the value, or its validators first")
            reject("超出 validators 的范围", "outside its validators", name, day.isoformat(), mend=mend)
