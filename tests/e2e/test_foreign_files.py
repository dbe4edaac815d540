"""Files of others, by command and by HTTP: refused in a sentence, never with a traceback, never in the event loop."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from datamarket.commands.main import app
from datamarket.payouts import advice, files
from datamarket.payouts.bank import simulated
from datamarket.payouts.files import FileInvalid
from datamarket.payouts.terms import BankFile
from datamarket.simulation.city import SeedFaulty, documents_of, rows_of
from datamarket.subsidy.scheme import files as scheme_files
from tests.conftest import ClientFor
from tests.world.people import AUTHORITY, FINANCE, NOON


def sized(path: Path, size: int = 1 << 40) -> Path:
    """A file of any size that takes no room."""
    with path.open("wb") as file:
        file.truncate(size)
    return path


async def refused(*words: object) -> str:
    """What a command says when it exits with 2."""
    told = await asyncio.to_thread(CliRunner().invoke, app, list(map(str, words)))
    assert told.exit_code == 2, told.output
    return " ".join(told.stderr.replace("│", " ").split())


async def test_a_bank_file_or_its_rules_may_be_missing_huge_or_no_yaml(tmp_path: Path) -> None:
    (tmp_path / "no.yaml").write_text("refuse_share: [", encoding="utf-8")
    (tmp_path / "list.yaml").write_text("[1]", encoding="utf-8")
    (tmp_path / "slow.yaml").write_text(
        'refuse_share: "0"\ndelay_days: {from: 0, to: 999999999}\nreasons: [{code: A, text: b}]\n',
        encoding="utf-8",
    )
    huge = sized(tmp_path / "huge")
    run = ("bank", "run", "--out", tmp_path / "out", "--file")
    assert "file.unusable: 无法读写" in await refused(*run, tmp_path / "nowhere")
    assert "payout.file-invalid: 文件第 1 行有误：文件超过 16 MiB" in await refused(*run, huge)
    assert "larger than 1 MiB" in await refused(*run, huge, "--rules", huge)
    assert "payout.file-invalid: 文件第 1 行有误：YAML" in await refused(
        *run, huge, "--rules", tmp_path / "no.yaml"
    )
    assert "is missing or wrong" in await refused(*run, huge, "--rules", tmp_path / "list.yaml")
    assert "at most 99 days" in await refused(*run, huge, "--rules", tmp_path / "slow.yaml")


async def test_a_scheme_file_is_refused_by_its_first_bytes(tmp_path: Path) -> None:
    said = await refused("subsidy", "evaluate", sized(tmp_path / "huge"), tmp_path, "--year", 2024)
    assert "subsidy.scheme-invalid: 方案文件第 1 行第 1 列有误（-）：文件超过 1 MiB；" in said


async def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_bytes(b"")
    payments = tmp_path / "payments.csv"
    payments.write_bytes(files.write_payments(BankFile("PB", NOON.date(), ())))
    said = await refused("bank", "run", "--file", payments, "--out", tmp_path / "rules.yaml")
    assert "file.unusable" in said
    assert "rules.yaml' cannot be read or written: it is there already." in said


def test_a_bank_file_has_so_many_lines() -> None:
    rows = "line,2024-06-03,,1.00,\n" * files.MOST_LINES
    with pytest.raises(FileInvalid, match=f"Line {files.MOST_LINES + 1} of the file"):
        files.read_statement(f"{','.join(files.STATEMENT)}\n{rows}")


def test_the_city_is_not_read_from_files_of_any_size_or_shape(tmp_path: Path) -> None:
    sized(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("code\n" + "x" * 200_000, encoding="utf-8")
    (tmp_path / "c.csv").write_text("code,name\nx\n", encoding="utf-8")
    for name in ("a.csv", "b.csv", "c.csv"):
        with pytest.raises(SeedFaulty):
            rows_of(tmp_path, name)
    sized(tmp_path / "a.yaml")
    (tmp_path / "b.yaml").write_text("- &a [x]\n- [*a, *a]\n", encoding="utf-8")
    (tmp_path / "c.yaml").write_text("[" * 5000, encoding="utf-8")
    for name in ("a.yaml", "b.yaml", "c.yaml"):
        with pytest.raises(SeedFaulty):
            documents_of(tmp_path, name)
    assert simulated.shipped_rules().delay_to <= simulated.LONGEST_DELAY


async def test_what_comes_by_http_is_parsed_in_another_thread(
    client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[threading.Thread] = []

    def overhear(module: Any, name: str) -> None:
        read: Callable[[Any], Any] = getattr(module, name)

        def overheard(given: Any) -> Any:
            heard.append(threading.current_thread())
            return read(given)

        monkeypatch.setattr(module, name, overheard)

    for module, name in (
        (files, "read_statement"),
        (files, "read_advice"),
        (scheme_files, "load_scheme"),
    ):
        overhear(module, name)
    told = await client_for(FINANCE).post("/bank/statements", json={"statement": "?"})
    assert told.json()["code"] == "payout.file-invalid"
    told = await client_for(AUTHORITY).post("/subsidy/schemes/one/versions", json={"content": "?"})
    assert told.json()["code"] == "subsidy.scheme-invalid"
    nothing = cast("Any", None)  # it is not looked at before the file is read
    with pytest.raises(FileInvalid):
        await advice.take_advice(nothing, FINANCE, nothing, "?", now=NOON)
    assert len(heard) == 3
    assert threading.current_thread() not in heard
