"""Each line's steps told in one sentence, in Chinese and in English, from the same figures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from datamarket.foundation import money
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.scheme.vocabulary import FACTS, PREDICATES
from datamarket.subsidy.terms import Line, LineStatus, StepKind, Unit

Figures = Mapping[str, Any]

_FEN_UNITS = {1: ("分", "the fen"), 10: ("角", "ten fen"), 100: ("元", "the yuan")}
_MODES = {
    "half_up": ("四舍五入", "half up"),
    "half_even": ("四舍六入五成双", "half even"),
    "down": ("舍尾", "down"),
}
_NOUNS = {
    (Unit.ENTERPRISE, "eligible"): ("家合格企业", "eligible enterprises"),
    (Unit.ENTERPRISE, "all"): ("家企业", "enterprises"),
    (Unit.PROJECT, "eligible"): ("个合格项目", "eligible projects"),
    (Unit.PROJECT, "all"): ("个项目", "projects"),
}
_ENDINGS = {
    LineStatus.INELIGIBLE: ("不符合条件，不予奖励", "not eligible, no award"),
    LineStatus.NOT_SELECTED: ("未入选，不予奖励", "not selected, no award"),
    LineStatus.HELD: ("资料不全，暂缓核定", "held until the missing facts are known"),
}


@dataclass(frozen=True, slots=True)
class Rung:
    """What one stage of the pipeline says of a line."""

    step: StepKind
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """One sentence in each language, and the rungs of the ladder that it goes down."""

    zh: str
    en: str
    rungs: tuple[Rung, ...] = ()


@dataclass(frozen=True, slots=True)
class LineContext:
    """What a phrase needs beside its own step."""

    scheme: Scheme
    line: Line
    year: int


Phrase = Callable[[Figures, LineContext], tuple[str, str]]


def explain(line: Line, scheme: Scheme, year: int) -> Explanation:
    """Why this candidate gets what it gets under this clause, or why not."""
    about = LineContext(scheme, line, year)
    phrases = [(StepKind.CONDITION, _conditions(line))]
    phrases += [
        (step.kind, _PHRASES[step.kind](step.figures, about)) for step in line.steps if step.kind in _PHRASES
    ]
    rungs = tuple(Rung(kind, *phrase) for kind, phrase in phrases if phrase[0])
    zh, en = "；".join(rung.zh for rung in rungs), "; ".join(rung.en for rung in rungs)
    return Explanation(f"{zh}。", f"{en[:1].upper()}{en[1:]}.", rungs)


def _grouped(exact: str) -> str:
    """'123456.7891' → '123,456.7891', with two decimals at least."""
    if "/" in exact:
        return exact
    whole, _, part = exact.partition(".")
    return f"{int(whole):,}.{part.ljust(2, '0')}"


def _yuan(fen: int) -> str:
    return money.yuan(fen, grouped=True)


def _conditions(line: Line) -> tuple[str, str]:
    """The conditions that failed or are not known; when all hold, that they do."""
    steps = line.steps_of(StepKind.CONDITION)
    if not steps:
        return "", ""
    failed = [step.figures for step in steps if step.figures["ok"] is False]
    unknown = [step.figures for step in steps if step.figures["ok"] is None]
    zh, en = [], []
    for figures, (word_zh, word_en) in (
        *((figures, ("不符合", "fails")) for figures in failed),
        *((figures, ("待核实", "not known")) for figures in unknown),
    ):
        name_zh, name_en = _named(str(figures["predicate"]))
        seen_zh, seen_en = _seen(str(figures["observed"]))
        zh.append(f"{word_zh}“{name_zh}”（{seen_zh}）")
        en.append(f"{word_en} “{name_en}” ({seen_en})")
    if zh:
        return "，".join(zh), ", ".join(en)
    names = [_named(str(step.figures["predicate"])) for step in steps]
    return "符合：" + "、".join(name[0] for name in names), "conditions met: " + ", ".join(
        name[1] for name in names
    )


_SEEN = {"true": ("是", "yes"), "false": ("否", "no"), "missing": ("缺失", "missing")}


def _seen(observed: str) -> tuple[str, str]:
    """'suspended=true' → '资格被暂停：是', 'suspended: yes'; what is no fact is told as it was seen."""
    name, _, value = observed.partition("=")
    if name not in FACTS:
        return observed, observed
    value_zh, value_en = _SEEN.get(value, (value, value))
    return f"{FACTS[name].zh}：{value_zh}", f"{FACTS[name].en}: {value_en}"


def _named(name: str) -> tuple[str, str]:
    known = PREDICATES.get(name) or FACTS[name]
    return known.zh, known.en


def _base(figures: Figures, about: LineContext) -> tuple[str, str]:
    fact = FACTS[figures["fact"]]
    if figures["base_fen"] is None:
        return f"{about.year}年度{fact.zh}缺失", f"the {fact.en} of {about.year} is missing"
    parts = [part for part in fact.parts if f"{part}_fen" in figures]
    zh, en = f"{about.year}年度{fact.zh} {_yuan(figures['base_fen'])} 元", f"{fact.en} of {about.year}: "
    en += f"{_yuan(figures['base_fen'])} yuan"
    if parts:
        zh += (
            "（已剔除"
            + "、".join(f"{FACTS[part].zh} {_yuan(figures[f'{part}_fen'])} 元" for part in parts)
            + "）"
        )
        en += (
            " (after "
            + ", ".join(f"{FACTS[part].en} of {_yuan(figures[f'{part}_fen'])}" for part in parts)
            + ")"
        )
    if not figures["ok"]:
        zh += f"，不高于 {_yuan(figures['above_fen'])} 元"
        en += f", which is not above {_yuan(figures['above_fen'])}"
    return zh, en


def _rank(figures: Figures, about: LineContext) -> tuple[str, str]:
    nouns = _NOUNS[about.scheme.clause(about.line.clause).unit, figures["among"]]
    zh = f"在 {figures['of']} {nouns[0]}中排名第 {figures['rank']}"
    en = f"rank {figures['rank']} of {figures['of']} {nouns[1]}"
    if figures["tied_with"]:
        zh += f"（与另外 {figures['tied_with']} 个并列）"
        en += f" (tied with {figures['tied_with']} more)"
    if figures["tied_at_cut"]:
        rule_zh, rule_en = _tie_rule(figures["ties"])
        zh, en = (
            f"{zh}，并列跨越第 {figures['top']} 名，{rule_zh}",
            f"{en}, the tie crosses rank {figures['top']}, {rule_en}",
        )
    chosen = ("入围前", "within the first") if figures["selected"] else ("未入前", "not within the first")
    zh, en = f"{zh}，{chosen[0]} {figures['top']}", f"{en}, {chosen[1]} {figures['top']}"
    distance = figures.get("distance_fen", figures.get("distance"))
    if distance is None:
        return zh, en
    text = f"{_yuan(distance)} 元" if "distance_fen" in figures else str(distance)
    text_en = f"{_yuan(distance)} yuan" if "distance_fen" in figures else str(distance)
    if figures["selected"]:
        return f"{zh}，领先入围线外第一名 {text}", f"{en}, {text_en} ahead of the first one out"
    return f"{zh}，距入围线 {text}", f"{en}, {text_en} short of the last one in"


def _tie_rule(ties: str) -> tuple[str, str]:
    if ties == "include_all":
        return "按规定全部计入", "all of whom are included"
    if ties == "exclude_all":
        return "按规定全部不计入", "none of whom is included"
    terms = [(term, _named(term.removeprefix("-"))) for term in ties.removeprefix("tiebreak ").split(", ")]
    zh = "、".join(name[0] + ("（大者先）" if term.startswith("-") else "（小者先）") for term, name in terms)
    en = ", then ".join(
        name[1] + (" (larger first)" if term.startswith("-") else " (lower first)") for term, name in terms
    )
    return f"依次比较{zh}", f"decided by {en}"


def _rate(figures: Figures, about: LineContext) -> tuple[str, str]:
    if figures["rate"] is None:
        return f"{figures['on']} 没有有效的比例", f"no rate is in force on {figures['on']}"
    zh = f"依据{figures['article']}按" if figures["article"] else "按"
    en = f"under {figures['article']} " if figures["article"] else ""
    exact = _grouped(figures["exact"])
    since_zh, since_en = _since(figures["since"], about.scheme)
    return (
        f"{zh} {figures['rate']}{since_zh}计 {exact} 元",
        f"{en}{figures['rate']}{since_en} gives {exact} yuan",
    )


def _since(since: str, scheme: Scheme) -> tuple[str, str]:
    """Since when a value holds; since the first day of a scheme whose span is assumed, that is assumed too."""
    if scheme.valid.source == "assumed" and since == scheme.valid.from_.isoformat():
        return f"（{since} 起适用，推定）", f" (applied since {since}, assumed)"
    return f"（{since} 起施行）", f" (in force since {since})"


def _tier(figures: Figures, _: LineContext) -> tuple[str, str]:
    above, part, exact = _yuan(figures["above_fen"]), _yuan(figures["part_fen"]), _grouped(figures["exact"])
    upper = figures["up_to_fen"]
    to_zh = "" if upper is None else f"至 {_yuan(upper)} 元"
    to_en = "" if upper is None else f" up to {_yuan(upper)}"
    return (
        f"超过 {above} 元{to_zh}的部分 {part} 元按 {figures['rate']} 计 {exact} 元",
        f"the part above {above}{to_en}, {part} yuan, at {figures['rate']} gives {exact} yuan",
    )


def _floor(figures: Figures, _: LineContext) -> tuple[str, str]:
    floor = _yuan(figures["floor_fen"])
    if figures["bound"]:
        return f"不足 {floor} 元下限，按下限计", f"below the floor of {floor} yuan, so the floor counts"
    return f"不低于 {floor} 元下限", f"not below the floor of {floor} yuan"


def _cap(figures: Figures, _: LineContext) -> tuple[str, str]:
    cap = _yuan(figures["cap_fen"])
    if figures["bound"]:
        return f"超过 {cap} 元上限，按上限计", f"above the cap of {cap} yuan, so the cap counts"
    return f"未超过 {cap} 元上限", f"not above the cap of {cap} yuan"


def _round(figures: Figures, _: LineContext) -> tuple[str, str]:
    mode, amount = _MODES[figures["mode"]], _yuan(figures["amount_fen"])
    other = f"{_yuan(figures['to_fen'])} 元", f"{_yuan(figures['to_fen'])} yuan"
    unit = _FEN_UNITS.get(figures["to_fen"], other)
    return f"{mode[0]}至{unit[0]}为 {amount} 元", f"rounded {mode[1]} to {unit[1]}: {amount} yuan"


def _share(figures: Figures, _: LineContext) -> tuple[str, str]:
    share, amount = figures["share"], _yuan(figures["amount_fen"])
    return (
        f"联合项目按份额 {share} 分得 {amount} 元",
        f"its share of the joint project, {share}: {amount} yuan",
    )


def _stacking(figures: Figures, about: LineContext) -> tuple[str, str]:
    kept = about.scheme.clause(figures["kept_clause"]).title
    after = _yuan(figures["after_fen"])
    equal = (
        ("（金额相同，取靠前者）", " (equal amounts: the earlier one stays)")
        if figures["equal"]
        else ("", "")
    )
    return (
        f"同一企业从高不重复，保留“{kept.zh}”{figures['kept_candidate']}{equal[0]}，本项为 {after} 元",
        f"only the highest of an enterprise stays, “{kept.en}” {figures['kept_candidate']}{equal[1]}: {after} yuan here",
    )


def _enterprise_cap(figures: Figures, _: LineContext) -> tuple[str, str]:
    total, cap, after = _yuan(figures["sum_fen"]), _yuan(figures["cap_fen"]), _yuan(figures["after_fen"])
    return (
        f"企业合计 {total} 元超过企业上限 {cap} 元，按比例调整为 {after} 元",
        f"the enterprise's {total} yuan exceed its cap of {cap}, in proportion: {after} yuan",
    )


def _budget(figures: Figures, _: LineContext) -> tuple[str, str]:
    total, pool, after = _yuan(figures["sum_fen"]), _yuan(figures["budget_fen"]), _yuan(figures["after_fen"])
    rule = (
        ("按比例", "in proportion")
        if figures["rule"] == "pro_rata"
        else ("按申报先后", "first come, first served")
    )
    return (
        f"合计 {total} 元超过预算 {pool} 元，{rule[0]}为 {after} 元",
        f"all awards of {total} yuan exceed the budget of {pool}, {rule[1]}: {after} yuan",
    )


def _final(figures: Figures, about: LineContext) -> tuple[str, str]:
    ending = _ENDINGS.get(about.line.status)
    if ending is not None:
        return ending
    amount = _yuan(figures["amount_fen"])
    return f"核定奖励 {amount} 元", f"award: {amount} yuan"


_PHRASES: Mapping[StepKind, Phrase] = {
    StepKind.BASE: _base,
    StepKind.RANK: _rank,
    StepKind.RATE: _rate,
    StepKind.TIER: _tier,
    StepKind.FLOOR: _floor,
    StepKind.CAP: _cap,
    StepKind.ROUND: _round,
    StepKind.SHARE: _share,
    StepKind.STACKING: _stacking,
    StepKind.ENTERPRISE_CAP: _enterprise_cap,
    StepKind.BUDGET: _budget,
    StepKind.FINAL: _final,
}
