"""Rows made up for attacks: of any table, obeying its checks, or breaking exactly one of them.

They are bred: of each generation those live on that fulfil most of what is asked, and a few lucky ones.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

CANDIDATES = 100
ROUNDS = 100
FITTEST = 12
PATIENCE = 15
SAMPLES = 12
_LITERAL = re.compile(r"'([^']*)'::")
_NUMBER = re.compile(r"(?<![\w'])-?\d+(?![\w'])")
_DAY = datetime(2024, 6, 3, 4, tzinfo=UTC)
Row = dict[str, Any]

_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull
  FROM pg_attribute a WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
 ORDER BY a.attnum
"""
_TESTS = """
SELECT c.conname::text, pg_get_expr(c.conbin, c.conrelid) AS test FROM pg_constraint c
 WHERE c.conrelid = $1::regclass AND c.contype = 'c'
UNION ALL
SELECT 'partition', pg_get_partition_constraintdef(oid) FROM pg_class WHERE oid = $1::regclass AND relispartition
"""
_KEYS = """
SELECT i.relname::text AS name,
       ARRAY(SELECT a.attname::text FROM unnest(x.indkey::smallint[]) AS k (n)
               JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.n) AS columns
  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = $1::regclass AND x.indisunique
"""


@dataclass
class Fabric:
    """What rows of one table may look like; `samples` are rows that obey all checks."""

    table: str
    types: dict[str, str]
    required: frozenset[str]
    tests: dict[str, str]
    keys: dict[str, tuple[str, ...]]
    samples: list[Row]
    chance: random.Random
    _guesses: dict[str, list[Any]] = field(default_factory=dict)

    def from_nothing(self) -> Row:
        return {name: self._guess(name) for name in self.types}

    def child_of(self, row: Row, focus: Sequence[str] = ()) -> Row:
        """A few values changed, most of all those in focus; two numbers move together, two columns become alike."""
        child = dict(row)
        changed = self.chance.sample(list(self.types), min(self.chance.randint(0, 3), len(self.types)))
        if focus and self.chance.random() < 0.5:
            changed.append(self.chance.choice(focus))
        for name in changed:
            child[name] = self._guess(name)
        numbers = [name for name, value in child.items() if type(value) is int]
        if len(numbers) > 1 and self.chance.random() < 0.3:
            step = self.chance.randint(1, 9)
            for name in self.chance.sample(numbers, 2):
                child[name] += step
        if self.chance.random() < 0.2:
            one = self.chance.choice(list(self.types))
            other = self.chance.choice([name for name in self.types if self.types[name] == self.types[one]])
            child[one] = child[other]
        return child

    def renamed(self, row: Row) -> Row:
        """Another identity: what unique keys hold is new, where it may be anything."""
        in_keys = {column for columns in self.keys.values() for column in columns}
        return row | {name: self._fresh(name, row[name]) for name in in_keys if row.get(name) is not None}

    def _fresh(self, name: str, value: Any) -> Any:
        match self.types[name]:
            case "uuid":
                return str(UUID(int=self.chance.getrandbits(128)))
            case "bytea":
                return "\\x" + self.chance.randbytes(32).hex()
            case "date":
                return self._guess(name) or value
            case "character varying" if not self._words(name):
                return f"x{self.chance.getrandbits(64):016x}"
            case _:
                return value

    def _about(self, name: str) -> list[str]:
        return [test for test in self.tests.values() if re.search(rf"\b{name}\b", test)]

    def _words(self, name: str) -> list[str]:
        return sorted({word for test in self._about(name) for word in _LITERAL.findall(test)})

    def _guess(self, name: str) -> Any:
        if name not in self.required and self.chance.random() < 0.3:
            return None
        kind = self.types[name]
        if kind == "uuid":
            return str(UUID(int=self.chance.getrandbits(128)))
        if kind in {"timestamp with time zone", "date"}:
            at = _DAY + timedelta(days=self.chance.randint(-400, 400))
            return at.isoformat() if kind != "date" else at.date().isoformat()
        if kind in {"integer", "bigint"} and self.chance.random() < 0.3:
            return self.chance.randint(1, 300)
        if name not in self._guesses:
            self._guesses[name] = self._likely(name)
        return self.chance.choice(self._guesses[name])

    def _likely(self, name: str) -> list[Any]:
        """Values that the table's own checks speak of, and their neighbours."""
        numbers = [int(number) for test in self._about(name) for number in _NUMBER.findall(test)]
        near = [number + step for number in numbers if abs(number) < 2**31 - 1 for step in (-1, 0, 1)]
        likely: dict[str, list[Any]] = {
            "integer": [*near, 0, 1, 2, 202406, 202407],
            "bigint": [*near, -1, 0, 1, 2, 100, 1000],
            "boolean": [True, False],
            "jsonb": [{}],
            "bytea": ["\\x00", "\\x" + "5a" * 32],
            "uuid[]": [[], [str(UUID(int=7))]],
            "bytea[]": [[], ["\\x00"]],
            "text[]": [[], ["x"]],
        }
        return likely.get(self.types[name], [*self._words(name), "x?", "a" * 64])

    def complete(self, row: Row) -> bool:
        return all(row[name] is not None for name in self.required)


