"""`datamarket check`: the invariants of every slice, one after the other."""

from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from datamarket import slices
from datamarket.foundation import checks
from datamarket.foundation.db import owner_connection

CHECKS = slices.checks()
WHOLE_TABLES = {"enable_nestloop": "off", "work_mem": "128MB", "jit": "off"}
"""Every check reads its tables whole: a row-by-row plan, made for a small market, would never end on a large one."""


async def check_books(
    url: str, ledger_id: int, *, begins: Callable[[checks.Check, int, int], None] = checks.unheard
) -> list[checks.CheckResult]:
    """Every invariant, as the owner of the database sees it; `begins` is told of each before it starts."""
    async with owner_connection(url, **WHOLE_TABLES) as connection:
        return await checks.run(connection, ledger_id, CHECKS, begins=begins)


async def check_with_progress(url: str, ledger_id: int) -> list[checks.CheckResult]:
    """The same, telling a person at the terminal how far it is."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=len(CHECKS))

        def begins(check: checks.Check, position: int, _of: int) -> None:
            progress.update(bar, completed=position, description=f"{check.id} {check.zh}")

        return await check_books(url, ledger_id, begins=begins)


def figures_of(found: checks.CheckResult) -> dict[str, Any]:
    """For a program to read."""
    check = found.check
    told = {"id": check.id, "zh": check.zh, "en": check.en}
    return told | {"seen": found.seen, "holds": found.holds, "breaches": found.breaches}


def print_results(results: Sequence[checks.CheckResult]) -> None:
    """A row an invariant: how much was looked at, and the first rows that break it."""
    table = Table(title="账簿不变量 · invariants of the books", title_justify="left")
    for heading in ("", "不变量 · invariant", "检查行数 · rows", "结果 · result"):
        table.add_column(heading, overflow="fold")
    for found in results:
        result = "[green]成立 holds" if found.holds else "[red]破坏 BROKEN: " + ", ".join(found.breaches)
        table.add_row(found.check.id, f"{found.check.zh}\n{found.check.en}", f"{found.seen:,}", result)
    Console().print(table)
