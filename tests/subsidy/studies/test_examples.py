"""The officers' own test cases hold, in YAML and in a workbook; a false one is told apart; bad files are refused."""

import asyncio
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from typer.testing import CliRunner, Result

from datamarket.commands.main import app
from datamarket.subsidy.facts.files import read_facts
from datamarket.subsidy.facts.sheets import FactsInvalid
from datamarket.subsidy.studies.examples import (
    Example,
    ExamplesInvalid,
    read_example_file,
    read_examples,
    run_example,
    shipped_examples,
)
from datamarket.subsidy.studies.template import examples_template
from tests.cases.builders import FOLDER, city_scheme, scheme_bytes
from tests.world.participants import unique_uscc

FILES = [*(file.read_bytes() for file in sorted(FOLDER.glob("*.yaml"))), shipped_examples()]
EXAMPLES = [example for content in FILES for example in read_examples(content)]


async def typed(*words: object) -> Result:
    """In a thread of its own: each command has its own event loop."""
    return await asyncio.to_thread(CliRunner().invoke, app, ["subsidy", *map(str, words)])


@pytest.mark.parametrize(
    "example", [pytest.param(example, id=f"{example.scheme}: {example.name}") for example in EXAMPLES]
)
def test_the_worked_example_holds(example: Example) -> None:
    assert run_example(example, scheme_bytes).differences == ()


def differences(expect: str, given: str = '{enterprises: [{id: A, net_platform_turnover: "100.00"}]}') -> str:
    """What a case with this expectation is told."""
    text = f"- {{name: x, scheme: qd-data-element, year: 2024, given: {given}, expect: {expect}}}"
    (example,) = read_examples(text.encode())
    return "; ".join(map(str, run_example(example, scheme_bytes).differences))


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ('{awards: {A: "1.01"}}', "A: expected 1.01, found 1.00"),
        ('{awards: {B: "1.00"}}', "B: expected 1.00, found no line"),
        ('{total: "0.99"}', "total: expected 0.99, found 1.00"),
        ("{ties_at_cut: 1}", "ties at the cut: expected 1, found 0"),
        ("{statuses: {A: held}}", "status of A"),
        ("{cap_bound: [A]}", "cap-bound"),
        ("{refused: subsidy.tie-at-cut}", "refused: expected subsidy.tie-at-cut, found None"),
    ],
)
def test_every_wrong_figure_is_listed(expect: str, said: str) -> None:
    assert said in differences(expect)


@pytest.mark.parametrize(
    ("row", "said", "mend"),
    [
        ("{id: A, net_platform_turnover: 1}", "“1”不是金额", "加引号的元"),
        ("{id: A, turnover: x}", "未知的事实：turnover", "net_platform_turnover"),
        ("{id: A, suspended: 否}", "“否”不是 true 或 false", "true 或 false"),
        ('{id: A, step: "1万"}', "“1万”不是金额", "加引号的元"),
        ("{id: A, repeat: 0}", "不能小于 1", "不小于 1"),
        ("{id： A}", "缺少必填的键", "请补上此键"),
    ],
)
def test_a_row_that_is_no_fact_is_refused_with_its_line_and_mend(row: str, said: str, mend: str) -> None:
    with pytest.raises(ExamplesInvalid) as refused:
        differences("{}", f"{{enterprises: [{row}]}}")
    assert said in refused.value.sentence("zh")
    assert mend in refused.value.sentence("zh")
    assert refused.value.facts["line"] == 1


def test_an_unexpected_refusal_is_told_by_its_code_and_sentence() -> None:
    text = '- {name: x, scheme: qd-data-element, year: 1999, given: {}, expect: {total: "0.00"}}'
    (example,) = read_examples(text.encode())
    (difference,) = run_example(example, scheme_bytes).differences
    assert str(difference) == "refused: expected None, found subsidy.year-not-covered"
    assert "不覆盖 1999 年度" in difference.reason[0]


@pytest.mark.parametrize(
    ("content", "line"), [("- name: x\n  scheme: y\n  yeer: 2024\n", 3), ("- a: 1\n  a: 2\n", 2)]
)
def test_a_damaged_file_of_examples_names_its_line(content: str, line: int) -> None:
    with pytest.raises(ExamplesInvalid) as refused:
        read_examples(content.encode())
    assert refused.value.facts["line"] == line


def test_ten_cases_ship_and_are_the_same_in_a_workbook(tmp_path: Path) -> None:
    shipped = read_examples(shipped_examples())
    assert len(shipped) == 10
    (tmp_path / "cases.xlsx").write_bytes(examples_template(shipped))
    assert [one.model_dump(exclude_none=True) for one in read_example_file(tmp_path / "cases.xlsx")] == [
        one.model_dump(exclude_none=True) for one in shipped
    ]


