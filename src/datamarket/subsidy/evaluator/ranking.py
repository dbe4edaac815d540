"""Competition rank: equal values share a rank, and only the group astride the cut needs a tie rule."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from datamarket.foundation.errors import Refused
from datamarket.subsidy.scheme.clause import Tiebreak, Ties
from datamarket.subsidy.scheme.vocabulary import FACTS
from datamarket.subsidy.terms import Facts


class TieAtCut(Refused):
    code = "subsidy.tie-at-cut"
    zh = "条款“{clause}”第 {top} 名处有 {tied} 家并列（{candidates}）：按规定由人决定，计算停止。"
    en = "Clause '{clause}': {tied} candidates tie across rank {top} ({candidates}); a person decides, so the run stops."


class TieUnresolved(Refused):
    code = "subsidy.tie-unresolved"
    zh = "条款“{clause}”第 {top} 名处的并列（{candidates}）按 {terms} 无法区分：{why_zh}。"
    en = "Clause '{clause}': the tie across rank {top} ({candidates}) is not resolved by {terms}: {why_en}."


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one candidate stands. `distance` to the cut is how far it is from changing sides.

    For the selected it is the lead over the best of those left out, for the others what they lack to
    the last of the selected; None when there is nobody on the other side.
    """

    rank: int
    of: int
    tied_with: int
    tied_at_cut: bool
    selected: bool
    distance: int | None


@dataclass(frozen=True, slots=True)
class Contest:
    """The values that compete in one clause, and the facts that a tiebreak may look at."""

    clause: str
    top: int
    ties: Ties
    values: Mapping[str, int]
    facts: Mapping[str, Facts]


def stand(contest: Contest) -> dict[str, Standing]:
    """The standing of every candidate. Raises TieAtCut and TieUnresolved."""
    values = contest.values
    ordered = sorted(values, key=lambda candidate: (-values[candidate], candidate))
    groups: list[tuple[int, list[str]]] = []
    ahead = 0
    for _, members in groupby(ordered, key=values.__getitem__):
        group = list(members)
        groups.append((ahead + 1, group))
        ahead += len(group)
    selected: set[str] = set()
    for rank, group in groups:
        seats = contest.top - rank + 1
        selected.update(group if len(group) <= seats else _seated(contest, group, seats))
    lowest_in = min((values[candidate] for candidate in selected), default=None)
    highest_out = max((values[candidate] for candidate in values if candidate not in selected), default=None)
    return {
        candidate: Standing(
            rank=rank,
            of=len(ordered),
            tied_with=len(group) - 1,
            tied_at_cut=rank <= contest.top < rank + len(group) - 1,
            selected=candidate in selected,
            distance=_distance(values[candidate], candidate in selected, lowest_in, highest_out),
        )
        for rank, group in groups
        for candidate in group
    }


def _distance(value: int, selected: bool, lowest_in: int | None, highest_out: int | None) -> int | None:
    if selected:
        return None if highest_out is None else value - highest_out
    return None if lowest_in is None else lowest_in - value


def _seated(contest: Contest, group: Sequence[str], seats: int) -> Sequence[str]:
    """Who of a group larger than the seats left is selected."""
    if seats <= 0 or contest.ties == "exclude_all":
        return []
    if contest.ties == "include_all":
        return group
    if isinstance(contest.ties, Tiebreak):
        return _tiebroken(contest, group, seats, contest.ties.tiebreak)
    raise TieAtCut(clause=contest.clause, top=contest.top, tied=len(group), candidates=", ".join(group))


def _tiebroken(contest: Contest, group: Sequence[str], seats: int, terms: Sequence[str]) -> Sequence[str]:
    def unresolved(zh: str, en: str) -> TieUnresolved:
        return TieUnresolved(
            clause=contest.clause,
            top=contest.top,
            candidates=", ".join(group),
            terms=", ".join(terms),
            why_zh=zh,
            why_en=en,
        )

    ordered = list(group)
    for term in reversed(terms):
        name = term.removeprefix("-")
        lacking = ", ".join(candidate for candidate in group if name not in contest.facts[candidate])
        if lacking:
            raise unresolved(
                f"{lacking} 缺少“{FACTS[name].zh}”（{name}）",
                f"'{name}' ({FACTS[name].en}) is missing of {lacking}",
            )
        ordered.sort(key=_key(contest.facts, name), reverse=term.startswith("-"))
    last_in, first_out = (contest.facts[candidate] for candidate in ordered[seats - 1 : seats + 1])
    if all(last_in[term.removeprefix("-")] == first_out[term.removeprefix("-")] for term in terms):
        raise unresolved("仍然相同", "they are still equal")
    return ordered[:seats]


def _key(facts: Mapping[str, Facts], name: str) -> Callable[[str], tuple[int, str]]:
    """Whole numbers by size, instants by their text, which is written so that it sorts by time."""

    def key(candidate: str) -> tuple[int, str]:
        value = facts[candidate][name]
        return (value, "") if isinstance(value, int) else (0, value)

    return key
