"""PostgreSQL is killed with -9 at random moments while clients trade; nothing acked is lost or doubled."""

import asyncio
import random
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from datamarket.server.checks import check_books
from loadtests.faults.oracle import Journal, Verdict, judge, read_books
from loadtests.faults.proof import Proof
from loadtests.faults.stand import AS_SHIPPED, Stand, stand, tell
from loadtests.faults.traffic import Traffic, for_seconds

CLAIM = (
    "PostgreSQL killed with -9 at random moments under load: no acknowledged write is lost, none is doubled"
)
KILLS = 20
LONGEST_WAIT = 1.6
"""Of the mean wait between two kills: waits are spread evenly between the rest of 2 and this."""
CONTROL_SHARE = 1 / 3
CONTROL_KILLS = 6
FORGETFUL = {
    "synchronous_commit": "off",
    "wal_writer_delay": "10s",
    "wal_writer_flush_after": "1GB",
    "wal_buffers": "64MB",
}
"""A server that says done before it is: what was acknowledged lives in memory for up to ten seconds."""


@dataclass
class Outages:
    """Every kill: how long until the server was back, and until the market answered."""

    processes: int = 0
    killed_at: list[float] = field(default_factory=list)
    recovery: list[float] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)

    def until_answers(self, answered: list[float]) -> list[float]:
        """From each kill to the first 2xx after the server was back."""
        waits = []
        for killed, back in zip(self.killed_at, self.recovery, strict=True):
            first = next((moment for moment in answered if moment > killed + back), None)
            if first is not None:
                waits.append(first - killed)
        return waits


async def prove(*, seconds: float, seed: int) -> Proof:
    """The durable server, then the same with one that acknowledges too early."""
    verdict, figures = await _experiment(seconds, seed, KILLS, name="kills")
    control, told = await _experiment(
        seconds * CONTROL_SHARE, seed + 1, CONTROL_KILLS, name="kills-control", server=FORGETFUL
    )
    outages, breaches = figures["kills"], figures["breaches_during"] or figures["breaches_after"]
    return Proof(
        id="kills",
        claim=CLAIM,
        holds=verdict.sound and not breaches and outages == KILLS and not figures["unknown_left"],
        figures=figures,
        control=told | {"server": FORGETFUL},
        control_notices=bool(control.lost),
    )


async def _experiment(
    seconds: float, seed: int, kills: int, *, name: str, server: Mapping[str, str] = AS_SHIPPED
) -> tuple[Verdict, dict[str, object]]:
    async with stand(name, server=server) as on:
        with Journal(on.folder / "intents.jsonl") as journal, on.market.serving() as port:
            tell(f"{name}: {kills} kills of PostgreSQL in {seconds:.0f} s")
            traffic = Traffic(on, port, journal, seed)
            outages = Outages()
            begun = time.monotonic()
            await asyncio.gather(traffic.run(for_seconds(seconds)), _kill(on, outages, seconds, kills, seed))
            took = time.monotonic() - begun
            unknown = await traffic.settle_unknown()
            verdict = judge(journal, await read_books(on.url, on.ledger_id))
        findings = await check_books(on.url, on.ledger_id)
    waits = outages.until_answers(traffic.answered)
    figures: dict[str, object] = {
        "seconds": int(took),
        "kills": len(outages.killed_at),
        "processes_killed": outages.processes,
        **traffic.figures(took, verdict),
        "unknown_replayed": unknown,
        "recovery_ms_median": _median_ms(outages.recovery),
        "recovery_ms_worst": int(max(outages.recovery, default=0) * 1000),
        "answering_again_ms_median": _median_ms(waits),
        "breaches_during": outages.breaches,
        "breaches_after": [finding.check.id for finding in findings if not finding.holds],
    }
    tell(f"{name}: {figures}")
    return verdict, figures


async def _kill(on: Stand, outages: Outages, seconds: float, kills: int, seed: int) -> None:
    """Kill, bring back, look at the sums; the last in time for the clients to go on after it."""
    chance = random.Random(seed)
    begun = time.monotonic()
    for number in range(kills):
        left = begun + seconds - time.monotonic()
        mean = left / (kills - number + 1)
        await asyncio.sleep(max(0, chance.uniform((2 - LONGEST_WAIT) * mean, LONGEST_WAIT * mean)))
        outages.killed_at.append(time.monotonic())
        outages.processes += on.cluster.kill()
        await asyncio.to_thread(on.cluster.start)
        outages.recovery.append(time.monotonic() - outages.killed_at[-1])
        outages.breaches += await on.quick_breaches()


def _median_ms(seconds: list[float]) -> int | None:
    return int(statistics.median(seconds) * 1000) if seconds else None
