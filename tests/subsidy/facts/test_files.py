"""Facts from CSV files and workbooks: what is read, and which cell is named when something is wrong."""

import contextlib
import random
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from datamarket.subsidy.facts.files import read_facts
from datamarket.subsidy.facts.sheets import FactsInvalid
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.terms import Snapshot, Unit
from tests.cases.builders import city_scheme, shapes_scheme, ties

FIRMS = "id,enterprise,name,registered_in_city,suspended,net_platform_turnover"
CASES = "id,enterprise,verified_investment,case_listed_in_period,claimed_before"
ONE_FIRM = ["E1", "E1", "甲公司", "true", "false", "1234.50"]


def snapshot_in(path: Path, scheme: Scheme) -> Snapshot:
    return read_facts(path, scheme).snapshot


def folder(path: Path, firms: str | bytes | None = None, cases: str | bytes | None = None) -> Path:
    """A folder with these files."""
    for name, content in (("enterprises.csv", firms), ("projects.csv", cases)):
        if content is not None:
            (path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def workbook(path: Path, sheet: str, *rows: Sequence[Any]) -> Path:
    """A workbook with one sheet."""
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = sheet
    for row in rows:
        page.append(list(row))
    book.save(path / "facts.xlsx")
    return path / "facts.xlsx"


def refusal(path: Path, scheme: Scheme | None = None) -> tuple[str, int, str]:
    """File, row and column of the error."""
    with pytest.raises(FactsInvalid) as refused:
        snapshot_in(path, scheme or city_scheme())
    facts = refused.value.facts
    assert refused.value.code == "subsidy.facts-invalid"
    assert facts["file"] in refused.value.sentence("zh")
    return facts["file"], facts["row"], facts["column"]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_both_files_are_read_with_or_without_a_byte_order_mark(tmp_path: Path, mark: bytes, end: str) -> None:
    firms = mark + f"{FIRMS}{end}E1,E1,甲公司,true,FALSE,-1234.5{end}".encode()
    cases = mark + f"{CASES}{end}P1,E1,3333333.33,true,false{end}{end}".encode()
    snapshot = snapshot_in(folder(tmp_path, firms, cases), city_scheme())
    (firm,), (case,) = snapshot.of_unit(Unit.ENTERPRISE), snapshot.of_unit(Unit.PROJECT)
    assert firm.facts == {"registered_in_city": True, "suspended": False, "net_platform_turnover": -123_450}
    assert case.facts["verified_investment"] == 333_333_333
    assert (case.facts["registered_in_city"], case.facts["suspended"], case.name) == (True, False, "甲公司")


def test_either_file_may_be_absent_but_not_both(tmp_path: Path) -> None:
    assert snapshot_in(folder(tmp_path, firms=FIRMS + "\n"), city_scheme()) == Snapshot(())
    (tmp_path / "enterprises.csv").unlink()
    assert refusal(tmp_path)[0] == tmp_path.name
    assert (
        len(snapshot_in(folder(tmp_path, cases=f"{CASES}\nP1,E1,1,true,false\n"), city_scheme()).candidates)
        == 1
    )


def test_an_empty_cell_is_not_known_and_an_unknown_column_is_not_read(tmp_path: Path) -> None:
    snapshot = snapshot_in(folder(tmp_path, f"{FIRMS},remark\nE1,,,true,false,,=1+1\n"), city_scheme())
    (firm,) = snapshot.candidates
    assert (firm.enterprise, firm.name, "net_platform_turnover" in firm.facts) == ("E1", "", False)


def test_a_case_without_its_enterprise_row_speaks_for_itself(tmp_path: Path) -> None:
    cases = f"{CASES},registered_in_city,suspended\nP1,E9,1,true,false,true,false\n"
    (case,) = snapshot_in(folder(tmp_path, cases=cases), city_scheme()).candidates
    assert (case.facts["registered_in_city"], case.facts["suspended"]) == (True, False)


def test_a_case_that_contradicts_its_enterprise_is_refused(tmp_path: Path) -> None:
    cases = f"{CASES},suspended\nP1,E1,1,true,false,false\n"
    path = folder(tmp_path, f"{FIRMS}\nE1,E1,x,true,true,1\n", cases)
    assert refusal(path) == ("projects.csv", 2, "suspended")


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ('E1,E1,x,true,false,"1,23.00"', "net_platform_turnover"),
        ("E1,E1,x,true,false,1.234", "net_platform_turnover"),
        ("E1,E1,x,true,false,1e6", "net_platform_turnover"),
        ("E1,E1,x,true,false,nan", "net_platform_turnover"),
        ("E1,E1,x,true,false,99999999999999999999.00", "net_platform_turnover"),
        ("E1,E1,x,yes,false,1", "registered_in_city"),
        ("E1,E1,x,1,false,1", "registered_in_city"),
        (",E1,x,true,false,1", "id"),
        ("E1,E1,x,true,false", "-"),
        ("E1,E1,x,true,false,1,2", "-"),
        ("E0,E9,x,true,false,1", "id"),
        ("E9,E0,x,true,false,1", "enterprise"),
        ('E1,E1,x,true,false,"1', "-"),
        ('E1,E1,"x"y,true,false,1', "-"),
        ("E1,E1,x\0,true,false,1", "-"),
        ("E\x1b1,E1,x,true,false,1", "id"),
    ],
)
def test_a_wrong_cell_is_named_by_file_row_and_column(tmp_path: Path, row: str, column: str) -> None:
    path = folder(tmp_path, f"{FIRMS}\nE0,E0,x,true,false,1\n{row}\n")
    assert refusal(path) == ("enterprises.csv", 3, column)


