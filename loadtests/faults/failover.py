"""The primary of three nodes is killed and frozen under load: another takes over, and nothing acknowledged is lost."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from datamarket.server.checks import check_books
from loadtests.faults.nodes import LAGGING, STRICT, TIMES, Node, Nodes, NotInstalled, running_nodes
from loadtests.faults.oracle import Journal, Verdict, judge, read_books
from loadtests.faults.proof import Proof
from loadtests.faults.stand import tell, temporary, trading_at
from loadtests.faults.traffic import Traffic

KILLS = 3
AROUND_SECONDS = 8
"""Of traffic before each loss, and after the last; a frozen primary stays so a while after another has taken over."""
HELD_BACK_SECONDS = 6
"""In the control: what is written meanwhile no standby hears of."""
LONGEST_SECONDS = 60
BOUND_SECONDS = 600
"""Of all together."""
AGAIN_SECONDS = 25
"""Until a write is accepted again: the lock of a dead primary lives up to twenty, then another is promoted and found."""
CLAIM = (
    f"of three nodes the primary is killed {KILLS} times and frozen once under load: no acknowledged write is lost,"
    f" none is doubled, and within {AGAIN_SECONDS} s of each loss a write is accepted again"
)
ACCEPTED = {HTTPStatus.OK, HTTPStatus.CREATED}
Loss = Callable[[Node], AbstractContextManager[object]]


@dataclass
class Losses:
    """Each primary that was lost: how, who, how many processes, and the seconds until a write was accepted."""

    told: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)


async def prove(*, seconds: float, seed: int) -> Proof:  # noqa: ARG001 - as many losses as it takes
    """In step with a standby; the control without, and with standbys that lag."""
    losses = {"killed": KILLS, "frozen": 1}
    try:
        async with asyncio.timeout(BOUND_SECONDS):
            verdict, figures = await _experiment(seed, STRICT, losses, name="failover")
            control, told = await _experiment(seed + 1, LAGGING, {"lagged": 1}, name="failover-control")
    except NotInstalled as reason:
        return Proof(id="failover", claim=CLAIM, holds=False, not_shown=str(reason))
    return Proof(
        id="failover",
        claim=CLAIM,
        holds=verdict.sound
        and len(figures["first_accepted_s"]) == sum(losses.values())
        and max(figures["first_accepted_s"]) <= AGAIN_SECONDS
        and not (figures["breaches"] or figures["unknown_left"] or figures["check"] or figures["verify"]),
        figures=figures,
        control=told | {"mode": LAGGING},
        control_notices=bool(control.lost),
    )


@contextmanager
def _killed(node: Node) -> Iterator[int]:
    """With -9, Patroni too; at the end it comes back, and follows."""
    yield node.kill()
    node.start()


@contextmanager
def _lagged(node: Node) -> Iterator[int]:
    """Killed when its standbys have not heard of it for a while; it does not come back."""
    with node.holding_back() as held:
        if not held:
            raise RuntimeError(node.name)
        time.sleep(HELD_BACK_SECONDS)
        yield node.kill()


LOSSES: Mapping[str, Loss] = {"killed": _killed, "frozen": Node.frozen, "lagged": _lagged}


async def _experiment(
    seed: int, mode: Mapping[str, Any], losses: Mapping[str, int], *, name: str
) -> tuple[Verdict, dict[str, Any]]:
    with temporary(name) as folder, running_nodes(folder, mode) as nodes:
        on = await trading_at(nodes.url, folder)
        lost = Losses()
        with Journal(folder / "intents.jsonl") as journal, on.market.serving() as port:
            tell(f"{name}: {losses}")
            traffic = Traffic(on, port, journal, seed)
            over = asyncio.Event()
            begun = time.monotonic()
            load = asyncio.create_task(traffic.run(lambda: not over.is_set()))
            try:
                for how in (how for how, times in losses.items() for _ in range(times)):
                    await _lose(nodes, traffic, lost, how)
                await asyncio.sleep(AROUND_SECONDS)
            finally:
                over.set()
                await load
            took = time.monotonic() - begun
            unknown = await traffic.settle_unknown()
            verdict = judge(journal, await read_books(on.url, on.ledger_id))
        findings = await check_books(on.url, on.ledger_id)
        figures: dict[str, Any] = {
            "seconds": int(took),
            "losses": lost.told,
            "first_accepted_s": lost.waits,
            "times": TIMES,
            **traffic.figures(took, verdict),
            "unknown_replayed": unknown,
            "breaches": [finding.check.id for finding in findings if not finding.holds],
            "check": on.market.command("check", quiet=True),
            "verify": on.market.command("verify", quiet=True),
        }
    tell(f"{name}: {figures}")
    return verdict, figures


async def _lose(nodes: Nodes, traffic: Traffic, lost: Losses, how: str) -> None:
    """Traffic, the loss, the first write that is accepted; then all follow again, unless one does not come back."""
    await asyncio.sleep(AROUND_SECONDS)
    primary = await asyncio.to_thread(nodes.primary)
    loss = LOSSES[how](primary)
    many = await asyncio.to_thread(loss.__enter__)
    gone = time.monotonic()
    try:
        wait = await _first_accepted(traffic, after=gone)
        lost.told.append(f"{primary.name} {how}, {many} processes")
        lost.waits.append(round(wait, 1))
        tell(f"{lost.told[-1]}: a write is accepted after {wait:.1f} s")
        await asyncio.sleep(AROUND_SECONDS if how == "frozen" else 0)
    finally:
        await asyncio.to_thread(loss.__exit__, None, None, None)
    if how != "lagged":
        back = await asyncio.to_thread(nodes.await_whole, synchronous=True)
        tell(f"all three again after {back:.1f} s")


async def _first_accepted(traffic: Traffic, *, after: float) -> float:
    """Of what was sent afterwards: the seconds until its answer."""
    seen = len(traffic.heard)
    async with asyncio.timeout(LONGEST_SECONDS):
        while True:
            for sent, wait, status in traffic.heard[seen:]:
                if sent > after and status in ACCEPTED:
                    return sent + wait - after
            seen = len(traffic.heard)
            await asyncio.sleep(0.05)
