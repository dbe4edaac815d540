"""A dump taken while the market works, restored into a new cluster: the same books, and life goes on."""

import asyncio
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

import asyncpg
import orjson

from datamarket.evidence.log.verification import Log, verify
from datamarket.foundation.clock import month_of, read_clock
from datamarket.foundation.db import APP_ROLE, Database, owner_connection
from datamarket.foundation.money import Fen
from datamarket.ledger.terms import AccountKey, AccountKind
from datamarket.migrations.apply import create_database, drop_database, migrate
from datamarket.server.checks import check_books
from datamarket.server.sealing import sealer_of
from loadtests.faults.books import Facts, facts_of, post_again
from loadtests.faults.cluster import Cluster, running_cluster
from loadtests.faults.proof import Proof
from loadtests.faults.stand import Stand, stand, tell
from tests.world import market, periods, trading
from tests.world.people import unique

CLAIM = (
    "a dump taken under load restores to the same rows, balances and root;"
    " all entries posted again give the same books; trading and sealing go on"
)
TRADES = 40
MORE_TRADES = 12
A_DAY_IN_MAY = date(2024, 5, 20)
PROGRAM_SECONDS = 120
LEFT_OUT = (
    "ledger_entry",
    "ledger_leg",
    "ledger_balance",
    "business_key",
    "trade",
    "idempotency_key",
    "audit_event",
    "seal_leaves",
)
"""Tables of which a dump with one row too few must be noticed."""


class DumpRefused(Exception):
    """A program of PostgreSQL ended with an error; what it said."""


@dataclass(frozen=True)
class Backup:
    """A dump, and what the books were in its very snapshot."""

    file: Path
    facts: Facts
    outside: dict[str, str]
    """Checkpoints that stood outside the database by then."""

    seconds: float
    trades_meanwhile: int


async def prove(*, seconds: float, seed: int) -> Proof:  # noqa: ARG001 - as long as it takes
    """The drill, then the same with dumps that lack one row."""
    async with stand("restore") as on:
        answers = await lived_in(on)
        backup = await _back_up(on)
        tell(f"restore: dumped {len(backup.facts.tables)} tables in {backup.seconds:.1f} s")
        with running_cluster(on.folder / "second") as second:
            await _make_role(second)
            begun = time.monotonic()
            url = await _restore(second, backup.file, "restored")
            took = time.monotonic() - begun
            differences = backup.facts.differences(await facts_of(url, on.ledger_id))
            broken = await broken_in(on, url, backup.outside)
            replayed = await replay(on, url, answers)
            again = await _posted_again(on, second, url)
            onward = await goes_on(on, url)
            control = {table: await _without_a_row(on, second, backup, table) for table in LEFT_OUT}
    tell(f"restore: differences {differences}, {onward}, control {control}")
    return Proof(
        id="restore",
        claim=CLAIM,
        holds=not (differences or again or broken)
        and replayed == len(answers)
        and bool(onward["leaves_sealed"])
        and not onward["broken"],
        figures={
            "tables": len(backup.facts.tables),
            "rows": sum(rows for rows, _ in backup.facts.tables.values()),
            "trades_during_the_dump": backup.trades_meanwhile,
            "dump_ms": int(backup.seconds * 1000),
            "restore_ms": int(took * 1000),
            "differences": differences,
            "root": backup.facts.root,
            "broken_after_restore": broken,
            "answers_replayed": replayed,
            "differences_after_posting_again": again,
            "afterwards": onward,
        },
        control={"one_row_left_out_is_noticed_by": control},
        control_notices=all(control.values()),
    )


async def lived_in(on: Stand) -> dict[str, bytes]:
    """Rows of every kind that a market makes, sealed in two passes; the answers to the trades, by key."""
    database = await Database(on.url, 4).open()
    try:
        answers = await business(on, database, TRADES)
        await sealer_of(on.settings).seal(database, now=read_clock())
        other = periods.own_ledger()
        sides = periods.bank(other), AccountKey(other, None, AccountKind.VAT_PAYABLE)
        await periods.post(database, *sides, 5, effective=A_DAY_IN_MAY)
        await periods.close(database, other, month_of(periods.noon_of(A_DAY_IN_MAY)))
        await market.market_in_use(database)
        await sealer_of(on.settings).seal(database, now=read_clock())
    finally:
        await database.close()
    return answers


async def business(on: Stand, database: Database, trades: int) -> dict[str, bytes]:
    """So many trades under keys, a third of them refunded in part or whole; the answers by key."""
    answers: dict[str, bytes] = {}
    for number in range(trades):
        key, deal = unique("business"), on.exchange.deals[number % len(on.exchange.deals)]
        sold = await trading.sell_under_key(database, deal, key, 1 + number % 7, at=read_clock())
        answers[key] = sold.body
        if number % 3 == 0:
            trade_id = UUID(orjson.loads(answers[key])["id"])
            amount = None if number % 2 else Fen(1 + number)
            await trading.refund(database, deal, trade_id, amount, at=read_clock())
    return answers


