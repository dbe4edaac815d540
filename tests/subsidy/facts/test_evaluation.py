"""A scheme file and a folder of facts, without a database: the document and the workbook."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

from datamarket.subsidy.facts.evaluation import FileUnreadable, evaluate_files
from datamarket.subsidy.studies.workbook import WorkbookNotWritten, write_workbook
from tests.cases.builders import scheme_bytes

LINE_KEYS = {
    "clause", "candidate", "enterprise", "name", "status", "base_fen", "rank", "amount_fen", "steps",
    "cap_bound", "rate", "cap_fen", "explanation", "enterprise_name",
}  # fmt: skip


@pytest.fixture
def facts(tmp_path: Path) -> Path:
    """The four investments and the two turnovers around the caps."""
    (tmp_path / "enterprises.csv").write_text(
        "id,enterprise,name,registered_in_city,suspended,net_platform_turnover\n"
        'E1,E1,=HYPERLINK("x"),true,false,20000000.00\n'
        "E2,E2,@乙公司,true,false,20000000.01\n",
        encoding="utf-8",
    )
    (tmp_path / "projects.csv").write_text(
        "id,enterprise,verified_investment,case_listed_in_period,claimed_before\n"
        "P1,E1,2000000.00,true,false\nP2,E1,3333333.33,true,false\n"
        "P3,E2,3333333.35,true,false\nP4,E2,5000000.00,true,false\n",
        encoding="utf-8",
    )
    return tmp_path


def test_the_figures_of_the_two_rules_come_out_to_the_fen(facts: Path, tmp_path: Path) -> None:
    scheme = tmp_path / "scheme.yaml"
    scheme.write_bytes(scheme_bytes("qd-data-element"))
    document = evaluate_files(scheme, facts, 2024)
    awards = {line["candidate"]: (line["amount_fen"], line["cap_bound"]) for line in document["lines"]}
    assert awards == {
        "P1": (60_000_000, False),
        "P2": (100_000_000, False),
        "P3": (100_000_000, True),
        "P4": (100_000_000, True),
        "E1": (20_000_000, False),
        "E2": (20_000_000, True),
    }
    assert document["total_fen"] == 400_000_000
    assert document["scheme_sha256"] == hashlib.sha256(scheme.read_bytes()).hexdigest()
    assert all(set(line) == LINE_KEYS for line in document["lines"])
    assert json.loads(json.dumps(document)) == document


def test_the_same_files_give_the_same_hash_in_any_row_order(facts: Path) -> None:
    scheme = scheme_bytes("qd-data-element")
    first = evaluate_files(scheme, facts, 2024)
    rows = (facts / "projects.csv").read_text(encoding="utf-8").splitlines()
    (facts / "projects.csv").write_text("\n".join([rows[0], *reversed(rows[1:])]), encoding="utf-8")
    assert evaluate_files(scheme, facts, 2024) == first
    assert evaluate_files(scheme, facts, 2025)["result_sha256"] != first["result_sha256"]


def test_a_scheme_that_is_not_there_is_named(facts: Path) -> None:
    with pytest.raises(FileUnreadable) as refused:
        evaluate_files(facts / "none.yaml", facts, 2024)
    assert refused.value.sentence("zh").endswith("none.yaml”：文件或文件夹不存在。")


def test_a_table_that_is_absent_is_noted_and_the_rest_is_assessed(facts: Path) -> None:
    scheme = scheme_bytes("qd-data-element")
    assert evaluate_files(scheme, facts, 2024)["notes"] == []
    (facts / "projects.csv").unlink()
    document = evaluate_files(scheme, facts, 2024)
    (note,) = document["notes"]
    assert note["zh"] == "没有 projects 表：typical-case 未评定"
    assert note["en"] == "no projects table: typical-case was not assessed"
    assert len(document["lines"]) == 2


def test_who_is_held_under_a_ranked_clause_and_who_is_below_zero_is_noted(facts: Path) -> None:
    with (facts / "enterprises.csv").open("a", encoding="utf-8") as rows:
        rows.write("E3,E3,c,true,false,\nE4,E4,d,true,false,-3.00\n")
    notes = evaluate_files(scheme_bytes("qd-data-element"), facts, 2024)["notes"]
    assert [note["code"] for note in notes] == ["held-may-rank", "base-negative"]
    assert "1 held; the ranking may change" in notes[0]["en"]
    assert "(E4)" in notes[1]["en"]


def test_amounts_are_exact_numbers_until_a_spreadsheet_would_round_them(facts: Path, tmp_path: Path) -> None:
    document = evaluate_files(scheme_bytes("qd-data-element"), facts, 2024) | {"run_id": "run-7"}
    document["lines"][0] |= {"base_fen": 10**13 - 1, "amount_fen": 10**13}
    write_workbook(document, tmp_path / "out.xlsx")
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    heads, lines = [cell.value for cell in book["明细 lines"][2]], book["明细 lines"]
    first = dict(zip(heads, lines[3], strict=True))
    assert (first["base (yuan)"].value, first["base (yuan)"].number_format) == (99_999_999_999.99, "#,##0.00")
    assert first["amount (yuan)"].value == "100000000000.00"
    assert (first["rate"].value, first["status"].value) == ("30%", "拟奖补 · proposed")
    assert first["enterprise name"].value == '\'=HYPERLINK("x")'
    assert lines.freeze_panes == "A3"
    assert lines["A1"].font.bold
    assert lines.column_dimensions["M"].width > 60
    assert "run-7" in {cell.value for row in book["汇总 summary"].iter_rows() for cell in row}


def test_the_workbook_holds_amounts_and_no_formula(facts: Path, tmp_path: Path) -> None:
    document = evaluate_files(scheme_bytes("qd-data-element"), facts, 2024)
    write_workbook(document, tmp_path / "out.xlsx")
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    assert book.sheetnames == ["汇总 summary", "明细 lines", "步骤 steps"]
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not [cell for cell in cells if cell.data_type in ("f", "e")]
    texts = {cell.value for cell in cells}
    assert {
        4_000_000,
        1_000_000,
        '\'=HYPERLINK("x")',
        "'@乙公司",
        "金额（元）",
        "amount (yuan)",
    } <= texts
    assert document["result_sha256"] in texts


def test_a_workbook_that_cannot_be_written_is_named(facts: Path, tmp_path: Path) -> None:
    document = evaluate_files(scheme_bytes("qd-data-element"), facts, 2024)
    with pytest.raises(WorkbookNotWritten) as refused:
        write_workbook(document, tmp_path / "nowhere" / "out.xlsx")
    assert refused.value.sentence("zh") == "无法写入“out.xlsx”：文件或文件夹不存在。"
    assert refused.value.sentence("en") == "'out.xlsx' cannot be written: it is not there."


def test_no_database_and_no_web_framework_is_imported() -> None:
    program = (
        "import sys; from datamarket.subsidy.facts import evaluation; "
        "from datamarket.subsidy.studies import examples, template, whatif, workbook; "
        "print(sorted({'sqlalchemy', 'sqlmodel', 'fastapi', 'asyncpg', 'jose'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603 - our own program
    assert done.stdout.strip() == "[]"