@pytest.mark.parametrize("missing", ["id", "registered_in_city", "suspended", "net_platform_turnover"])
def test_a_missing_column_is_named(tmp_path: Path, missing: str) -> None:
    assert refusal(folder(tmp_path, FIRMS.replace(missing, "other"))) == ("enterprises.csv", 1, missing)


def test_columns_are_those_that_the_scheme_names(tmp_path: Path) -> None:
    path = folder(tmp_path, f"{FIRMS}\nE1,E1,x,true,false,1\n")
    assert refusal(path, city_scheme(ties("{tiebreak: [-contracts]}"))) == ("enterprises.csv", 1, "contracts")
    first_come = shapes_scheme(("pro_rata", "first_come"), ("by: contracts", "by: net_platform_turnover"))
    assert refusal(path, first_come)[2] == "first_settled"
    cases = folder(tmp_path, cases="id,verified_investment,case_listed_in_period,claimed_before\n")
    assert refusal(cases) == ("projects.csv", 1, "enterprise")


@pytest.mark.parametrize(
    ("content", "row"),
    [
        (b"", 1),
        (f"{FIRMS}\n\xd6".encode("latin-1"), 2),
        (f"{FIRMS}\nE1,E1,甲".encode("gbk"), 2),
        (FIRMS.encode("utf-16"), 1),
        (f"{FIRMS},id\n".encode(), 1),
        (f"{FIRMS}\n{'x' * 200_000}\n".encode(), 2),
    ],
)
def test_a_damaged_csv_file_is_refused_with_its_row(tmp_path: Path, content: bytes, row: int) -> None:
    assert refusal(folder(tmp_path, content))[:2] == ("enterprises.csv", row)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2025-03-01", "2025-02-28T16:00:00.000000+00:00"),
        ("2025-03-01T00:00:00", "2025-02-28T16:00:00.000000+00:00"),
        ("2025-03-01T00:00:00Z", "2025-03-01T00:00:00.000000+00:00"),
        ("2025-12-31T23:59:59+08:00", "2025-12-31T15:59:59.000000+00:00"),
    ],
)
def test_an_instant_is_kept_in_utc_so_that_texts_sort_by_time(
    tmp_path: Path, text: str, instant: str
) -> None:
    path = folder(tmp_path, f"{FIRMS},contracts,first_settled\nE1,E1,x,true,false,1,3,{text}\n")
    (firm,) = snapshot_in(path, city_scheme()).candidates
    assert (firm.facts["first_settled"], firm.facts["contracts"]) == (instant, 3)


@pytest.mark.parametrize(
    ("column", "value"), [("contracts", "-1"), ("contracts", "2.0"), ("first_settled", "soon")]
)
def test_counts_and_instants_are_checked(tmp_path: Path, column: str, value: str) -> None:
    assert refusal(folder(tmp_path, f"{FIRMS},{column}\nE1,E1,x,true,false,1,{value}\n"))[2] == column


def test_a_workbook_reads_as_the_same_snapshot_as_the_files(tmp_path: Path) -> None:
    csv = snapshot_in(folder(tmp_path, f"{FIRMS}\n{','.join(ONE_FIRM)}\n"), city_scheme())
    book = workbook(tmp_path, "enterprises", FIRMS.split(","), ONE_FIRM, [], [None, None])
    assert snapshot_in(book, city_scheme()).sha256 == csv.sha256


def test_a_workbook_may_hold_whole_numbers_truths_and_times(tmp_path: Path) -> None:
    at = datetime(2025, 3, 1, 12)  # noqa: DTZ001 - a spreadsheet knows no zone
    rows: list[list[object]] = [
        [*FIRMS.split(","), "first_settled"],
        [17, None, "x", True, False, 20_000_000, at],
    ]
    (firm,) = snapshot_in(workbook(tmp_path, "enterprises", *rows), city_scheme()).candidates
    assert (firm.id, firm.enterprise, firm.facts["net_platform_turnover"]) == ("17", "17", 2_000_000_000)
    assert firm.facts["first_settled"] == "2025-03-01T04:00:00.000000+00:00"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (5, 1.555),
        (5, 1 / 3),
        (5, 10_000_000_000_000.5),
        (0, 1.5),
        (5, 1e300),
        (5, "=1+1"),
        (5, "#N/A"),
        (5, True),
        (3, 1),
        (0, 913_702_000_000_000_000),
    ],
)
def test_a_cell_that_is_not_exact_is_refused_by_sheet_row_and_column(
    tmp_path: Path, place: int, value: object
) -> None:
    row: list[object] = list(ONE_FIRM)
    row[place] = value
    path = workbook(tmp_path, "enterprises", FIRMS.split(","), row)
    assert refusal(path) == ("facts.xlsx:enterprises", 2, FIRMS.split(",")[place])


