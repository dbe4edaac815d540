"""F4: many at once want what only one can have; exactly one gets it, round after round, on real connections."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import asyncpg
from datamarket.checking import check_books
from sqlalchemy.exc import DBAPIError

from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from loadtests.faults.contests import Contest, contests_on
from loadtests.faults.proof import Proof
from loadtests.faults.stand import Stand, stand, tell

CLAIM = "of many simultaneous refunds, resolutions or approvals of one object exactly one succeeds"
RIVALS = 8
FEWEST_ROUNDS = 3
MOST_ROUNDS = 200
TIME_SHARE = 1 / 2
CONTROL_ROUNDS = 20
THINKING_SECONDS = 0.002


@dataclass
class Tally:
    """How the rounds of one contest ended."""

    rounds: int = 0
    winners: Counter[int] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def exactly_one(self) -> bool:
        return bool(self.rounds) and set(self.winners) == {1} and not self.faults

    def figures(self) -> dict[str, object]:
        return {
            "rounds": self.rounds,
            "rivals": RIVALS,
            "rounds_by_number_of_winners": {str(won): times for won, times in sorted(self.winners.items())},
            "refusals": dict(self.refusals),
            "faults": self.faults[:5],
        }


async def prove(*, seconds: float, seed: int) -> Proof:  # noqa: ARG001 - chance is the connections' own
    """Every contest for its share of the time; then a race on what nobody guards."""
    async with stand("f4", traders=2) as on:
        database = await Database(on.url, RIVALS).open()
        try:
            contests = await contests_on(on, database, RIVALS)
            tallies = {}
            for contest in contests:
                tell(f"f4: {contest.name}")
                tallies[contest.name] = await _hold(contest, seconds * TIME_SHARE / len(contests))
        finally:
            await database.close()
        findings = await check_books(on.url, on.ledger_id)
        control = await _unguarded(on)
    broken = [finding.check.id for finding in findings if not finding.holds]
    figures: dict[str, object] = {name: tally.figures() for name, tally in tallies.items()}
    tell(f"f4: {figures}; check-then-act: {control.figures()}")
    return Proof(
        id="F4",
        claim=CLAIM,
        holds=all(tally.exactly_one for tally in tallies.values()) and not broken,
        figures=figures | {"breaches_after": broken},
        control={"check_then_act_without_a_lock": control.figures()},
        control_notices=any(won > 1 for won in control.winners),
    )


async def _hold(contest: Contest, seconds: float) -> Tally:
    tally = Tally()
    until = time.monotonic() + seconds
    while tally.rounds < FEWEST_ROUNDS or (time.monotonic() < until and tally.rounds < MOST_ROUNDS):
        await race(await contest.prepare(), tally)
    return tally


async def race(attempts: Sequence[Callable[[], Awaitable[object]]], tally: Tally) -> None:
    """All at once. A refusal of the market or by a named constraint is a defeat; all else is a fault."""
    outcomes = await asyncio.gather(*(attempt() for attempt in attempts), return_exceptions=True)
    tally.rounds += 1
    tally.winners[sum(not isinstance(outcome, BaseException) for outcome in outcomes)] += 1
    for outcome in outcomes:
        if isinstance(outcome, MarketError):
            tally.refusals[outcome.code] += 1
        elif isinstance(outcome, BaseException):
            name = _constraint(outcome)
            if name is None:
                tally.faults.append(repr(outcome)[:300])
            else:
                tally.refusals[name] += 1


def _constraint(error: BaseException) -> str | None:
    """The constraint that said no, below SQLAlchemy's wrappers."""
    cause: BaseException | None = error
    if isinstance(error, DBAPIError) and error.orig is not None:
        cause = error.orig.__cause__ or error.orig
    return getattr(cause, "constraint_name", None)


class Taken(MarketError):
    code = "harness.taken"
    zh = "已被取走。"
    en = "It is taken already."


async def _unguarded(on: Stand) -> Tally:
    """The same race on a table of the harness that is read, thought about, and then written."""
    tally = Tally()
    pool = await asyncpg.create_pool(on.url, min_size=RIVALS, max_size=RIVALS)
    try:
        await pool.execute("CREATE TABLE harness_prize (id int PRIMARY KEY, taken boolean NOT NULL)")
        for number in range(CONTROL_ROUNDS):
            await pool.execute("INSERT INTO harness_prize VALUES ($1, false)", number)

            async def take(prize: int = number) -> None:
                async with pool.acquire() as connection, connection.transaction():
                    if await connection.fetchval("SELECT taken FROM harness_prize WHERE id = $1", prize):
                        raise Taken
                    await asyncio.sleep(THINKING_SECONDS)
                    await connection.execute("UPDATE harness_prize SET taken = true WHERE id = $1", prize)

            await race([take] * RIVALS, tally)
    finally:
        with suppress(asyncpg.PostgresError):
            await pool.execute("DROP TABLE IF EXISTS harness_prize")
        await pool.close()
    return tally
