"""Every process of PostgreSQL is stopped under load: each request is answered in time, and the thaw mends all."""

import asyncio
import statistics
import time
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from datamarket.foundation.settings import Settings
from datamarket.server.checks import check_books
from loadtests import wire
from loadtests.faults.oracle import Journal, Verdict, judge, read_books
from loadtests.faults.proof import Proof
from loadtests.faults.stand import Stand, stand, tell
from loadtests.faults.traffic import Line, Traffic

CLAIM = (
    "PostgreSQL frozen under load: every request is answered within five seconds, two seconds after the thaw"
    " all is as before, and who repeats with the same key loses and doubles nothing"
)
FROZEN_SECONDS = 20
CONTROL_FROZEN_SECONDS = 10
"""Long enough for a request without a deadline to wait longer than one may."""
AROUND_SECONDS = 6
"""Of traffic before the freeze, and after the thaw."""
ANSWER_SECONDS, READY_SECONDS, MENDED_SECONDS = 5, 2, 2
PATIENCE_SECONDS = 60
"""Of the clients here: they wait for whatever comes, however late."""
WITHOUT_DEADLINES = "3600"
PROBE_SECONDS = 0.25


async def prove(*, seconds: float, seed: int) -> Proof:
    """With the deadlines as shipped; then with deadlines of an hour."""
    frozen_for = min(seconds, FROZEN_SECONDS)
    verdict, figures = await _experiment(frozen_for, seed, name="frozen")
    _, told = await _experiment(
        min(frozen_for, CONTROL_FROZEN_SECONDS), seed + 1, name="frozen-control", deadline=WITHOUT_DEADLINES
    )
    return Proof(
        id="frozen",
        claim=CLAIM,
        holds=verdict.sound
        and figures["slowest_answer_ms"] <= ANSWER_SECONDS * 1000
        and figures["slowest_health_ms"] <= READY_SECONDS * 1000
        and figures["refused_while_frozen"] > 0
        and figures["ready_while_frozen"] == 0
        and figures["not_mended"] == 0
        and figures["mended"] > 0
        and not (figures["breaches_after"] or figures["unknown_left"]),
        figures=figures,
        control=told | {"deadline_seconds": WITHOUT_DEADLINES},
        control_notices=told["slowest_answer_ms"] > ANSWER_SECONDS * 1000,
    )


async def _experiment(
    frozen_for: float, seed: int, *, name: str, deadline: str | None = None
) -> tuple[Verdict, dict[str, Any]]:
    async with stand(name) as on:
        shipped = str(Settings.model_fields["request_deadline_seconds"].default)
        environment = {**on.market.environment, "DATAMARKET_REQUEST_DEADLINE_SECONDS": deadline or shipped}
        market = replace(on.market, environment=environment)
        with Journal(on.folder / "intents.jsonl") as journal, market.serving() as port:
            tell(f"{name}: frozen for {frozen_for:.0f} s")
            traffic = Traffic(on, port, journal, seed, patience=PATIENCE_SECONDS)
            going = asyncio.Event()
            health = asyncio.create_task(_look(port, going))
            load = asyncio.create_task(traffic.run(lambda: not going.is_set()))
            begun, thawed = await _freeze(on, frozen_for)
            going.set()
            looks, _ = await asyncio.gather(health, load)
            took = time.monotonic() - begun
            unknown = await traffic.settle_unknown()
            verdict = judge(journal, await read_books(on.url, on.ledger_id))
        findings = await check_books(on.url, on.ledger_id)
    during = [(wait, status) for sent, wait, status in traffic.heard if begun < sent + wait and sent < thawed]
    after = [status for sent, _, status in traffic.heard if sent >= thawed + MENDED_SECONDS]
    first = min((moment for moment in traffic.answered if moment > thawed), default=float("inf"))
    figures: dict[str, Any] = {
        "frozen_seconds": int(thawed - begun),
        **traffic.figures(took, verdict),
        "unknown_replayed": unknown,
        "asked_while_frozen": len(during),
        "median_while_frozen_ms": int(1000 * statistics.median(wait for wait, _ in during)),
        "refused_while_frozen": sum(status == HTTPStatus.SERVICE_UNAVAILABLE for _, status in during),
        "slowest_answer_ms": int(1000 * max(wait for _, wait, _ in traffic.heard)),
        "slowest_health_ms": int(1000 * max(wait for _, wait, _ in looks)),
        "ready_while_frozen": sum(
            status == HTTPStatus.OK for sent, wait, status in looks if begun < sent and sent + wait < thawed
        ),
        "answering_again_ms": int(1000 * (first - thawed)) if first < float("inf") else None,
        "mended": len(after),
        "not_mended": sum(status not in {HTTPStatus.OK, HTTPStatus.CREATED} for status in after),
        "breaches_after": [finding.check.id for finding in findings if not finding.holds],
    }
    tell(f"{name}: {figures}")
    return verdict, figures


async def _freeze(on: Stand, seconds: float) -> tuple[float, float]:
    """Traffic, silence, traffic; when the silence began, and when it ended."""
    await asyncio.sleep(AROUND_SECONDS)
    with on.cluster.frozen():
        begun = time.monotonic()
        await asyncio.sleep(seconds)
    thawed = time.monotonic()
    await asyncio.sleep(AROUND_SECONDS)
    return begun, thawed


async def _look(port: int, over: asyncio.Event) -> list[tuple[float, float, int]]:
    """Whether the market says that it is ready, again and again: when, how long it took, what it said."""
    looks = []
    line = Line(port, PATIENCE_SECONDS)
    while not over.is_set():
        sent = time.monotonic()
        answer = await line.ask(wire.request("GET", "/health/ready"))
        looks.append((sent, time.monotonic() - sent, answer.status if answer else 0))
        await asyncio.sleep(PROBE_SECONDS)
    line.close()
    return looks
