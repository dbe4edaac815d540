"""The sentence beside each line: the same figures in Chinese and in English."""

import re

import pytest

from datamarket.subsidy.evaluator.explain import explain
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.terms import Candidate
from tests.cases.builders import case, city_scheme, firm, firms, line_of, run, shapes_scheme, ties

FIGURE = re.compile(r"\d[\d,]*\.\d+|\d+(?:\.\d+)?%")


def told(scheme: Scheme, *candidates: Candidate, of: str, year: int = 2025) -> tuple[str, str]:
    """Both sentences of one candidate's first line."""
    result = run(scheme, *candidates, year=year)
    line = next(line for line in result.lines if line.candidate == of)
    explanation = explain(line, scheme, year)
    return explanation.zh, explanation.en


def test_a_ranked_award_is_told_from_base_to_amount() -> None:
    leader = firm("A", "12345678.91", refunds=50_000, related_party_turnover=120_000)
    zh, en = told(city_scheme(), leader, *firms("99.00", "98.00"), of="A")
    assert zh == (
        "符合：在本市注册、资格未被暂停；"
        "2025年度净交易额 12,345,678.91 元（已剔除退款 500.00 元、关联交易 1,200.00 元）；"
        "在 3 家合格企业中排名第 1，入围前 10；"
        "按 1%（2024-01-01 起适用，推定）计 123,456.7891 元；未超过 200,000.00 元上限；"
        "四舍五入至分为 123,456.79 元；核定奖励 123,456.79 元。"
    )
    assert en == (
        "Conditions met: registered in the city, not suspended; "
        "net traded amount of 2025: 12,345,678.91 yuan (after refunds of 500.00, related-party trades of 1,200.00); "
        "rank 1 of 3 eligible enterprises, within the first 10; "
        "1% (applied since 2024-01-01, assumed) gives 123,456.7891 yuan; not above the cap of 200,000.00 yuan; "
        "rounded half up to the fen: 123,456.79 yuan; award: 123,456.79 yuan."
    )


@pytest.mark.parametrize(
    ("investment", "zh", "en"),
    [
        (
            "3333333.33",
            "计 999,999.999 元；未超过 1,000,000.00 元上限",
            "gives 999,999.999 yuan; not above the cap",
        ),
        (
            "3333333.35",
            "计 1,000,000.005 元；超过 1,000,000.00 元上限，按上限计",
            "above the cap of 1,000,000.00 yuan",
        ),
        ("0.00", "不高于 0.00 元；未入选，不予奖励", "which is not above 0.00; not selected, no award"),
        (
            None,
            "经核定的项目投资额缺失；资料不全，暂缓核定",
            "is missing; held until the missing facts are known",
        ),
    ],
)
def test_a_case_is_told_with_its_cap_or_what_it_lacks(investment: str | None, zh: str, en: str) -> None:
    told_zh, told_en = told(city_scheme(), case("P", investment), of="P")
    assert zh in told_zh
    assert en in told_en


def test_who_gets_nothing_is_told_why() -> None:
    zh, en = told(city_scheme(), firm("A", "5.00", suspended=True), of="A")
    assert zh.startswith("不符合“资格未被暂停”（被暂停：是）")
    assert en.startswith("Fails “not suspended” (suspended: yes)")
    assert zh.endswith("不符合条件，不予奖励。")
    field = firms(*[f"{20 - index}.00" for index in range(10)], "10.50")
    zh, en = told(city_scheme(), *field, of="F11")
    assert "排名第 11，未入前 10，距入围线 0.50 元" in zh
    assert (
        "rank 11 of 11 eligible enterprises, not within the first 10, 0.50 yuan short of the last one in"
        in en
    )


@pytest.mark.parametrize(
    ("rule", "zh"),
    [
        ("include_all", "按规定全部计入"),
        ("exclude_all", "按规定全部不计入"),
        ("{tiebreak: [-contracts]}", "依次比较合同数（大者先）"),
    ],
)
def test_a_tie_at_the_cut_is_told_with_its_rule(rule: str, zh: str) -> None:
    field = [*firms(*["9.00"] * 9), firm("X", "5.00", contracts=1), firm("Y", "5.00", contracts=2)]
    assert f"（与另外 1 个并列），并列跨越第 10 名，{zh}" in told(city_scheme(ties(rule)), *field, of="X")[0]


@pytest.mark.edge(70)
def test_every_shape_is_told_and_both_languages_carry_the_same_figures() -> None:
    scheme = shapes_scheme()
    field = [
        firm("A", "90000000.00", contracts=5),
        firm("B", "1200000.00", contracts=4),
        firm("C", "1.00", contracts=0, suspended=True),
        *(case(f"P{index}", "3500000.01", enterprise="A") for index in range(3)),
    ]
    result = run(scheme, *field, year=2026)
    for line in result.lines:
        explanation = explain(line, scheme, 2026)
        figures = [sorted(FIGURE.findall(text)) for text in (explanation.zh, explanation.en)]
        assert figures[0] == figures[1]
    volume = explain(line_of(result, "A", "volume"), scheme, 2026).zh
    tiered = explain(line_of(result, "P0"), scheme, 2026).zh
    lower = explain(line_of(result, "A", "first-two"), scheme, 2026).en
    floored = explain(line_of(result, "B", "volume"), scheme, 2026).zh
    assert "依据第二次修订按 1.5%（2026-07-01 起施行）" in volume
    assert "企业合计" in tiered
    assert "合计 1,224,000.00 元超过预算" not in tiered
    assert "超过 1,000,000.00 元至 3,000,000.00 元的部分 2,000,000.00 元按 20% 计 400,000.00 元" in tiered
    assert "only the highest of an enterprise stays, “Volume award” A: 0.00 yuan here" in lower
    assert "不足 20,000.00 元下限，按下限计" in floored
