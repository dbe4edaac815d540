"""`datamarket check`: the invariants of every slice, one after the other."""

import json
import sys
from collections.abc import Callable, Sequence

import asyncpg
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from datamarket import slices
from datamarket.foundation import checks

CHECKS = slices.checks()
WHOLE_TABLES = {"enable_nestloop": "off", "work_mem": "128MB", "jit": "off"}
"""Every check reads its tables whole: a row-by-row plan, made for a small market, would never end on a large one."""


async def check_books(
    url: str, ledger_id: int, *, begins: Callable[[checks.Check, int, int], None] = checks.unheard
) -> list[checks.CheckResult]:
    """Every invariant, as the owner of the database sees it; `begins` is told of each before it starts."""
    connection = await asyncpg.connect(url, server_settings=WHOLE_TABLES)
    try:
        return await checks.run(connection, ledger_id, CHECKS, begins=begins)
    finally:
        await connection.close()


async def check_with_progress(url: str, ledger_id: int) -> list[checks.CheckResult]:
    """The same, telling a person at the terminal how far it is."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=len(CHECKS))

        def begins(check: checks.Check, position: int, _of: int) -> None:
            progress.update(bar, completed=position, description=f"{check.id} {check.zh}")

        return await check_books(url, ledger_id, begins=begins)


def print_results(results: Sequence[checks.CheckResult], *, as_json: bool = False) -> None:
    """A row an invariant: how much was looked at, and the first rows that break it."""
    if as_json:
        figures = [
            {
                "id": f.check.id,
                "zh": f.check.zh,
                "en": f.check.en,
                "seen": f.seen,
                "holds": f.holds,
                "breaches": f.breaches,
            }
            for f in results
        ]
        json.dump(figures, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
        return
    table = Table(title="账簿不变量 · invariants of the books", title_justify="left")
    for heading in ("", "不变量 · invariant", "检查行数 · rows", "结果 · result"):
        table.add_column(heading, overflow="fold")
    for found in results:
        result = "[green]成立 holds" if found.holds else "[red]破坏 BROKEN: " + ", ".join(found.breaches)
        table.add_row(found.check.id, f"{found.check.zh}\n{found.check.en}", f"{found.seen:,}", result)
    Console().print(table)
