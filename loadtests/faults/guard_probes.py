"""One attack for each guard: refused while the guard stands, and through once it is gone. All is rolled back.

Triggers are attacked with every other trigger asleep (`session_replication_role = replica`, the one under
attack enabled always), foreign keys with the table's other foreign keys gone: each guard stands alone.
"""

import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import asyncpg
import orjson
from datamarket.checking import CHECKS

from datamarket.foundation import checks
from datamarket.foundation.db import APP_ROLE
from loadtests.faults.fabric import Fabric, Row, fabric_of, insert, rows_that
from loadtests.faults.guards import Guard, Sort

Act = Callable[[], Awaitable[object]]
TRIES = 6
INSERTS, DELETES, UPDATES, TRUNCATES = 4, 8, 16, 32
OTHER_VALUE = {
    "uuid": "gen_random_uuid()",
    "integer": "{0} + 1",
    "bigint": "{0} - 1",
    "character varying": "{0} || 'x'",
    "timestamp with time zone": "{0} + interval '1 day'",
    "date": "{0} + 1",
}


class Outcome(StrEnum):
    """What became of an attack once its guard was gone; the plainest first."""

    THROUGH = "the attack got through"
    NEXT_GUARD = "another guard refused it"
    CHECK = "`datamarket check` noticed"
    UNNOTICED = "nobody noticed"
    UNCOVERED = "no attack known"


_WHEN = re.compile(r"WHEN \((.*)\) EXECUTE FUNCTION")
RANKS = tuple(Outcome)
NOTICED = frozenset({Outcome.THROUGH, Outcome.NEXT_GUARD, Outcome.CHECK})


@dataclass(frozen=True)
class Finding:
    """A guard, and what its absence did."""

    guard: Guard
    outcome: Outcome
    by: str = ""


@dataclass(frozen=True)
class Attack:
    """What is set up, then tried."""

    act: Act
    prepare: Act
    refused_by: str = ".*"
    """The constraint that must refuse it, as a pattern."""