@pytest.mark.parametrize(
    ("value", "fen"),
    [(1.5, 150), (0.29, 29), (-1234.56, -123_456), (9_999_999_999_999.99, 999_999_999_999_999)],
)
def test_a_number_with_two_decimals_in_a_workbook_is_read_as_it_was_typed(
    tmp_path: Path, value: float, fen: int
) -> None:
    path = workbook(tmp_path, "Enterprises", FIRMS.split(","), [*ONE_FIRM[:5], value])
    (firm,) = snapshot_in(path, city_scheme()).candidates
    assert firm.facts["net_platform_turnover"] == fen


def test_names_of_files_and_sheets_are_matched_in_either_case(tmp_path: Path) -> None:
    path = folder(tmp_path, f"{FIRMS}\n{','.join(ONE_FIRM)}\n")
    (path / "Projects.CSV").write_text(f"{CASES}\nP1,E1,1,true,false\n", encoding="utf-8")
    assert len(snapshot_in(path, city_scheme()).candidates) == 2
    (path / "PROJECTS.csv").write_text(f"{CASES}\n", encoding="utf-8")
    with pytest.raises(FactsInvalid, match="the same table"):
        snapshot_in(path, city_scheme())


def test_a_file_or_sheet_of_another_name_is_refused_by_name(tmp_path: Path) -> None:
    path = folder(tmp_path, f"{FIRMS}\n{','.join(ONE_FIRM)}\n")
    (path / "project.csv").write_text(f"{CASES}\n", encoding="utf-8")
    with pytest.raises(FactsInvalid, match="'project' is no known table; expected: enterprises, projects"):
        snapshot_in(path, city_scheme())
    book = openpyxl.load_workbook(workbook(tmp_path, "enterprises", FIRMS.split(","), ONE_FIRM))
    book.create_sheet("Case list")
    book.save(tmp_path / "facts.xlsx")
    with pytest.raises(FactsInvalid, match="Case list"):
        snapshot_in(tmp_path / "facts.xlsx", city_scheme())


def test_an_investment_below_zero_is_refused_and_a_turnover_is_not(tmp_path: Path) -> None:
    firms = f"{FIRMS}\nE1,E1,x,true,false,-5.00\n"
    assert len(snapshot_in(folder(tmp_path, firms), city_scheme()).candidates) == 1
    path = folder(tmp_path, firms, f"{CASES}\nP1,E1,-0.01,true,false\n")
    assert refusal(path) == ("projects.csv", 2, "verified_investment")


def test_a_case_of_an_enterprise_that_is_not_listed_is_refused(tmp_path: Path) -> None:
    path = folder(tmp_path, f"{FIRMS}\nE1,E1,x,true,false,5.00\n", f"{CASES}\nP1,E7,1,true,false\n")
    assert refusal(path) == ("projects.csv", 2, "enterprise")
    with pytest.raises(FactsInvalid, match="has no 'E7'"):
        snapshot_in(path, city_scheme())


def test_a_workbook_without_either_sheet_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    assert refusal(workbook(tmp_path, "Sheet1", ["id"]))[0] == "facts.xlsx"
    (tmp_path / "facts.ods").write_bytes(b"PK")
    assert refusal(tmp_path / "facts.ods")[0] == "facts.ods"
    assert refusal(tmp_path / "nowhere")[0] == "nowhere"
    with zipfile.ZipFile(tmp_path / "other.xlsx", "w") as archive:
        archive.writestr("a.txt", "not a workbook")
    assert refusal(tmp_path / "other.xlsx")[0] == "other.xlsx"


def test_a_corrupted_workbook_is_refused_or_read_never_a_crash(tmp_path: Path) -> None:
    content = workbook(tmp_path, "enterprises", FIRMS.split(","), ONE_FIRM).read_bytes()
    damaged = tmp_path / "damaged.xlsx"
    chance = random.Random(7)
    for _ in range(60):
        spoiled = bytearray(content[: chance.choice([len(content), chance.randrange(len(content))])])
        for _ in range(chance.randrange(1, 20)):
            if spoiled:
                spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
        damaged.write_bytes(spoiled)
        with contextlib.suppress(FactsInvalid):
            snapshot_in(damaged, city_scheme())
