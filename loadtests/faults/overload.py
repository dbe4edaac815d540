"""Twice as much is asked as the market can do: it says so at once, and who is taken is served almost as quickly as ever."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count, cycle
from typing import Any

import orjson
import psutil  # type: ignore[import-untyped]  # it brings no types

from datamarket.foundation.clock import read_clock
from datamarket.foundation.settings import Settings
from datamarket.server.checks import check_books
from loadtests import wire
from loadtests.bench_works import API, USE
from loadtests.faults.proof import Proof
from loadtests.faults.stand import Stand, stand, tell
from loadtests.market import HOST

CLAIM = (
    "Twice as much asked as can be done: the rest is told at once to come again, who is taken waits less than five"
    " times as long as without load, memory is bounded, and two seconds later all is as quick as before"
)
LOAD_SECONDS = 15
QUIET_SECONDS = 4
CALM_SECONDS = 2
"""From the end of the load until it must be as before."""
LINES, LINES_FOR_CAPACITY, LINES_WHEN_QUIET = 400, 32, 2
"""Connections: fewer than one worker takes; as many as the bench has; and so few that nobody waits."""
MOST_TIMES_SLOWER, MOST_TIMES_SLOWER_AFTERWARDS = 5, 2
MOST_MEBIBYTES = 64
WITHOUT_BOUND = "100000"
TAKEN, PUT_OFF = {201}, {429, 503}


@dataclass
class Heard:
    """What came back: how long each that was taken waited, and who was sent away."""

    seconds: float = 0
    taken: list[float] = field(default_factory=list)
    put_off: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    without_retry_after: int = 0
    unsent: int = 0
    """Due while every line was still waiting for an answer."""

    def hear(self, waited: float, answer: wire.Answer) -> None:
        self.statuses[answer.status] += 1
        if answer.status in TAKEN:
            self.taken.append(waited)
        elif answer.status in PUT_OFF:
            self.put_off.append(waited)
            self.without_retry_after += b"retry-after:" not in answer.head.lower()

    def percentile_ms(self, share: float) -> int:
        ordered = sorted(self.taken)
        return int(1000 * ordered[int(share * (len(ordered) - 1))]) if ordered else 0


async def prove(*, seconds: float, seed: int) -> Proof:  # noqa: ARG001 - the clients draw nothing
    """With the bound as shipped; then with none to speak of."""
    load = min(seconds, LOAD_SECONDS)
    figures = await _experiment(load, name="overload")
    told = await _experiment(load, name="overload-control", at_once=WITHOUT_BOUND)
    return Proof(
        id="overload",
        claim=CLAIM,
        holds=figures["times_slower"] < MOST_TIMES_SLOWER
        and figures["times_slower_afterwards"] < MOST_TIMES_SLOWER_AFTERWARDS
        and figures["put_off"] > 0
        and not figures["without_retry_after"]
        and figures["statuses"].keys() <= TAKEN | PUT_OFF
        and figures["grown_mebibytes"] < MOST_MEBIBYTES
        and not figures["breaches_after"],
        figures=figures,
        control=told | {"requests_at_once": WITHOUT_BOUND},
        control_notices=told["times_slower"] >= MOST_TIMES_SLOWER,
    )


async def _experiment(load_seconds: float, *, name: str, at_once: str | None = None) -> dict[str, Any]:
    shipped = str(Settings.model_fields["requests_at_once"].default)
    async with stand(name, buyers=LINES_FOR_CAPACITY) as on:
        environment = {**on.market.environment, "DATAMARKET_REQUESTS_AT_ONCE": at_once or shipped}
        with replace(on.market, environment=environment).serving() as port:
            requests = _requests(on)
            await _closed(port, requests, LINES_FOR_CAPACITY, 1)
            before = await _closed(port, requests, LINES_WHEN_QUIET, QUIET_SECONDS)
            capacity = await _closed(port, requests, LINES_FOR_CAPACITY, QUIET_SECONDS)
            rate = 2 * len(capacity.taken) / capacity.seconds
            memory = _memory()
            tell(f"{name}: {rate:.0f} a second for {load_seconds:.0f} s")
            loaded, most_memory = await _open(port, requests, rate, load_seconds)
            await asyncio.sleep(CALM_SECONDS)
            after = await _closed(port, requests, LINES_WHEN_QUIET, QUIET_SECONDS)
        findings = await check_books(on.url, on.ledger_id)
    figures: dict[str, Any] = {
        "asked_per_second": int(rate),
        "unloaded_p50_ms": before.percentile_ms(0.5),
        "unloaded_p99_ms": before.percentile_ms(0.99),
        "taken": len(loaded.taken),
        "taken_per_second": int(len(loaded.taken) / loaded.seconds),
        "taken_p50_ms": loaded.percentile_ms(0.5),
        "taken_p99_ms": loaded.percentile_ms(0.99),
        "times_slower": round(loaded.percentile_ms(0.99) / max(1, before.percentile_ms(0.99)), 2),
        "put_off": len(loaded.put_off),
        "put_off_p99_ms": int(
            1000 * sorted(loaded.put_off or [0])[int(0.99 * (len(loaded.put_off or [0]) - 1))]
        ),
        "without_retry_after": loaded.without_retry_after,
        "unsent": loaded.unsent,
        "statuses": dict(loaded.statuses),
        "grown_mebibytes": (most_memory - memory) >> 20,
        "afterwards_p50_ms": after.percentile_ms(0.5),
        "afterwards_p99_ms": after.percentile_ms(0.99),
        "times_slower_afterwards": round(after.percentile_ms(0.5) / max(1, before.percentile_ms(0.5)), 2),
        "breaches_after": [finding.check.id for finding in findings if not finding.holds],
    }
    tell(f"{name}: {figures}")
    return figures


def _requests(on: Stand) -> Iterator[bytes]:
    """A trade and a use of each buyer in turn, each under a key of its own."""
    numbers = count()
    parts = []
    for deal in on.exchange.deals:
        headers = {"Authorization": on.bearer(deal.buyer_account, now=read_clock()), "Idempotency-Key": "@"}
        contract = str(deal.contract.id)
        for path, body in (
            ("/trades", {"contract_id": contract, **USE}),
            (f"/contracts/{contract}/uses", USE),
        ):
            parts.append(wire.request("POST", API + path, headers, orjson.dumps(body)).split(b"@", 1))
    return (b"%b%d%b" % (head, next(numbers), tail) for head, tail in cycle(parts))


async def _closed(port: int, requests: Iterator[bytes], lines: int, seconds: float) -> Heard:
    """Each line asks again as soon as it has its answer."""
    heard = Heard()
    opened = [await wire.connect(HOST, port) for _ in range(lines)]
    begun = time.monotonic()

    async def ask(line: wire.Connection) -> None:
        while (sent := time.monotonic()) < begun + seconds:
            answer = await line.ask(next(requests))
            heard.hear(time.monotonic() - sent, answer)

    await asyncio.gather(*map(ask, opened))
    heard.seconds = time.monotonic() - begun
    for line in opened:
        line.close()
    return heard


async def _open(port: int, requests: Iterator[bytes], rate: float, seconds: float) -> tuple[Heard, int]:
    """So many a second whether or not the earlier ones are answered; the most memory that the workers had meanwhile."""
    heard, memory = Heard(), 0
    opened = [await wire.connect(HOST, port) for _ in range(LINES)]
    idle = deque(opened)  # in turn: the server hangs up where nothing is asked for long
    asking: set[asyncio.Task[None]] = set()

    async def ask(line: wire.Connection, due: float) -> None:
        answer = await line.ask(next(requests))
        heard.hear(time.monotonic() - due, answer)
        idle.append(line)

    begun = time.monotonic()
    for number in count():
        due = begun + number / rate
        if due >= begun + seconds:
            break
        if due > time.monotonic():
            await asyncio.sleep(due - time.monotonic())
        if number % int(rate / 4) == 0:
            memory = max(memory, _memory())
        if not idle:
            heard.unsent += 1
            await asyncio.sleep(0)
            continue
        task = asyncio.create_task(ask(idle.popleft(), due))
        asking.add(task)
        task.add_done_callback(asking.discard)
    await asyncio.gather(*asking)
    heard.seconds = time.monotonic() - begun
    for line in opened:
        line.close()
    return heard, memory


def _memory() -> int:
    """Octets of the servers that this process started, their workers included."""
    mine = psutil.Process().children(recursive=True)
    return sum(child.memory_info().rss for child in mine if "datamarket" in " ".join(child.cmdline()))
