"""`datamarket check`: the invariants of every slice, one after the other."""

import json
import sys
from collections.abc import Sequence

import asyncpg
from rich.console import Console
from rich.table import Table

from datamarket.foundation import checks
from datamarket.ledger import checks as ledger
from datamarket.subsidy import checks as subsidy
from datamarket.trading import checks as trading

CHECKS = (*ledger.CHECKS, *trading.CHECKS, *subsidy.CHECKS)


async def check_books(url: str, ledger_id: int) -> list[checks.Finding]:
    """Every invariant, as the owner of the database sees it."""
    connection = await asyncpg.connect(url)
    try:
        return await checks.run(connection, ledger_id, CHECKS)
    finally:
        await connection.close()


def print_findings(findings: Sequence[checks.Finding], *, as_json: bool = False) -> None:
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
            for f in findings
        ]
        json.dump(figures, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
        return
    table = Table(title="账簿不变量 · invariants of the books", title_justify="left")
    for heading in ("", "不变量 · invariant", "检查行数 · rows", "结果 · result"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        result = "[green]成立 holds" if finding.holds else "[red]破坏 BROKEN: " + ", ".join(finding.breaches)
        table.add_row(
            finding.check.id, f"{finding.check.zh}\n{finding.check.en}", f"{finding.seen:,}", result
        )
    Console().print(table)
