"""Invariants that are recomputed from the rows: each counts what it saw, and names what breaks it.

One file each, in the `checks` folder of its room, for the market and for an auditor's psql alike:
`psql -v ledger_id=370200 -f I07.sql`. Its head says the rule in both languages and counts the rows it covers;
its one statement gives the breaking rows as text, and trusts no stored total.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files

from datamarket.foundation.db import Connection

NAMED = 5
_ID = re.compile(r"I0*(\d+)(.*)")
_HEAD = re.compile(r"^-- (zh|en|seen|quick): (.+)$", re.MULTILINE)
_LEDGER = re.compile(r"(?<!:):ledger_id\b")


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

    @property
    def number(self) -> int:
        """Several may share one, told apart by what follows it."""
        return int(re.sub(r"\D", "", self.id))


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check; `breaches` names the first rows that break it."""

    check: Check
    seen: int
    breaches: list[str]

    @property
    def holds(self) -> bool:
        return not self.breaches


def read(name: str, text: str) -> Check:
    """An invariant as its file says it: `I03b` is I3b, `I11_bank` is I11 bank."""
    numbered = _ID.fullmatch(name)
    if numbered is None:
        raise ValueError(f"a check is named by its number, unlike {name}")
    head = dict(_HEAD.findall(text))
    return Check(
        id=f"I{numbered[1]}{numbered[2].replace('_', ' ')}",
        zh=head["zh"],
        en=head["en"],
        seen=_LEDGER.sub("$1::int", head["seen"]),
        broken=_LEDGER.sub("$1::int", _HEAD.sub("", text)).strip().removesuffix(";"),
        quick=head.get("quick") == "true",
    )


def of_room(package: str) -> tuple[Check, ...]:
    """The invariants of a room, by their numbers; most have none."""
    folder = files(package) / "checks"
    found = sorted(folder.iterdir(), key=lambda file: file.name) if folder.is_dir() else []
    return tuple(read(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8")) for file in found)


def unheard(*_told: object) -> None:
    """Nobody listens."""


async def run(
    connection: Connection,
    ledger_id: int,
    checks: Sequence[Check],
    *,
    begins: Callable[[Check, int, int], None] = unheard,
) -> list[CheckResult]:
    """Each check in turn, on one connection; `begins` is told of each before it starts."""
    results = []
    for position, check in enumerate(checks):
        begins(check, position, len(checks))
        seen = await connection.fetchval(check.seen, *_asked(check.seen, ledger_id))
        first = f"SELECT * FROM (\n{check.broken}\n) AS broken LIMIT {NAMED}"  # noqa: S608 - a file of ours
        rows = await connection.fetch(first, *_asked(check.broken, ledger_id))
        results.append(CheckResult(check, seen, [row[0] for row in rows]))
    return results


def _asked(statement: str, ledger_id: int) -> tuple[int, ...]:
    """What the statement takes: some rows belong to no ledger."""
    return (ledger_id,) if "$1" in statement else ()
