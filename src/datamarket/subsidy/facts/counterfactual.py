"""A snapshot as it would be with some facts changed: what was frozen is the only input, and stays as it is; pure.

A candidate whose turnover becomes another loses what was only known of the old one: its parts, contracts and first sale.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any

from datamarket.foundation import money
from datamarket.foundation.documents.dated import read_day
from datamarket.foundation.errors import Invalid
from datamarket.subsidy.facts.terms import BOUGHT, MOST_SELLERS_BY_MONTH, SOLD
from datamarket.subsidy.terms import Candidate, FactValue, Snapshot, Unit

LEFT_OUT, PARTY, TAX, VENUES = "facts.left-out", "facts.party", "facts.tax", "facts.venues"
FACT_PATHS = (LEFT_OUT, PARTY, TAX, VENUES)
BASE_REASONS: Mapping[str, str] = {PARTY: "party", TAX: "tax", VENUES: "venue"}
"""Why a base is another one, where one of these alone was asked."""
EVERYONE = "*"
_TURNOVER = "net_platform_turnover"
_KEPT = {"registered_in_city", "suspended", "other_kind", "claimed_before", "submitted_at", SOLD, BOUGHT}
"""What of an enterprise is no matter of its turnover."""


class FactChangeInvalid(Invalid):
    code = "subsidy.fact-change-invalid"
    zh = "对快照事实的假设无效（{where}）：{problem_zh}。"
    en = "The change of facts is not valid ({where}): {problem_en}."


class SnapshotLacks(Invalid):
    code = "subsidy.snapshot-lacks"
    zh = "该快照没有“{facts}”（各平台每月的交易额），不能回答“{where}”；新快照在卖方不超过 {most} 家时才保存，请另行发起运行。"
    en = (
        "This snapshot lacks '{facts}' (sums of each venue and month), so '{where}' has no answer;"
        " a new one keeps them for at most {most} sellers: open a new run."
    )


def changed(snapshot: Snapshot, changes: Mapping[str, Any], year: int) -> Snapshot:
    """Those left out are gone, then whose sums of which venues count, then tax is taken out.

    Raises FactChangeInvalid and SnapshotLacks.
    """
    if not changes:
        return snapshot
    rows = _without(snapshot, changes[LEFT_OUT]) if LEFT_OUT in changes else list(snapshot.candidates)
    if PARTY in changes or VENUES in changes:
        rows = _counted(rows, changes, year)
    if TAX in changes:
        rates = _tax_rates(changes[TAX])
        rows = [_turnover(row, lambda net, row=row: _untaxed(net, rates, row.id)) for row in rows]  # type: ignore[misc]
    return Snapshot.of(rows)


def known_as_in(snapshot: Snapshot, earlier: Snapshot) -> Snapshot:
    """Without sums by month where an earlier snapshot has none: that they are kept now is no change of the books."""
    if any(SOLD in row.facts or BOUGHT in row.facts for row in earlier.candidates):
        return snapshot
    months = (SOLD, BOUGHT)
    rows = (
        (row, {name: fact for name, fact in row.facts.items() if name not in months})
        for row in snapshot.candidates
    )
    return Snapshot.of(replace(row, facts=facts) for row, facts in rows)


def _refuse(where: str, zh: str, en: str) -> FactChangeInvalid:
    return FactChangeInvalid(where=where, problem_zh=zh, problem_en=en)


def _without(snapshot: Snapshot, codes: Any) -> list[Candidate]:
    """Neither they nor their projects; of a joint project the part of who is left out is paid to nobody."""
    if not isinstance(codes, list) or not codes or not all(isinstance(code, str) for code in codes):
        raise _refuse(LEFT_OUT, "应为企业代码的列表", "write a list of codes of enterprises")
    unknown = set(codes) - {row.enterprise for row in snapshot.candidates}
    if unknown:
        told = ", ".join(sorted(unknown))
        raise _refuse(LEFT_OUT, f"快照中没有 {told}", f"the snapshot has no {told}")
    return [row for row in snapshot.candidates if row.enterprise not in codes]


def _turnover(row: Candidate, change: Callable[[int], int]) -> Candidate:
    net = row.facts.get(_TURNOVER)
    if row.unit is not Unit.ENTERPRISE or not isinstance(net, int) or (other := change(net)) == net:
        return row
    kept: dict[str, FactValue] = {name: value for name, value in row.facts.items() if name in _KEPT}
    return replace(row, facts=kept | {_TURNOVER: other})


def _untaxed(net: int, rates: Mapping[str, Fraction], enterprise: str) -> int:
    """The price without the tax that stands in it, half up to the fen."""
    return money.half_up(net / (1 + rates.get(enterprise, rates.get(EVERYONE, Fraction(0)))))


def _tax_rates(asked: Any) -> dict[str, Fraction]:
    """One rate for all, or by enterprise with that of the others under `*`."""
    stated = asked if isinstance(asked, Mapping) else {EVERYONE: asked}
    try:
        return {str(code): money.parse_rate(rate) for code, rate in stated.items()}
    except ValueError:
        zh, en = '应写作 "6%"，或 {企业代码: "3%", "*": "6%"}', 'write "6%", or {code: "3%", "*": "6%"}'
        raise _refuse(TAX, zh, en) from None


@dataclass(frozen=True)
class _Term:
    """The months in which a venue counts, as asked."""

    first: int
    after: int

    def sum_of(self, month: int, counted: int, uncounted: int) -> int:
        return counted + uncounted if self.first <= month < self.after else 0


def _counted(rows: list[Candidate], changes: Mapping[str, Any], year: int) -> list[Candidate]:
    terms = _terms(changes.get(VENUES, {}), year)
    party = changes.get(PARTY, "seller")
    if party not in ("seller", "buyer"):
        raise _refuse(PARTY, "应为 seller 或 buyer", "write seller or buyer")
    if not any(SOLD in row.facts for row in rows):
        raise SnapshotLacks(
            facts=f"{SOLD}, {BOUGHT}", where=VENUES if terms else PARTY, most=MOST_SELLERS_BY_MONTH
        )
    known = {venue for row in rows for fact in (SOLD, BOUGHT) for venue, *_ in _sums(row, fact)}
    if unknown := terms.keys() - known:
        told, all_told = ", ".join(sorted(unknown)), ", ".join(sorted(known))
        raise _refuse(
            VENUES, f"没有交易的平台 {told}；有：{all_told}", f"no sale on {told}, but on {all_told}"
        )
    sums_of = SOLD if party == "seller" else BOUGHT

    def net(row: Candidate) -> int:
        return sum(
            terms[venue].sum_of(month, counted, uncounted) if venue in terms else counted
            for venue, month, counted, uncounted in _sums(row, sums_of)
        )

    return [_turnover(row, lambda _, row=row: net(row)) for row in rows]  # type: ignore[misc]


def _sums(row: Candidate, fact: str) -> list[tuple[str, int, int, int]]:
    """Venue, month, and in fen what counts as the venue was qualified, and what did not for that alone."""
    found = []
    for stated in str(row.facts.get(fact, "")).split():
        place, _, sums = stated.partition("=")
        venue, _, month = place.rpartition("@")
        counted, _, uncounted = sums.partition(",")
        found.append((venue, int(month), int(counted), int(uncounted)))
    return found


def _terms(asked: Any, year: int) -> dict[str, _Term]:
    """Each venue with its first day and the day after its last; null for one that does not count."""
    if not isinstance(asked, Mapping):
        raise _refuse(
            VENUES, "应写作 {平台代码: {from: 日期, to: 日期}}", "write {code: {from: day, to: day}}"
        )
    return {code: _term(code, days, year) for code, days in asked.items()}


def _term(code: str, days: Any, year: int) -> _Term:
    if days is None:
        return _Term(13, 13)
    if not isinstance(days, Mapping) or not days.keys() <= {"from", "to"}:
        raise _refuse(
            f"{VENUES} {code}", "应写作 {from: 日期, to: 日期} 或 null", "write {from: day, to: day} or null"
        )
    first, after = (_month(code, days.get(word), year, other) for word, other in (("from", 1), ("to", 13)))
    return _Term(first, after)


def _month(code: str, day: Any, year: int, otherwise: int) -> int:
    """Of which month it is the first day: 1 for years before, 13 for years after."""
    if day is None:
        return otherwise
    try:
        read: date = read_day(day)
    except ValueError:
        raise _refuse(f"{VENUES} {code}", f"不是日期：{day}", f"not a day: {day}") from None
    if read.day != 1:
        zh, en = (
            f"快照按月保存，须为某月1日：{day}",
            f"a snapshot keeps months, so write the first day of one: {day}",
        )
        raise _refuse(f"{VENUES} {code}", zh, en)
    return 1 if read.year < year else 13 if read.year > year else read.month
