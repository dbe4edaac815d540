"""`datamarket check`: the invariants of every slice, one after the other."""

from collections.abc import Callable
from typing import Any

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


def figures_of(found: checks.CheckResult) -> dict[str, Any]:
    """For a program to read."""
    check = found.check
    told = {"id": check.id, "zh": check.zh, "en": check.en}
    return told | {"seen": found.seen, "holds": found.holds, "breaches": found.breaches}
