"""Tables that are built to keep a reader busy are refused before it walks them; what a city needs is read."""

import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from datamarket.foundation.spreadsheets import bounds
from datamarket.subsidy.facts.sheets import FactsInvalid, read_sheets

NAMES = ["enterprises", "projects"]
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRINGS = (
    '<Override PartName="/xl/sharedStrings.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/>'
)
HEAD = '<row><c t="inlineStr"><is><t>id</t></is></c></row>'
ROWS, COLUMNS, CELLS = bounds.MOST_ROWS, bounds.MOST_COLUMNS, bounds.MOST_ELEMENTS


def book(
    folder: Path, *, rows: str = "", head: str = HEAD, strings: str = "", before: str = "", beside: int = 0
) -> Path:
    """A small workbook by openpyxl, its one sheet and its strings exchanged for these."""
    made = openpyxl.Workbook()
    assert made.active is not None
    made.active.title = "enterprises"
    made.active.append(["id"])
    made.save(folder / "made.xlsx")
    sheet = f'{before}<worksheet xmlns="{MAIN}"><sheetData>{head}{rows}</sheetData></worksheet>'
    written = {
        "xl/worksheets/sheet1.xml": sheet,
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{strings}</sst>',
    } | {f"xl/{number}": "" for number in range(beside)}
    path = folder / "facts.xlsx"
    with (
        zipfile.ZipFile(folder / "made.xlsx") as source,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in set(source.namelist()) - set(written):
            kept = source.read(name).decode()
            target.writestr(name, kept.replace("</Types>", f"{STRINGS}</Types>"))
        for name, content in written.items():
            target.writestr(name, content)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(FactsInvalid) as refused:
        read_sheets(path, NAMES)
    assert refused.value.sentence("zh") != refused.value.sentence("en")
    return refused.value.sentence("en")


FULL = "<row>" + "<c><v>1</v></c>" * 20 + "</row>"
LONG = f"<si><t> {'x' * 32_000}</t></si>"
ENTITIES = '<!DOCTYPE worksheet [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"rows": '<row r="1048576"><c><v>1</v></c></row>'}, f"more than {ROWS} rows"),
        ({"rows": "<row/>" * ROWS}, f"more than {ROWS} rows"),
        ({"rows": '<row><c r="XFD2"/></row>'}, f"more than {COLUMNS} columns"),
        ({"rows": "<row>" + "<c/>" * (COLUMNS + 1) + "</row>"}, f"more than {COLUMNS} columns"),
        ({"rows": '<row><c r="IV2"/></row>' * (CELLS // COLUMNS)}, "too many cells"),
        ({"rows": FULL * (CELLS // 40)}, "too many cells"),
        ({"rows": "</sheetData><cols>" + "<col/>" * 100_000 + "</cols><sheetData>"}, "too many cells"),
        ({"strings": "<si><t>a</t></si>" * (CELLS // 2)}, "too many cells"),
        ({"beside": 2000}, "too many cells"),
        ({"rows": " " * bounds.MOST_UNPACKED}, "too large when unpacked"),
        ({"rows": "<row><c><v>&b;</v></c></row>", "before": ENTITIES}, "declares an XML document type"),
    ],
    ids=lambda made: next(iter(made)) if isinstance(made, dict) else made.replace(" ", "-"),
)
def test_a_workbook_that_is_larger_than_it_looks_is_refused_before_it_is_opened(
    tmp_path: Path, made: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = book(tmp_path, **made)
    monkeypatch.setattr(openpyxl, "load_workbook", None)
    assert path.stat().st_size < 1 << 19
    assert said in refusal(path)


def test_a_text_that_every_cell_names_is_counted_with_every_cell(tmp_path: Path) -> None:
    named = '<row><c t="s"><v>0</v></c></row>' * (bounds.MOST_UNPACKED // 31_000)
    assert "too much text" in refusal(book(tmp_path, rows=named, strings=LONG))


def test_what_a_large_city_needs_is_read(tmp_path: Path) -> None:
    cells = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in "abcdefgh")
    path = book(tmp_path, rows=f"<row>{cells}</row>" * 20_001, head="")
    assert len(read_sheets(path, NAMES)["enterprises"].rows) == 20_000


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("x\n" * ROWS, f"row {ROWS + 1}, column '-': there are more than {ROWS} rows"),
        ("x" + "," * COLUMNS, f"row 2, column '-': there are more than {COLUMNS} columns"),
        ("x" * (bounds.LONGEST_TEXT + 1), "row 2, column '-': a cell has more than 32767 characters"),
    ],
    ids=["rows", "columns", "text"],
)
def test_a_csv_file_has_so_many_rows_columns_and_characters(tmp_path: Path, rows: str, said: str) -> None:
    (tmp_path / "enterprises.csv").write_text(f"id\n{rows}\n", encoding="utf-8")
    assert said in refusal(tmp_path)


@pytest.mark.parametrize("name", ["enterprises.csv", "facts.xlsx"])
def test_a_file_of_any_size_is_refused_by_its_first_bytes(tmp_path: Path, name: str) -> None:
    with (tmp_path / name).open("wb") as file:
        file.truncate(1 << 40)
    assert "larger than 16 MiB" in refusal(tmp_path / name if name.endswith("xlsx") else tmp_path)