async def _back_up(on: Stand) -> Backup:
    """Facts and dump from one exported snapshot, while clients go on trading."""
    file = on.folder / "market.sql"
    looking = await asyncpg.connect(on.url)
    try:
        async with looking.transaction(isolation="repeatable_read", readonly=True):
            snapshot = await looking.fetchval("SELECT pg_export_snapshot()")
            outside = await outside_of(on, on.url)
            trading = asyncio.create_task(_trade_on(on))
            facts = await facts_of(looking, on.ledger_id)
            begun = time.monotonic()
            dump = [on.cluster.program("pg_dump"), f"--snapshot={snapshot}", f"--file={file}", on.url]
            await asyncio.to_thread(run_program, dump)
            took = time.monotonic() - begun
            trading.cancel()
            with suppress(asyncio.CancelledError):
                await trading
    finally:
        await looking.close()
    count = await _trades_since(on, facts)
    return Backup(file, facts, outside, took, count)


async def _trade_on(on: Stand) -> None:
    """Until called off."""
    database = await Database(on.url, 2).open()
    try:
        while True:
            await business(on, database, 3)
    finally:
        await database.close()


async def _trades_since(on: Stand, facts: Facts) -> int:
    now = await facts_of(on.url, on.ledger_id)
    return now.tables["trade"][0] - facts.tables["trade"][0]


async def _make_role(cluster: Cluster) -> None:
    """A role belongs to the server, not to the dump."""
    connection = await asyncpg.connect(cluster.url)
    try:
        await connection.execute(f"CREATE ROLE {APP_ROLE} NOLOGIN")
    finally:
        await connection.close()


async def _restore(cluster: Cluster, file: Path, name: str) -> str:
    """Raises DumpRefused when the database refuses what the dump says."""
    url = await create_database(cluster.url, name)
    psql = [cluster.program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(file), url]
    await asyncio.to_thread(run_program, psql)
    return url


def run_program(line: list[str], *, user: str | int | None = None) -> None:
    """Raises DumpRefused with what the program said."""
    done = subprocess.run(  # noqa: S603 - the wheel's own programs
        line,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=PROGRAM_SECONDS,
        check=False,
        user=user,
    )
    if done.returncode:
        raise DumpRefused(done.stderr.decode(errors="replace")[-500:])


async def outside_of(on: Stand, url: str) -> dict[str, str]:
    """The checkpoints kept outside the database, by name."""
    async with owner_connection(url) as connection:
        return await sealer_of(on.settings).kept_outside(connection)


async def broken_in(on: Stand, url: str, outside: dict[str, str]) -> list[str]:
    """The invariants that do not hold, and what verification of the sealed log finds."""
    broken = [finding.check.id for finding in await check_books(url, on.ledger_id) if not finding.holds]
    sealer = sealer_of(on.settings)
    connection = await asyncpg.connect(url)
    try:
        report = await verify([connection], Log(on.ledger_id, sealer.sources, sealer.notary.reader), outside)
    finally:
        await connection.close()
    return list(dict.fromkeys(broken + [f"verify: {finding.flaw}" for finding in report.findings]))


async def replay(on: Stand, url: str, answers: dict[str, bytes]) -> int:
    """Clients that never heard ask again: how many get the very answer of before the restore."""
    database = await Database(url, 2).open()
    deals = {str(deal.contract.id): deal for deal in on.exchange.deals}  # a key is its caller's own
    try:
        same = 0
        for key, answer in answers.items():
            deal = deals[orjson.loads(answer)["contract_id"]]
            again = await trading.sell_under_key(database, deal, key)
            same += again.replayed and again.body == answer
    finally:
        await database.close()
    return same


async def _posted_again(on: Stand, cluster: Cluster, restored: str) -> list[str]:
    """Every restored entry through the posting function into empty books: what then differs."""
    url = await create_database(cluster.url, "again")
    await migrate(url)
    return await post_again(restored, url, on.ledger_id)


async def goes_on(on: Stand, url: str) -> dict[str, object]:
    """Trades, refunds and a further seal on the restored market, under all invariants."""
    database = await Database(url, 2).open()
    try:
        more = await business(on, database, MORE_TRADES)
        leaves = await sealer_of(on.settings).seal(database, now=read_clock())
    finally:
        await database.close()
    broken = await broken_in(on, url, await outside_of(on, url))
    return {"trades": len(more), "leaves_sealed": leaves, "broken": broken}


async def _without_a_row(on: Stand, cluster: Cluster, backup: Backup, table: str) -> str:
    """Who notices that the dump lacks one row of this table; empty: nobody."""
    name = f"without_{table}"
    file = on.folder / f"{name}.sql"
    file.write_text(_leave_out(backup.file.read_text(encoding="utf-8"), table), encoding="utf-8")
    try:
        url = await _restore(cluster, file, name)
    except DumpRefused:
        return "the restore is refused"
    differences = backup.facts.differences(await facts_of(url, on.ledger_id))
    broken = await broken_in(on, url, backup.outside)
    await drop_database(cluster.url, name)
    return ", ".join([*(["facts of the backup"] if differences else []), *broken])


def _leave_out(dump: str, table: str) -> str:
    """The dump without the last row of a table, or of its first partition that has one."""
    lines = dump.split("\n")
    for number, line in enumerate(lines):
        heading = line.startswith((f"COPY public.{table} ", f"COPY public.{table}_p2"))
        if heading and lines[number + 1] != "\\.":
            last = lines.index("\\.", number) - 1
            return "\n".join(lines[:last] + lines[last + 1 :])
    raise LookupError(table)