@dataclass
class Prober:
    """Attacks on one database, over one superuser's connection."""

    connection: "asyncpg.Connection[asyncpg.Record]"
    ledger_id: int
    chance: random.Random
    refused: int = 0
    """Guards of which the untouched database refused an attack."""

    _fabrics: dict[str, Fabric] = field(default_factory=dict)

    async def probe(self, guard: Guard) -> Finding:
        """One finding for the guard: the worst of what it must refuse, by the best attack on each."""
        worst: Finding | None = None
        for attacks in await self._attacks(guard):
            best = Finding(guard, Outcome.UNCOVERED)
            for attack in attacks:
                found = await self._try(guard, attack)
                if found is not None and RANKS.index(found.outcome) < RANKS.index(best.outcome):
                    best = found
                if best.outcome is Outcome.THROUGH:
                    break
            if worst is None or RANKS.index(best.outcome) > RANKS.index(worst.outcome):
                worst = best
        self.refused += worst is not None and worst.outcome is not Outcome.UNCOVERED
        return worst or Finding(guard, Outcome.UNCOVERED)

    async def _try(self, guard: Guard, attack: Attack) -> Finding | None:
        """None when the attack is not even refused while the guard stands: it says nothing."""
        async with self._rolled_back():
            await attack.prepare()
            stood = await self._attempt(attack.act)
        if stood is None or re.fullmatch(attack.refused_by, stood[1]) is None:
            return None
        async with self._rolled_back():
            await attack.prepare()
            await self.connection.execute("RESET ROLE")
            await self.connection.execute(guard.drop)
            then = await self._attempt(attack.act)
        if then is None:
            return Finding(guard, Outcome.THROUGH)
        if then == stood:
            return await self._look(guard, attack)
        return Finding(guard, Outcome.NEXT_GUARD, then[1] or then[0])

    async def _attempt(self, act: Act) -> tuple[str, str, str] | None:
        """Who refused: SQLSTATE, constraint, sentence without its details; None: nobody."""
        try:
            async with self.connection.transaction():
                await act()
        except asyncpg.PostgresError as error:
            return error.sqlstate or "", getattr(error, "constraint_name", None) or "", str(error.args[0])
        return None

    async def _look(self, guard: Guard, attack: Attack) -> Finding:
        """The attack meets the same refusal as before: does a check see that the guard itself is gone?"""
        async with self._rolled_back():
            await attack.prepare()
            before = await self._breaches()
            await self.connection.execute(guard.drop)
            seen = await self._breaches() - before
        outcome = Outcome.CHECK if seen else Outcome.UNNOTICED
        return Finding(guard, outcome, ", ".join(sorted(seen)))

    async def _breaches(self) -> set[str]:
        findings = await checks.run(self.connection, self.ledger_id, CHECKS)
        return {f"{finding.check.id}: {breach}" for finding in findings for breach in finding.breaches}

    @asynccontextmanager
    async def _rolled_back(self) -> AsyncIterator[None]:
        transaction = self.connection.transaction()
        await transaction.start()
        try:
            yield
        finally:
            await transaction.rollback()

    async def _attacks(self, guard: Guard) -> Sequence[Sequence[Attack]]:
        """Every inner sequence needs one that shows the guard's absence."""
        match guard.sort:
            case Sort.CHECK:
                return [await self._on_check(guard)]
            case Sort.UNIQUE:
                return [await self._on_unique(guard)]
            case Sort.FOREIGN:
                return [await self._on_foreign(guard)]
            case Sort.TRIGGER:
                return await self._on_trigger(guard)
            case Sort.PRIVILEGE:
                return [[self._as_application(_FORBIDDEN[guard.name], guard)]]
            case _:
                nothing = ", ".join(f"NULL::{kind}" for kind in guard.columns)
                return [[self._as_application(f"SELECT {guard.table}({nothing})", guard)]]

    async def _fabric(self, table: str) -> Fabric:
        if table not in self._fabrics:
            self._fabrics[table] = await fabric_of(self.connection, table, self.chance)
        return self._fabrics[table]

    async def _rows(self, table: str, **wanted: Any) -> list[Row]:
        return await rows_that(self.connection, await self._fabric(table), **wanted)

    def _insert(self, table: str, row: Row) -> Act:
        return lambda: self._settled(insert(self.connection, table, row))

    async def _settled(self, act: Awaitable[object]) -> None:
        await act
        await self.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")

    def _run(self, *statements: str) -> Act:
        async def run() -> None:
            for statement in statements:
                await self.connection.execute(statement)

        return run

    async def _on_check(self, guard: Guard) -> list[Attack]:
        rows = await self._rows(guard.table, breaking=guard.name, wanted=TRIES)
        asleep = self._run(ASLEEP)
        return [Attack(self._insert(guard.table, row), asleep, guard.name) for row in rows]

    async def _on_unique(self, guard: Guard) -> list[Attack]:
        """Two rows alike in this key and different in every other."""
        name = f"{guard.name}|{guard.table}_p\\d+_.*"  # a partition refuses by the name of its own index
        there = " AND ".join(f'"{column}" IS NOT NULL' for column in guard.columns)
        where = f"{there} AND ({guard.predicate})" if guard.predicate else there
        attacks = []
        for first in await self._rows(guard.table, where=where, wanted=TRIES):
            alike = {column: first[column] for column in guard.columns}
            apart = f"{where} AND {await self._apart(guard, first)}"
            for second in await self._rows(guard.table, where=apart, given=alike):
                prepare = self._prepared([first])
                attacks.append(Attack(self._insert(guard.table, second), prepare(guard.table), name))
        return attacks

    async def _apart(self, guard: Guard, row: Row) -> str:
        """In every other key of the table, unlike this row; what stands within this key cannot be."""
        others = (await self._fabric(guard.table)).keys.values()
        unlike = ["true"]
        for columns in others:
            if not set(columns) <= set(guard.columns):
                same = (f"to_jsonb(\"{name}\") = '{_quoted(row[name])}'::jsonb" for name in columns)
                unlike.append(f"coalesce(NOT ({' AND '.join(same)}), true)")
        return " AND ".join(unlike)

    def _prepared(self, rows: Sequence[Row], *then: str) -> Callable[[str], Act]:
        def on(table: str) -> Act:
            async def prepare() -> None:
                await self.connection.execute(ASLEEP)
                for row in rows:
                    if await self._attempt(self._insert(table, row)) is not None:
                        continue  # one of them is enough
                await self._run(*then)()

            return prepare

        return on

    async def _on_foreign(self, guard: Guard) -> list[Attack]:
        others = await self.connection.fetch(
            "SELECT conname FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'f' AND conname <> $2"
            " AND conparentid = 0",
            guard.table,
            guard.name,
        )
        table = f'ALTER TABLE "{guard.table}"'
        alone = [f'{table} DROP CONSTRAINT "{row["conname"]}"' for row in others]
        where = " AND ".join(f'"{column}" IS NOT NULL' for column in guard.columns)
        attacks = []
        for row in await self._rows(guard.table, where=where, wanted=TRIES):
            fabric = await self._fabric(guard.table)
            stray = row | {
                column: f"{self.chance.getrandbits(128):032x}"
                for column in guard.columns
                if fabric.types[column] == "uuid"
            }
            prepare = self._run(f"{table} DISABLE TRIGGER USER", *alone)
            attacks.append(Attack(self._insert(guard.table, stray), prepare, guard.name))
        return attacks

    async def _on_trigger(self, guard: Guard) -> list[list[Attack]]:
        """For each event that it fires on."""
        only = _WHEN.search(guard.definition)
        where = re.sub(r"\b(old|new)\.", "", only[1]) if only else "true"
        rows = await self._rows(guard.table, where=where, wanted=TRIES)
        awake = f'ALTER TABLE "{guard.table}" ENABLE ALWAYS TRIGGER "{guard.name}"'
        prepare = self._prepared(rows, awake)(guard.table)
        needed = []
        if guard.events & INSERTS:
            needed.append([Attack(self._insert(guard.table, row), prepare) for row in
                           await self._rows(guard.table, wanted=TRIES)])  # fmt: skip
        if guard.events & UPDATES:
            needed.append([Attack(act, prepare) for act in await self._updates(guard)])
        if guard.events & DELETES:
            needed.append([Attack(self._run(f'DELETE FROM "{guard.table}"'), prepare)])  # noqa: S608 - from the catalogue
        if guard.events & TRUNCATES:
            needed.append([Attack(self._run(f'TRUNCATE "{guard.table}" CASCADE'), prepare)])
        return needed

    async def _updates(self, guard: Guard) -> list[Act]:
        fabric = await self._fabric(guard.table)
        columns = guard.columns or tuple(fabric.types)
        same = [f'UPDATE "{guard.table}" SET "{column}" = "{column}"' for column in columns[:1]]  # noqa: S608 - from the catalogue
        for column in columns:
            value = OTHER_VALUE.get(fabric.types[column])
            if value is not None:
                same.append(f'UPDATE "{guard.table}" SET "{column}" = {value.format(column)}')  # noqa: S608 - from the catalogue
        return [self._run(statement) for statement in same]

    def _as_application(self, statement: str, guard: Guard) -> Attack:
        column = guard.columns[0] if guard.columns else ""
        asked = statement.format(table=f'"{guard.table}"', column=f'"{column}"')
        return Attack(self._run(f"SET LOCAL ROLE {APP_ROLE}", asked), self._run(ASLEEP))


def _quoted(value: Any) -> str:
    return orjson.dumps(value).decode().replace("'", "''")


ASLEEP = "SET LOCAL session_replication_role = replica"
_FORBIDDEN = {
    "INSERT": "INSERT INTO {table} ({column}) SELECT (NULL::{table}).{column} WHERE false",
    "UPDATE": "UPDATE {table} SET {column} = (NULL::{table}).{column} WHERE false",
    "DELETE": "DELETE FROM {table} WHERE false",
    "TRUNCATE": "TRUNCATE {table}",
}
