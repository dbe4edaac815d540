"""What a workbook is given is what a spreadsheet reads in it."""

import io
from decimal import Decimal
from typing import Any

import openpyxl

from datamarket.foundation.spreadsheets import workbooks


def test_a_spreadsheet_reads_what_was_written_and_equal_books_are_equal_bytes() -> None:
    rows: list[list[Any]] = [
        [" <a & b> \n「引号」", "=1+1", "", None, True, 7, Decimal("-99999999999.99")],
        ["x" * 40_000, "\x0b", "-12.50", "#N/A", False, 10**14, Decimal("0.01")],
    ]

    def written() -> bytes:
        book = workbooks.new_book("标题 & title")
        headings = [(f"列{number}", "<column>") for number in range(7)]
        workbooks.add_sheet(book, "甲 first", (20,) * 7, (headings, rows), (headings, iter(rows[:1])))
        workbooks.add_sheet(book, "乙 second", (20,), ((("空", "empty"),), ()))
        return workbooks.packed(book)

    content = written()
    assert written() == content
    first, second = openpyxl.load_workbook(io.BytesIO(content)).worksheets
    told = [list(row) for row in first.iter_rows(values_only=True)]
    assert told[0][0] == "列0"
    assert told[1] == ["<column>"] * 7
    assert told[2][:6] == [" <a & b> \n「引号」", "'=1+1", None, None, True, 7]
    assert told[3][:6] == ["x" * 32_767, "�", "-12.50", "#N/A", False, 10**14]
    assert told[4] == [None] * 7
    assert told[7] == told[2]
    assert f"{told[2][6]:.2f}" == "-99999999999.99"
    assert (first["G3"].number_format, first["A3"].alignment.wrap_text, first["A1"].font.b) == (
        "#,##0.00",
        True,
        True,
    )
    assert (first.freeze_panes, second.max_row, second.print_title_rows) == ("A3", 2, "$1:$2")
