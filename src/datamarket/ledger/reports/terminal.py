"""A report on the terminal, and as figures for a program."""

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from datamarket.foundation.money import yuan
from datamarket.ledger.reports.rules import BooksReport

_COLUMNS = (
    "期初借 opening debit",
    "期初贷 opening credit",
    "借方 debit",
    "贷方 credit",
    "期末借 closing debit",
    "期末贷 closing credit",
)


def document_of(report: BooksReport) -> dict[str, Any]:
    """The report as it stands, with its status; amounts in fen."""
    zh, en = report.status
    return asdict(report) | {"provisional": report.provisional, "status_zh": zh, "status_en": en}


def print_report(report: BooksReport) -> None:
    """A table for each section; amounts in yuan."""
    console = Console()
    console.print(f"[bold]{report.name}[/] · {' '.join(report.status)} · {report.from_on} – {report.to_on}")
    for section in report.sections:
        table = Table(title=f"{section.label_zh} · {section.label_en} (CNY)", title_justify="left")
        table.add_column("", overflow="fold")
        for heading in _COLUMNS:
            table.add_column(heading, justify="right", overflow="fold")
        for line in section.lines:
            table.add_row(
                f"{line.label_zh}\n{line.label_en}", *(yuan(fen, grouped=True) for fen in line.amounts)
            )
        if section.total:
            table.add_section()
            table.add_row("合计 total", *(yuan(fen, grouped=True) for fen in section.total.amounts))
        console.print(table)
