"""Tables as offices write them: each is read as meant, or refused with its place, the reason and the mend."""

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.worksheet import Worksheet

from datamarket.subsidy.facts.evaluation import evaluate_files
from datamarket.subsidy.facts.files import FactsRead, read_facts
from datamarket.subsidy.facts.sheets import FactsInvalid
from tests.cases.builders import city_scheme, scheme_bytes, ties
from tests.world.participants import unique_uscc

HEAD: list[Any] = ["编号", "企业名称", "本市注册", "被暂停", "净交易额"]
FIRM: list[Any] = ["E1", "甲公司", "是", "否", 1000]
CODE = unique_uscc()
Tweak = Callable[[Worksheet], object]


@dataclass(frozen=True)
class Written:
    """A workbook as an office wrote it, and what must come of it: the fen of each enterprise, or a refusal."""

    rows: Sequence[Sequence[Any]]
    fen: dict[str, int] = field(default_factory=dict)
    said: str = ""
    at: str = ""
    tweak: Tweak | None = None

    def saved(self, folder: Path) -> Path:
        book = openpyxl.Workbook()
        assert book.active is not None
        book.active.title = "企业"
        for row in self.rows:
            book.active.append(list(row))
        if self.tweak is not None:
            self.tweak(book.active)
        book.save(folder / "表.xlsx")
        return folder / "表.xlsx"


def amount(value: Any, heading: str = "净交易额") -> list[list[Any]]:
    """One enterprise with this in the column of turnover."""
    return [[*HEAD[:4], heading], [*FIRM[:4], value]]


def read(fen: int, value: Any, heading: str = "净交易额") -> Written:
    return Written(amount(value, heading), {"E1": fen})


def refused(said: str, value: Any, heading: str = "净交易额") -> Written:
    return Written(amount(value, heading), said=said, at="[E2]")


def formatted(cell: str, shown: str) -> Tweak:
    return lambda page: setattr(page[cell], "number_format", shown)


def hidden_rows(page: Worksheet) -> None:
    page.row_dimensions[3].hidden = True
    page.column_dimensions["B"].hidden = True


def merged_headings(page: Worksheet) -> None:
    for cells in ("A1:A2", "B1:B2", "C1:D1"):
        page.merge_cells(cells)


TWO: list[list[Any]] = [HEAD, FIRM, ["E2", "乙公司", "是", "否", 2000]]
BOTH = {"E1": 100_000, "E2": 200_000}
WRITTEN: dict[str, Written] = {
    "thousands separators": read(123_456_789, "1,234,567.89"),
    "full-width separators": read(123_456_789, "1，234，567.89"),
    "full-width digits": read(123_456, "１２３４．５６"),
    "separators out of place": refused("不是金额", "12,34.5"),
    "a unit in the heading": read(1_234_567_800, 1234.5678, "净交易额（万元）"),
    "a heading in two lines": read(1_234_567_800, "1,234.5678", "净交易额（单位：万元）\nnet_platform_turnover"),
    "a unit in the cell": read(1_234_567_800, "1234.5678万元"),
    "a hundred million": read(1_250_000_000, "0.125亿元"),
    "two units": refused("单位与表头的单位不同", "1234元", "净交易额（万元）"),
    "less than a fen in 万元": refused("多于两位小数", "0.1234567", "净交易额（万元）"),
    "three decimals": refused("多于两位小数", 1000.125),
    "a foreign currency": Written(amount(5, "净交易额（美元）"), said="缺少此列", at=""),
    "a unit in the title": Written(
        [["2024年度申报表"], ["单位：万元"], *amount(0.5)], {"E1": 500_000}, said="以万元计"
    ),
    "a sign of currency": read(123_456, "￥1,234.56元"),
    "renminbi": read(123_400, "人民币 1234 元整"),
    "a negative in brackets": refused("不是金额", "(1,234.00)"),
    "a full-width minus": read(-500, "－５.00"),
    "a dash for nothing": refused("没有时写 0", "—"),
    "about so much": refused("不是金额", "约1200万"),
    "an amount in characters": refused("不是金额", "壹佰万元整"),
    "a number stored as text": read(100_000, " 1000.00 "),
    "a number shown in 万": Written(
        amount(12_345_000), said="以万或亿显示", at="[E2]", tweak=formatted("E2", '0!.0,"万"')
    ),
    "a total row": Written([*TWO, ["合计", None, None, None, 3000]], BOTH, said="第 4 行“合计”是合计行"),
    "a total with spaces": Written([*TWO, [None, "总　计", None, None, "=SUM(E2:E3)"]], BOTH, said="合计行"),
    "a subtotal between": Written([*TWO[:2], ["小计：", "", "", "", 1000], TWO[2]], BOTH, said="第 3 行"),
    "a total in English": Written([*TWO, ["Total", None, None, None, 3000]], BOTH, said="sums up others"),
    "a total that counts": Written([*TWO, ["共计2家", None, None, None, 3000]], BOTH, said="合计行"),
    "a remark below": Written([*TWO, ["注：数据截至年末"], ["制表人：王某"]], BOTH, said="第 5 行是备注"),
    "headings repeated": Written([*TWO[:2], HEAD, TWO[2]], BOTH, said="第 3 行重复表头"),
    "titles above": Written([["青岛市2024年度", None, None], [], *TWO], BOTH, said="第 1 行是标题"),
    "merged headings": Written(
        [["编号", "企业名称", "基本情况", None, "交易"], HEAD, *TWO[1:]],
        BOTH,
        said="第 1 行是标题",
        tweak=merged_headings,
    ),
    "merged amounts": Written(TWO, said="合并单元格", at="[E2]", tweak=lambda page: page.merge_cells("E2:E3")),
    "a merged total": Written(
        [*TWO, ["合计", None, None, None, 3000]], BOTH, said="合计行", tweak=lambda page: page.merge_cells("A4:D4")
    ),
    "empty rows and columns": Written([*TWO, [], [None] * 40, [""] * 9], BOTH),
    "a heading that nobody knows": Written(
        [[*HEAD, "联络人"], [*FIRM, "王"], [*TWO[2], "李"]], BOTH, said="没有读取的列：“联络人”"
    ),
    "a gross turnover": Written(amount(5, "交易额"), said="最接近的是“交易额”"),
    "two columns of one meaning": Written([[*HEAD, "净交易额（元）"], [*FIRM, 1]], said="列名重复", at="[E1]"),
    "a credit code": Written([["统一社会信用代码", *HEAD[1:]], [f" {CODE}\u200b", *FIRM[1:]]], {CODE: 100_000}),
    "a credit code without its zeros": Written(
        [["统一社会信用代码", *HEAD[1:]], [91_370_200_000_000, *FIRM[1:]]], said="18", at="[A2]"
    ),
    "a code in scientific notation": Written([HEAD, ["9.13702E+17", *FIRM[1:]]], said="科学计数法", at="[A2]"),
    "a code kept as a number": Written([HEAD, [9.13702123456789e17, *FIRM[1:]]], said="失去精确值", at="[A2]"),
    "a formula without its value": refused("公式没有保存计算结果", "=500+500"),
    "an error": refused("错误值 #REF!", "#REF!"),
    "an enterprise twice": Written([*TWO, FIRM], said="与第 2 行重复", at="[A4]"),
    "a character within that nobody sees": Written([HEAD, ["E\u200b1", *FIRM[1:]]], said="U+200B", at="[A2]"),
    "yes in another word": Written([HEAD, ["E1", "甲", "√", "否", 1]], said="请填写 是 或 否", at="[C2]"),
    "hidden rows and columns": Written(TWO, BOTH, said="第 3 行被隐藏或筛选", tweak=hidden_rows),
}  # fmt: skip