async def test_cases_are_tried_from_both_kinds_of_file_and_one_that_differs_exits_with_one(
    tmp_path: Path,
) -> None:
    for name in ("cases.yaml", "cases.xlsx"):
        assert (await typed("template", tmp_path / name, "--cases")).exit_code == 0
        told = await typed("try", tmp_path / name)
        assert (told.exit_code, "通过 passed 10 · 不符 failed 0" in told.stdout) == (0, True), told.output
    wrong = (
        (tmp_path / "cases.yaml").read_text(encoding="utf-8").replace('total: "2160000.00"', 'total: "1.00"')
    )
    (tmp_path / "wrong.yaml").write_text(wrong.replace('P3: "30.02"', 'P3: "30.01"'), encoding="utf-8")
    told = await typed("try", tmp_path / "wrong.yaml", "--json")
    assert told.exit_code == 1
    failed = [outcome["differences"] for outcome in json.loads(told.stdout) if outcome["differences"]]
    assert [(one["what"][0], one["expected"], one["found"]) for case in failed for one in case] == [
        ("合计", "1.00", "2160000.00"),
        ("P3", "30.01", "30.02"),
    ]
    assert "按 30%" in failed[1][0]["reason"][0]
    shown = await typed("try", tmp_path / "wrong.yaml")
    assert (shown.exit_code, "通过 passed 8 · 不符 failed 2" in shown.stdout) == (1, True)


async def test_cases_are_tried_on_a_draft(tmp_path: Path) -> None:
    draft = scheme_bytes("qd-data-element").replace(b'"1%"', b'"2%"')
    (tmp_path / "draft.yaml").write_bytes(draft)
    await typed("template", tmp_path / "cases.yaml", "--cases")
    told = await typed("try", tmp_path / "cases.yaml", "--scheme", tmp_path / "draft.yaml", "--json")
    assert told.exit_code == 1
    assert sum(bool(outcome["differences"]) for outcome in json.loads(told.stdout)) == 6
    again = await typed("template", tmp_path / "cases.yaml", "--cases")
    assert (again.exit_code, "file.unusable" in again.stderr) == (2, True)


@pytest.mark.parametrize(
    ("sheet", "cell", "value", "said"),
    [
        ("期望", "C2", "今年", "[C2]有误：“今年”不是非负整数"),
        ("期望", "E4", "约5万", "[E4]有误：“约5万”不是金额"),
        ("期望", "F4", "拟讲补", "[F4]有误：不认识“拟讲补”；是否为 拟奖补？"),
        ("给定", "B2", "公司", "[B2]有误：不认识“公司”"),
        ("给定", "A2", "第十名并列", "[A2]有误：不认识“第十名并列”；是否为 第十名并列，两家都给？"),
        ("给定", "G2", "#REF!", "[G2]有误：单元格是错误值 #REF!"),
    ],
)
def test_a_wrong_cell_of_the_cases_is_named_with_its_mend(
    tmp_path: Path, sheet: str, cell: str, value: Any, said: str
) -> None:
    path = tmp_path / "cases.xlsx"
    path.write_bytes(examples_template(read_examples(shipped_examples())))
    book = openpyxl.load_workbook(path)
    book[sheet][cell] = value
    book.save(path)
    with pytest.raises(FactsInvalid) as refused:
        read_example_file(path)
    assert said in refused.value.sentence("zh")


async def test_the_template_is_filled_in_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "facts.xlsx"
    assert (await typed("template", path)).exit_code == 0
    assert read_facts(path, city_scheme()).snapshot.candidates == ()
    code = unique_uscc()
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["企业", "项目", "说明"]
    heads = {str(cell.value): place for place, cell in enumerate(book["企业"][1], start=1)}
    row = {"*净交易额（元）\nnet_platform_turnover": "1,234.50", "*统一社会信用代码\nenterprise": code}
    for head, value in (row | {"*本市注册\nregistered_in_city": "是", "*被暂停\nsuspended": "否"}).items():
        book["企业"].cell(2, heads[head], value)
    assert len(book["企业"].data_validations.dataValidation) == 3
    book["项目"].append(["P1", code, "案例", 2_000_000])
    book.save(path)
    told = await typed("evaluate", FOLDER.parent / "none.yaml", path, "--year", 2024)
    assert told.exit_code == 2
    found = read_facts(path, city_scheme())
    assert [(one.id, one.enterprise) for one in found.snapshot.candidates] == [(code, code), ("P1", code)]
    assert found.snapshot.candidates[0].facts["net_platform_turnover"] == 123_450
    assert found.notes == ()
