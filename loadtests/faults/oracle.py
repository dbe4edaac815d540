"""Who decides whether something was lost: what clients meant and heard, against what the books hold.

An intent is one wish of a client; it is logged with its key and its body before anything is sent. Acked means
that a 2xx was seen. Lost: acked and not in the books. Duplicated: one wish, twice in the books. Unattempted:
in the books, and nobody ever asked. Half: a business without its entry, or an entry without its business.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg
import orjson

CLIENT_ERRORS = range(400, 500)
RETRYABLE = {409, 429, 503}
"""Statuses of an answer that says: nothing was changed, come again with the same key."""
NAMED = 5


class Kind(StrEnum):
    TRADE = "trade"
    BATCH = "batch"
    REFUND = "refund"
    USE = "use"


@dataclass(frozen=True)
class Intent:
    """One wish: `id` stays the same however often, and under whichever key, it is sent."""

    id: str
    kind: Kind
    path: str
    body: bytes


Effect = tuple[str, str]
"""A row that a wish leaves: ("trade" | "refund" | "use", id)."""


def effects_of(kind: Kind, answer: bytes) -> list[Effect]:
    """The rows that an answer speaks of."""
    told = orjson.loads(answer)
    if kind is Kind.BATCH:
        return [("trade", item["trade"]["id"]) for item in told["items"] if item["trade"]]
    return [(str(kind), told["id"])]


class Journal:
    """What the clients meant and what they heard; every intent is in the file before it is on the wire.

    Who is `credulous` makes the mistake of a control: being put off is taken for being done.
    """

    def __init__(self, path: Path, *, credulous: bool = False) -> None:
        self._credulous = credulous
        self._file = path.open("ab", buffering=0)
        self.intents: dict[str, Intent] = {}
        self.wish_of: dict[str, str] = {}
        self.acked: dict[str, bytes] = {}
        self.refused: dict[str, int] = {}
        self.contradicted: set[str] = set()
        self.put_off: Counter[int] = Counter()
        """Answers that decided nothing, by their status."""
        self.tries = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def intend(self, intent: Intent, key: str) -> None:
        """Before sending: a key once named may be sent any number of times."""
        if key in self.wish_of:
            return
        line = {"intent": intent.id, "key": key, "path": intent.path, "body": intent.body.decode()}
        self._file.write(orjson.dumps(line) + b"\n")
        self.intents[intent.id] = intent
        self.wish_of[key] = intent.id

    def hear(self, key: str, status: int, body: bytes) -> bool:
        """An answer; true when it decides: a 2xx, or a refusal that no retry would change."""
        if 200 <= status < 300:
            if self.acked.setdefault(key, body) != body:
                self.contradicted.add(key)
            return True
        if status in CLIENT_ERRORS and not orjson.loads(body)["retryable"]:
            self.refused[key] = status
            return True
        self.put_off[status] += 1
        if self._credulous:
            self.acked.setdefault(key, body)
        return self._credulous

    @property
    def unknown(self) -> list[str]:
        """Keys that were sent and never decided."""
        return [key for key in self.wish_of if key not in self.acked and key not in self.refused]

    def intent_of(self, key: str) -> Intent:
        return self.intents[self.wish_of[key]]


def told_to_come_again(journal: Journal) -> bool:
    """Whether clients met the fault, and no answer was any other failure."""
    return HTTPStatus.SERVICE_UNAVAILABLE in journal.put_off and journal.put_off.keys() <= RETRYABLE


@dataclass(frozen=True)
class Books:
    """What the database holds: answers by key, rows of business, and how many entries each has."""

    answers: Mapping[str, bytes]
    effects: Sequence[Effect]
    entries: Mapping[Effect, int]


@dataclass
class Verdict:
    """What is wrong, by name; nothing of anything is what we claim."""

    acked: int = 0
    settled: int = 0
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    unattempted: list[str] = field(default_factory=list)
    half: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not (self.lost or self.duplicated or self.unattempted or self.half or self.altered)

    def figures(self) -> dict[str, object]:
        """Counts, and the first names of each kind of fault."""
        told: dict[str, object] = {}
        for name, value in asdict(self).items():
            told[name] = len(value) if isinstance(value, list) else value
            if isinstance(value, list) and value:
                told[f"{name}_first"] = value[:NAMED]
        return told


def judge(journal: Journal, books: Books) -> Verdict:
    """Every acked wish once in the books, and everything in the books asked for by somebody."""
    verdict = Verdict(acked=len(journal.acked), settled=len(books.answers))
    there = Counter(books.effects)
    named: Counter[Effect] = Counter()
    settled: Counter[str] = Counter()
    for key, answer in books.answers.items():
        if key not in journal.wish_of:
            verdict.unattempted.append(key)
            continue
        intent = journal.intent_of(key)
        settled[intent.id] += 1
        rows = effects_of(intent.kind, answer)
        named.update(rows)
        verdict.half += [f"{key}: {_told(row)} is not there" for row in rows if not there[row]]
        if key in journal.refused:
            verdict.altered.append(f"{key}: refused, and in the books")
    verdict.duplicated += [intent for intent, times in settled.items() if times > 1]
    verdict.duplicated += _more_than_once(there) + _more_than_once(named)
    verdict.unattempted += [_told(row) for row in there if not named[row]]
    verdict.half += [f"{_told(row)}: {books.entries.get(row, 0)} entries" for row in there
                     if books.entries.get(row, 0) != (row[0] != Kind.USE)]  # fmt: skip
    verdict.half += [f"entry of {_told(row)}, which is not there" for row in books.entries if not there[row]]
    for key, heard in journal.acked.items():
        if key not in books.answers:
            verdict.lost.append(key)
        elif books.answers[key] != heard:
            verdict.altered.append(key)
    verdict.altered += sorted(journal.contradicted)
    return verdict


def _more_than_once(rows: Mapping[Effect, int]) -> list[str]:
    return [_told(row) for row, times in rows.items() if times > 1]


def _told(row: Effect) -> str:
    return " ".join(row)


async def read_books(url: str, ledger_id: int, source_types: Iterable[str] = ("trade", "refund")) -> Books:
    """What the books hold, as a superuser sees it, in one snapshot."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            answers = await connection.fetch(
                "SELECT key, body FROM idempotency_key WHERE ledger_id = $1 AND status BETWEEN 200 AND 299",
                ledger_id,
            )
            rows = await connection.fetch(
                "SELECT 'trade' AS kind, id::text FROM trade WHERE ledger_id = $1"
                " UNION ALL SELECT 'refund', id::text FROM refund WHERE ledger_id = $1"
                " UNION ALL SELECT 'use', id::text FROM contract_use WHERE NOT priced",
                ledger_id,
            )
            entries = await connection.fetch(
                "SELECT source_type, source_id::text, count(*) FROM ledger_entry"
                " WHERE ledger_id = $1 AND source_type = ANY ($2::text[]) GROUP BY 1, 2",
                ledger_id,
                list(source_types),
            )
    finally:
        await connection.close()
    return Books(
        {row["key"]: row["body"] for row in answers},
        [(row["kind"], row["id"]) for row in rows],
        {(row["source_type"], row["source_id"]): row["count"] for row in entries},
    )
