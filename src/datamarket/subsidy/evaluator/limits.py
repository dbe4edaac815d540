"""What awards do to one another: stacking, the cap of an enterprise, the pool of the year."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date

from datamarket.foundation import money
from datamarket.foundation.errors import Refused
from datamarket.subsidy.scheme.document import BudgetRule, Scheme, Stacking
from datamarket.subsidy.terms import Line, LineStatus, StepKind, StepValue

LineKey = tuple[str, str]  # clause, candidate


class BudgetExceeded(Refused):
    code = "subsidy.budget-exceeded"
    zh = "奖补合计 {total} 元超过预算 {budget} 元：按规定由人决定，计算停止。"
    en = "The awards of {total} yuan exceed the budget of {budget}; a person decides, so the run stops."


class OrderUnknown(Refused):
    code = "subsidy.order-unknown"
    zh = "预算按先到先得分配，但“{candidate}”没有申报受理时间。"
    en = "The budget is first come, first served, and '{candidate}' has no instant of accepted submission."


def apply_limits(
    scheme: Scheme, lines: Sequence[Line], year: int, submitted: Mapping[LineKey, str]
) -> list[Line]:
    """The lines after stacking, then the enterprise cap, then the budget, each fixed at the year's end.

    Raises BudgetExceeded and OrderUnknown.
    """
    place = {clause.id: position for position, clause in enumerate(scheme.clauses)}
    ordered = sorted(lines, key=lambda line: (place[line.clause], line.enterprise, line.candidate))
    for stacking in scheme.stacking:
        if stacking.rule == "highest_only":
            ordered = _keep_highest(stacking, ordered)
    period_end = date(year, 12, 31)
    cap = scheme.enterprise_cap.on(period_end) if scheme.enterprise_cap else None
    if cap is not None:
        ordered = _cap_enterprises(ordered, cap.value)
    pool = scheme.budget.amount.on(period_end) if scheme.budget else None
    if scheme.budget is not None and pool is not None:
        ordered = _fit(scheme.budget, ordered, pool.value, submitted)
    return ordered


def _by_enterprise(lines: Sequence[Line], wanted: Callable[[Line], bool]) -> dict[str, list[int]]:
    places: defaultdict[str, list[int]] = defaultdict(list)
    for index, line in enumerate(lines):
        if line.amount_fen > 0 and wanted(line):
            places[line.enterprise].append(index)
    return places


def _reduced(line: Line, kind: StepKind, amount: int, figures: Mapping[str, StepValue]) -> Line:
    status = line.status if amount else LineStatus.DISPLACED
    seen = {**figures, "before_fen": line.amount_fen, "after_fen": amount}
    return line.then(kind, seen, amount_fen=amount, status=status)


def _keep_highest(stacking: Stacking, lines: list[Line]) -> list[Line]:
    """One line an enterprise; of equal amounts the earlier clause in the file stays, then the lower id."""
    kept = list(lines)
    for indexes in _by_enterprise(lines, lambda line: line.clause in stacking.group).values():
        best = max(indexes, key=lambda index: (lines[index].amount_fen, -index))
        for index in indexes if len(indexes) > 1 else ():
            amount = lines[index].amount_fen if index == best else 0
            figures: dict[str, StepValue] = {
                "rule": stacking.rule,
                "kept_clause": lines[best].clause,
                "kept_candidate": lines[best].candidate,
                "equal": index != best and lines[index].amount_fen == lines[best].amount_fen,
            }
            kept[index] = _reduced(lines[index], StepKind.STACKING, amount, figures)
    return kept


def _cap_enterprises(lines: list[Line], cap_fen: int) -> list[Line]:
    """The lines of an enterprise above the cap share it in proportion, exact to the fen."""
    capped = list(lines)
    for indexes in _by_enterprise(lines, lambda _: True).values():
        amounts = [lines[index].amount_fen for index in indexes]
        if sum(amounts) <= cap_fen:
            continue
        for index, part in zip(indexes, money.split(money.Fen(cap_fen), amounts), strict=True):
            figures: dict[str, StepValue] = {"cap_fen": cap_fen, "sum_fen": sum(amounts)}
            capped[index] = _reduced(lines[index], StepKind.ENTERPRISE_CAP, part, figures)
    return capped


def _fit(budget: BudgetRule, lines: list[Line], pool: int, submitted: Mapping[LineKey, str]) -> list[Line]:
    total = sum(line.amount_fen for line in lines)
    if total <= pool:
        return lines
    if budget.when_exceeded == "stop":
        raise BudgetExceeded(total=money.yuan(total), budget=money.yuan(pool))
    claims = [index for index, line in enumerate(lines) if line.amount_fen > 0]
    if budget.when_exceeded == "pro_rata":
        parts = money.split(money.Fen(pool), [lines[index].amount_fen for index in claims])
    else:
        claims = _by_arrival(lines, claims, submitted)
        parts = _served([lines[index].amount_fen for index in claims], pool)
    figures: dict[str, StepValue] = {"rule": budget.when_exceeded, "budget_fen": pool, "sum_fen": total}
    fitted = list(lines)
    for index, part in zip(claims, parts, strict=True):
        fitted[index] = _reduced(lines[index], StepKind.BUDGET, part, figures)
    return fitted


def _by_arrival(lines: Sequence[Line], claims: Sequence[int], submitted: Mapping[LineKey, str]) -> list[int]:
    def arrival(index: int) -> tuple[str, str, int]:
        line = lines[index]
        instant = submitted.get((line.clause, line.candidate))
        if instant is None:
            raise OrderUnknown(candidate=line.candidate)
        return instant, line.candidate, index

    return sorted(claims, key=arrival)


def _served(amounts: Sequence[int], pool: int) -> list[money.Fen]:
    """Each is paid in full while the pool lasts; the one that exhausts it gets what is left."""
    parts = []
    for amount in amounts:
        part = min(amount, pool)
        pool -= part
        parts.append(money.Fen(part))
    return parts