def test_there_are_forty_seven_ways_to_write_a_sheet() -> None:
    assert len(WRITTEN) == 47


@pytest.mark.parametrize("written", WRITTEN.values(), ids=[name.replace(" ", "-") for name in WRITTEN])
def test_a_sheet_is_read_as_meant_or_refused_with_place_reason_and_mend(
    tmp_path: Path, written: Written
) -> None:
    path = written.saved(tmp_path)
    if written.fen:
        found = read_facts(path, city_scheme())
        assert {
            one.id: one.facts["net_platform_turnover"] for one in found.snapshot.candidates
        } == written.fen
        assert written.said in "".join(note["zh"] + note["en"] for note in found.notes)
        return
    with pytest.raises(FactsInvalid) as wrong:
        read_facts(path, city_scheme())
    zh, facts = wrong.value.sentence("zh"), wrong.value.facts
    assert written.said in zh
    assert f"{written.at}有误" in zh
    assert "表.xlsx:企业 第 " in zh
    assert facts["mend_zh"] in zh
    assert facts["mend_zh"].startswith("请")
    assert facts["mend_en"] in wrong.value.sentence("en")


def notes_of(found: FactsRead) -> str:
    return "".join(note["zh"] for note in found.notes)


def test_a_total_row_is_never_paid_and_the_document_says_that_it_was_passed_over(tmp_path: Path) -> None:
    path = Written([*TWO, ["合计", None, "是", "否", 3000]]).saved(tmp_path)
    document = evaluate_files(scheme_bytes("qd-data-element"), path, 2024)
    assert [(line["candidate"], line["rank"]) for line in document["lines"]] == [("E2", 1), ("E1", 2)]
    assert "表.xlsx:企业：第 4 行“合计”是合计行，不作为记录" in [note["zh"] for note in document["notes"]]


def test_what_is_hidden_is_read_and_said_by_rows_columns_and_sheets(tmp_path: Path) -> None:
    def hide(page: Worksheet) -> None:
        hidden_rows(page)
        page.sheet_state = "hidden"
        assert page.parent is not None
        page.parent.create_sheet("说明").append(["填表说明"])

    found = read_facts(Written(TWO, tweak=hide).saved(tmp_path), city_scheme())
    assert len(found.snapshot.candidates) == 2
    for said in ("工作表是隐藏的", "第 3 行被隐藏", "B 列被隐藏"):
        assert said in notes_of(found)


