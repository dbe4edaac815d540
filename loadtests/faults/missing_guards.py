"""F8: each guard of the books is dropped in turn, and its absence must show."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence

import asyncpg

from datamarket.foundation.clock import read_clock
from datamarket.foundation.db import with_database
from datamarket.migrations.apply import drop_database
from loadtests.faults.contests import lived_in
from loadtests.faults.guard_probes import NOTICED, Finding, Outcome, Prober
from loadtests.faults.guards import Guard, Sort, all_guards
from loadtests.faults.lock_probes import LockProber
from loadtests.faults.proof import Proof
from loadtests.faults.stand import Stand, stand, tell

CLAIM = (
    "every constraint, trigger, withheld privilege and lock of the books stands alone:"
    " dropped in turn, its absence shows"
)
TRADES = 12
SCRATCH = "market_without_locks"
NAMED = 20


def _every(_guard: Guard) -> bool:
    return True


async def prove(*, seconds: float, seed: int, wanted: Callable[[Guard], bool] = _every) -> Proof:  # noqa: ARG001 - as long as it takes
    """All guards that the catalogue knows, or those wanted."""
    begun = time.monotonic()
    async with stand("f8", traders=2) as on:
        await lived_in(on, trades=TRADES)
        connection = await asyncpg.connect(on.url)
        try:
            guards = [guard for guard in await all_guards(connection) if wanted(guard)]
            tell(f"f8: {len(guards)} guards")
            prober = Prober(connection, on.ledger_id, random.Random(seed))
            findings = [await prober.probe(guard) for guard in guards if guard.sort is not Sort.LOCK]
        finally:
            await connection.close()
        locks = await _probe_locks(on, [guard for guard in guards if guard.sort is Sort.LOCK])
    findings += locks
    refused = prober.refused + sum(found.outcome in NOTICED for found in locks)
    return _proof(findings, refused, time.monotonic() - begun)


def _proof(findings: Sequence[Finding], refused: int, seconds: float) -> Proof:
    missed = [found for found in findings if found.outcome not in NOTICED]
    by_sort = Counter(str(found.guard.sort) for found in findings)
    by_outcome = Counter(str(found.outcome) for found in findings)
    figures: dict[str, object] = {
        "seconds": int(seconds),
        "guards": len(findings),
        "of": dict(sorted(by_sort.items())),
        "outcomes": dict(sorted(by_outcome.items())),
        "not_through": [f"{found.guard.id}: {found.by}" for found in findings if found.outcome is not Outcome.THROUGH],
        "missed": [f"{found.guard.id}: {found.outcome}" for found in missed][:NAMED],
    }  # fmt: skip
    tell(f"f8: {figures}")
    return Proof(
        id="F8",
        claim=CLAIM,
        holds=bool(findings) and not missed,
        figures=figures,
        control={"untouched_database_refuses": refused, "of_guards": len(findings)},
        control_notices=refused >= len(findings),
    )


async def _probe_locks(on: Stand, guards: Sequence[Guard]) -> list[Finding]:
    """On a copy of the market: here functions without their locks are committed."""
    if not guards:
        return []
    server = await asyncpg.connect(on.cluster.url)
    await server.execute(f'CREATE DATABASE "{SCRATCH}" TEMPLATE "market"')
    links = [await asyncpg.connect(with_database(on.cluster.url, SCRATCH)) for _ in range(3)]
    try:
        prober = LockProber(links[0], links[1], links[2], on.ledger_id, read_clock())
        return [await prober.probe(guard) for guard in guards]
    finally:
        for link in links:
            await link.close()
        await server.close()
        await drop_database(on.cluster.url, SCRATCH)
