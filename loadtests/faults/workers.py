"""API workers die with -9 before the commit, after it, and before the answer; nothing is lost or doubled."""

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from datamarket.server.checks import check_books
from loadtests import wire
from loadtests.faults import faulty_app
from loadtests.faults.cluster import kill_process, workers_of
from loadtests.faults.oracle import Journal, Verdict, judge, read_books
from loadtests.faults.proof import Proof
from loadtests.faults.stand import Stand, stand, tell
from loadtests.faults.traffic import PAUSE_SECONDS, Line, Traffic
from loadtests.market import ROOT, end, free_port

CLAIM = (
    "API workers killed with -9 before the commit, after it, before the answer, and at random:"
    " who retries with the same key loses nothing and doubles nothing"
)
FEWEST_KILLS = 20
FEWEST_A_SECOND = 1 / 4
"""A short run may see fewer."""
READY_SECONDS = 60
OK = 200
CONTROL_SHARE = 1 / 3
WORKERS = 2
FROM_OUTSIDE = (1.5, 5.0)
"""Seconds between two looks from outside."""
SHARE_FROM_OUTSIDE = 0.3
"""How many of these looks kill a worker that is at work."""
LONGEST_FACTOR, LONGEST_SHORT_RUN = 2.5, 120


async def prove(*, seconds: float, seed: int) -> Proof:
    """Clients that keep their key; then the same with clients that take a new one for each retry."""
    verdict, inside, figures = await _experiment(seconds, seed, name="workers")
    control, _, told = await _experiment(
        seconds * CONTROL_SHARE, seed + 1, name="workers-control", new_key_on_retry=True
    )
    return Proof(
        id="workers",
        claim=CLAIM,
        holds=verdict.sound
        and all(inside.values())
        and sum(inside.values()) >= fewest_kills(seconds)
        and not (figures["breaches_during"] or figures["breaches_after"] or figures["unknown_left"]),
        figures=figures,
        control=told | {"clients_retry": "with a new key"},
        control_notices=bool(control.duplicated),
    )


async def _experiment(
    seconds: float, seed: int, *, name: str, new_key_on_retry: bool = False
) -> tuple[Verdict, dict[str, int], dict[str, object]]:
    async with stand(name) as on:
        plan = faulty_app.draw_plan(on.folder, seed)
        with Journal(on.folder / "intents.jsonl") as journal, _dying_server(on, plan) as (port, supervisor):
            await _ready(port)
            tell(f"{name}: {WORKERS} workers dying for {seconds:.0f} s")
            traffic = Traffic(on, port, journal, seed, new_key_on_retry=new_key_on_retry)
            begun = time.monotonic()
            span = Span()
            killing = _kill(on, span, plan, supervisor, seconds=seconds, seed=seed)
            _, outside = await asyncio.gather(traffic.run(span.going), killing)
            took = time.monotonic() - begun
            unknown = await traffic.settle_unknown()
            verdict = judge(journal, await read_books(on.url, on.ledger_id))
        findings = await check_books(on.url, on.ledger_id)
        inside = faulty_app.deaths(plan)
    figures: dict[str, object] = {
        "seconds": int(took),
        "workers": WORKERS,
        "kills": sum(inside.values()) + outside,
        "kills_at": inside | {"random, from outside": outside},
        **traffic.figures(took, verdict),
        "unknown_replayed": unknown,
        "breaches_during": span.breaches,
        "breaches_after": [finding.check.id for finding in findings if not finding.holds],
    }
    tell(f"{name}: {figures}")
    return verdict, inside, figures


@contextmanager
def _dying_server(on: Stand, plan: Path) -> Iterator[tuple[int, int]]:
    """The faulty application under a supervisor that brings dead workers back; its port and pid."""
    port = free_port()
    line = [sys.executable, "-m", "uvicorn", "--factory", "loadtests.faults.faulty_app:create"]
    line += ["--port", str(port), "--workers", str(WORKERS), "--no-access-log", "--log-level", "warning"]
    environment = {**on.market.environment, faulty_app.PLAN: str(plan)}
    with on.market.log.open("ab") as log:
        supervisor = subprocess.Popen(line, env=environment, cwd=ROOT, stdout=log, stderr=log)  # noqa: S603 - our own
        try:
            yield port, supervisor.pid
        finally:
            end(supervisor)


async def _ready(port: int) -> None:
    """Until a worker answers."""
    async with asyncio.timeout(READY_SECONDS):
        line = Line(port)
        while True:
            answer = await line.ask(wire.request("GET", "/health/ready"))
            if answer is not None and answer.status == OK:
                break
            await asyncio.sleep(PAUSE_SECONDS)
        line.close()


@dataclass
class Span:
    """Whether the experiment goes on, and what was found wrong while it did."""

    over: bool = False
    breaches: list[str] = field(default_factory=list)

    def going(self) -> bool:
        return not self.over


async def _kill(on: Stand, span: Span, plan: Path, supervisor: int, *, seconds: float, seed: int) -> int:
    """A random worker, at random times, whatever it is doing; then a look at the sums. How many.

    On a slow machine workers take long to come up: it goes on until enough of them have died, at every point,
    within bounds.
    """
    chance = random.Random(seed)
    begun = time.monotonic()
    killed = 0
    while (took := time.monotonic() - begun) < max(seconds * LONGEST_FACTOR, LONGEST_SHORT_RUN):
        died = faulty_app.deaths(plan).values()
        if took >= seconds and all(died) and sum(died) >= fewest_kills(seconds):
            break
        await asyncio.sleep(min(chance.uniform(*FROM_OUTSIDE), max(0.5, seconds - took)))
        working = sorted(faulty_app.at_work(plan) & set(workers_of(supervisor)))
        if working and chance.random() < SHARE_FROM_OUTSIDE:
            killed += kill_process(chance.choice(working))
        span.breaches += await on.quick_breaches()
    span.over = True
    return killed


def fewest_kills(seconds: float) -> float:
    """Deaths at the three points; a short run may see fewer."""
    return min(FEWEST_KILLS, seconds * FEWEST_A_SECOND)