def repacked(path: Path, part: str, old: str, new: str, **more: str) -> None:
    """The workbook with a text of one part replaced, and parts added."""
    with zipfile.ZipFile(path) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    assert old.encode() in parts[part]
    parts[part] = parts[part].replace(old.encode(), new.encode())
    with zipfile.ZipFile(path, "w") as target:
        for name, content in (parts | {name: text.encode() for name, text in more.items()}).items():
            target.writestr(name, content)


def test_the_saved_value_of_a_formula_is_read_and_said_and_other_files_are_not_opened(tmp_path: Path) -> None:
    path = Written(amount("=[1]Sheet1!A1")).saved(tmp_path)
    sheet = "xl/worksheets/sheet1.xml"
    linked = {"xl/externalLinks/externalLink1.xml": "<externalLink/>"}
    repacked(path, sheet, "<v />", "<v>1234.5</v>", **linked)
    found = read_facts(path, city_scheme())
    assert found.snapshot.candidates[0].facts["net_platform_turnover"] == 123_450
    assert "E2 是公式，取保存时的值" in notes_of(found)
    assert "工作簿链接其他文件：未打开" in notes_of(found)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2025年3月1日", "2025-02-28"),
        ("2025.3.1", "2025-02-28"),
        ("2025/03/01", "2025-02-28"),
        ("20250301", "2025-02-28"),
        (20_250_301, "2025-02-28"),
        (45_717, "2025-02-28"),
        (datetime(2025, 3, 1), "2025-02-28"),  # noqa: DTZ001 - a spreadsheet knows no zone
    ],
)
def test_a_day_is_read_in_each_of_its_spellings(tmp_path: Path, written: Any, day: str) -> None:
    """Midnight in Qingdao is the evening before in UTC."""
    rows = [[*HEAD, "合同数", "首笔结算时间"], [*FIRM, "１，２００", written]]
    (firm,) = read_facts(
        Written(rows).saved(tmp_path), city_scheme(ties("{tiebreak: [first_settled]}"))
    ).snapshot.candidates
    assert firm.facts["first_settled"] == f"{day}T16:00:00.000000+00:00"
    assert firm.facts["contracts"] == 1200


@pytest.mark.parametrize("written", ["2025年2月30日", "25.3.1", 17, 99_999_999, "2025.3-1"])
def test_a_day_that_is_none_is_refused_with_the_way_to_write_one(tmp_path: Path, written: Any) -> None:
    rows = [[*HEAD, "首笔结算时间"], [*FIRM, written]]
    with pytest.raises(FactsInvalid, match=r"\[F2\].*write 2025-03-01"):
        read_facts(Written(rows).saved(tmp_path), city_scheme())


def test_a_sheet_that_counts_its_days_from_1904_is_read_so(tmp_path: Path) -> None:
    def from_1904(page: Worksheet) -> None:
        assert page.parent is not None
        page.parent.epoch = CALENDAR_MAC_1904

    rows = [[*HEAD, "首笔结算时间"], [*FIRM, 45_717 - 1462]]
    (firm,) = read_facts(Written(rows, tweak=from_1904).saved(tmp_path), city_scheme()).snapshot.candidates
    assert firm.facts["first_settled"] == "2025-02-28T16:00:00.000000+00:00"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("表.xls", b"\xd0\xcf\x11\xe0 old", "另存为“Excel 工作簿"),
        ("表.xlsx", b"\xd0\xcf\x11\xe0 old", "旧格式（.xls、.et）或加了密码"),
        ("表.et", b"\xd0\xcf\x11\xe0 old", "另存为“Excel 工作簿"),
        ("表.xlsx", "编号,净交易额\n".encode(), "改了扩展名的 CSV"),
        ("企业.csv", b"PK\x03\x04", "内容是工作簿"),
        ("企业.csv", "编号\t净交易额\nE1\t5\n".encode(), "不是半角逗号"),
        ("企业.csv", "编号；净交易额\n".encode(), "不是半角逗号"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_the_way_to_save_it(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FactsInvalid) as wrong:
        read_facts(tmp_path if name.endswith("csv") else tmp_path / name, city_scheme())
    assert said in wrong.value.sentence("zh")
    assert wrong.value.facts["mend_zh"].startswith("请")


def test_csv_of_an_older_program_is_read_as_it_was_saved_and_said(tmp_path: Path) -> None:
    text = io.StringIO()
    text.write(",".join(HEAD) + '\r\nE1,岛城𠮷公司,是,否,"1,234.50"\r\n合计,,,,1234.50\r\n')
    (tmp_path / "企业.csv").write_bytes(text.getvalue().encode("gb18030"))
    found = read_facts(tmp_path, city_scheme())
    assert [(one.name, one.facts["net_platform_turnover"]) for one in found.snapshot.candidates] == [
        ("岛城𠮷公司", 123_450)
    ]
    assert "企业.csv：按 GB18030 编码读取" in notes_of(found)
