"""A server with fewer connections than the workers want: who finds none is told to come again, and the books hold."""

import time
from contextlib import suppress

import asyncpg

from datamarket.server.checks import check_books
from loadtests.faults.oracle import Journal, judge, read_books, told_to_come_again
from loadtests.faults.proof import Proof
from loadtests.faults.stand import stand, tell
from loadtests.faults.traffic import Traffic, for_seconds

CLAIM = (
    "four workers want 52 connections, and others hold all that they have not taken by the time they are ready:"
    " who finds none is told to come again and loses nothing by it;"
    " no request fails otherwise, nothing is doubled or half"
)
LEFT, OTHERS, WORKERS, CLIENTS = 20, 40, 4, 48
SHORTAGE = {
    "max_connections": str(LEFT + OTHERS),
    "superuser_reserved_connections": "0",
    "reserved_connections": "0",
}
CONTROL_SHARE = 1 / 3


async def prove(*, seconds: float, seed: int) -> Proof:
    """Clients that come again, then clients that take being put off for being done."""
    whole, shown, figures = await _experiment(seconds, seed)
    control, _, told = await _experiment(seconds * CONTROL_SHARE, seed + 1, credulous=True)
    told |= {"clients": "take every answer for a yes"}
    return Proof("connections", CLAIM, whole and shown, figures, told, not control)


async def _experiment(
    seconds: float, seed: int, *, credulous: bool = False
) -> tuple[bool, bool, dict[str, object]]:
    """Whether the books are whole, whether anybody was told to come again, and the figures."""
    async with stand("connections", server=SHORTAGE) as on:
        with Journal(on.folder / "intents.jsonl", credulous=credulous) as journal:
            with on.market.serving(workers=WORKERS) as port:  # it fits: the others come later
                others = await _all_that_is_left(on.url)
                tell(
                    f"connections: {CLIENTS} clients of {WORKERS} workers for {seconds:.0f} s, {len(others)} held by others"
                )
                traffic = Traffic(on, port, journal, seed, clients=CLIENTS)
                begun = time.monotonic()
                await traffic.run(for_seconds(seconds))
                took = time.monotonic() - begun
                unknown = await traffic.settle_unknown()
                for other in others:
                    await other.close()
            verdict = judge(journal, await read_books(on.url, on.ledger_id))
        findings = await check_books(on.url, on.ledger_id)
        broken = [finding.check.id for finding in findings if not finding.holds] + await on.quick_breaches()
    figures = traffic.figures(took, verdict) | {"unknown_replayed": unknown, "breaches_after": broken}
    tell(f"connections: {figures}")
    whole = verdict.sound and not (broken or journal.unknown)
    return whole, told_to_come_again(journal), figures


async def _all_that_is_left(url: str) -> "list[asyncpg.Connection[asyncpg.Record]]":
    """Up to OTHERS of them: the workers keep what their chores and their listening have opened."""
    held: list[asyncpg.Connection[asyncpg.Record]] = []
    with suppress(asyncpg.TooManyConnectionsError):
        while len(held) < OTHERS:
            held.append(await asyncpg.connect(url))
    return held