async def fabric_of(
    connection: "asyncpg.Connection[asyncpg.Record]", table: str, chance: random.Random
) -> Fabric:
    """Columns, checks, keys and some real rows of a table."""
    columns = await connection.fetch(_COLUMNS, table)
    samples = await connection.fetch(f'SELECT to_jsonb(t)::text FROM "{table}" AS t LIMIT {SAMPLES}')  # noqa: S608 - from the catalogue
    return Fabric(
        table,
        {row["attname"]: row["type"].split("(")[0] for row in columns},
        frozenset(row["attname"] for row in columns if row["attnotnull"]),
        {row["conname"]: row["test"] for row in await connection.fetch(_TESTS, table)},
        {row["name"]: tuple(row["columns"]) for row in await connection.fetch(_KEYS, table)},
        [orjson.loads(row[0]) for row in samples],
        chance,
    )


async def rows_that(
    connection: "asyncpg.Connection[asyncpg.Record]",
    fabric: Fabric,
    *,
    breaking: str | None = None,
    where: str = "true",
    given: Row | None = None,
    wanted: int = 1,
) -> list[Row]:
    """Rows that keep every check but the one to break, and fulfil `where`; maybe fewer than wanted."""
    tests = [f"({test}) IS NOT FALSE" for name, test in fabric.tests.items() if name != breaking]
    tests += [f"({where}) IS TRUE"]
    tests += [f"({fabric.tests[breaking]}) IS FALSE"] if breaking is not None else []
    score = " + ".join(f"({test})::int" for test in tests)
    statement = (
        f"SELECT {score} FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS j (j, o),"  # noqa: S608 - from the catalogue
        f' LATERAL jsonb_populate_record(NULL::"{fabric.table}", j.j) ORDER BY o'
    )
    spoken_of = f"{where} {fabric.tests[breaking] if breaking is not None else ''}"
    focus = [name for name in fabric.types if re.search(rf"\b{name}\b", spoken_of)]
    parents: list[Row] = []
    found: list[Row] = []
    for number in range(ROUNDS):
        if number % PATIENCE == 0:  # who got stuck begins anew, every other time from nothing
            fresh = [fabric.from_nothing() for _ in range(CANDIDATES)]
            parents = list(fabric.samples if number % (2 * PATIENCE) == 0 else []) or fresh
        children = [
            fabric.child_of(fabric.chance.choice(parents), focus) for _ in range(CANDIDATES)
        ] + parents
        children = [fabric.renamed(child) | (given or {}) for child in children]
        rows = [child for child in children if fabric.complete(child)]
        points = [row[0] for row in await connection.fetch(statement, orjson.dumps(rows).decode())]
        ranked = sorted(zip(points, range(len(rows)), strict=True), reverse=True)
        found += [rows[place] for point, place in ranked if point == len(tests)]
        if len(found) >= wanted:
            break
        lucky = fabric.chance.sample(ranked, min(FITTEST // 2, len(ranked)))
        parents = [rows[place] for _, place in ranked[:FITTEST] + lucky] or parents
    if breaking is None and not fabric.samples:
        fabric.samples += found[:SAMPLES]
    return found[:wanted]


async def insert(connection: "asyncpg.Connection[asyncpg.Record]", table: str, row: Row) -> None:
    """Exactly this row."""
    names = ", ".join(f'"{name}"' for name in row)
    await connection.execute(
        f'INSERT INTO "{table}" ({names}) SELECT {names} FROM jsonb_populate_record(NULL::"{table}", $1::jsonb)',  # noqa: S608 - from the catalogue
        orjson.dumps(row).decode(),
    )
