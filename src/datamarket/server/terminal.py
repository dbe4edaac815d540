"""Checks at the terminal: how far they are, and what they found."""

from collections.abc import Sequence

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from datamarket.foundation.checks import Check, CheckResult
from datamarket.foundation.db import Database
from datamarket.server.checks import CHECKS, check_and_keep


async def check_with_progress(database: Database, url: str, ledger_id: int) -> list[CheckResult]:
    """Every invariant, telling a person at the terminal how far it is."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=len(CHECKS))

        def begins(check: Check, position: int, _of: int) -> None:
            progress.update(bar, completed=position, description=f"{check.id} {check.zh}")

        return await check_and_keep(database, url, ledger_id, begins=begins)


def print_results(results: Sequence[CheckResult]) -> None:
    """A row an invariant: how much was looked at, and the first rows that break it."""
    table = Table(title="账簿不变量 · invariants of the books", title_justify="left")
    for heading in ("", "不变量 · invariant", "检查行数 · rows", "结果 · result"):
        table.add_column(heading, overflow="fold")
    for found in results:
        result = "[green]成立 holds" if found.holds else "[red]破坏 BROKEN: " + ", ".join(found.breaches)
        table.add_row(found.check.id, f"{found.check.zh}\n{found.check.en}", f"{found.seen:,}", result)
    Console().print(table)
