"""Invariants that are recomputed from the rows: each counts what it saw, and names what breaks it.

Every statement returns the breaking rows as text, at most `NAMED`; none of them trusts a stored total.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from datamarket.foundation.db import Connection

NAMED = 5


@dataclass(frozen=True)
class Check:
    """One invariant: `seen` counts the rows it covers, `broken` selects those that breach it ($1 = ledger).

    A `quick` one costs no more than the accounts there are: it runs every minute, as a metric.
    """

    id: str
    zh: str
    en: str
    seen: str
    broken: str
    quick: bool = False


@dataclass(frozen=True)
class Finding:
    """The outcome of one check; `breaches` names the first rows that break it."""

    check: Check
    seen: int
    breaches: list[str]

    @property
    def holds(self) -> bool:
        return not self.breaches


def unheard(_check: Check, _position: int, _of: int) -> None:
    """Nobody listens."""


async def run(
    connection: Connection,
    ledger_id: int,
    checks: Sequence[Check],
    *,
    begins: Callable[[Check, int, int], None] = unheard,
) -> list[Finding]:
    """Each check in turn, on one connection; `begins` is told of each before it starts."""
    findings = []
    for position, check in enumerate(checks):
        begins(check, position, len(checks))
        seen = await connection.fetchval(check.seen, ledger_id)
        rows = await connection.fetch(f"SELECT * FROM ({check.broken}) AS broken LIMIT {NAMED}", ledger_id)  # noqa: S608
        findings.append(Finding(check, seen, [row[0] for row in rows]))
    return findings
