"""`datamarket check`: the invariants of every slice, one after the other."""

from collections.abc import Callable
from typing import Any

from datamarket import slices
from datamarket.evidence.invariants.actions import keep_runs
from datamarket.foundation import checks
from datamarket.foundation.clock import read_clock
from datamarket.foundation.db import Database, owner_connection

CHECKS = slices.checks()
WHOLE_TABLES = {"enable_nestloop": "off", "work_mem": "128MB", "jit": "off"}
"""Every check reads its tables whole: a row-by-row plan, made for a small market, would never end on a large one."""


async def check_books(
    url: str, ledger_id: int, *, begins: Callable[[checks.Check, int, int], None] = checks.unheard
) -> list[checks.CheckResult]:
    """Every invariant, as the owner of the database sees it; `begins` is told of each before it starts."""
    async with owner_connection(url, **WHOLE_TABLES) as connection:
        return await checks.run(connection, ledger_id, CHECKS, begins=begins)


async def check_and_keep(
    database: Database,
    url: str,
    ledger_id: int,
    *,
    begins: Callable[[checks.Check, int, int], None] = checks.unheard,
) -> list[checks.CheckResult]:
    """The same, and the results kept for who asks the market."""
    found = await check_books(url, ledger_id, begins=begins)
    await keep_runs(database, ledger_id, found, read_clock())
    return found


def figures_of(found: checks.CheckResult) -> dict[str, Any]:
    """For a program to read."""
    check = found.check
    told = {"id": check.id, "zh": check.zh, "en": check.en}
    return told | {"seen": found.seen, "holds": found.holds, "breaches": found.breaches}
