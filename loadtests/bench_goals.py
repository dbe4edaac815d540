"""What the bench wants: each goal a row, the works that it needs, and the figure that decides it."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from loadtests.bench_works import (
    AUDIT,
    BARE,
    BATCHES,
    BY_ID,
    CATALOGUE,
    DEEP,
    EDGE,
    HOME,
    HOT_USES,
    NOT_CHANGED,
    PAGE,
    TEXT,
    TRADES,
    TUTORIAL,
    USE_BATCHES,
    USES,
    WITH_REPLICA,
    Outcome,
)

ONE_ENTRY, MANY_SALES = "pgbench: one bare entry a statement", "pgbench: 1,000 whole sales a statement"
GROWN = ", grown market"
SEALED, LEAVES_VERIFIED = "trades sealed by one core", "leaves verified"
COLD_START, MEMORY = "cold start, seconds", "memory of a worker, MiB"
SEALED_SHARE = 0.15
"""Of a core, at most, for sealing what P2 records."""
VERIFIED = 200_000
"""Leaves a second, at least."""


@dataclass
class Figure:
    """One work, in rounds: how much a second, latencies, and processor time of one of what it does."""

    rounds: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    server_us: list[float] = field(default_factory=list)
    database_us: list[float] = field(default_factory=list)

    @property
    def value(self) -> float:
        """The median of the rounds: a rate, or what the name says."""
        return statistics.median(self.rounds)

    @property
    def steadiness(self) -> float:
        """p99 by p50, the median of the rounds."""
        return statistics.median(p99 / p50 for p99, p50 in zip(self.p99_ms, self.p50_ms, strict=True))

    @property
    def effort(self) -> float:
        """Microseconds of processor time of the server."""
        return statistics.median(self.server_us)

    def add(self, outcome: Outcome, server_seconds: float, database_seconds: float) -> None:
        self.rounds.append(outcome.done / outcome.seconds)
        if outcome.p50_ms is not None and outcome.p99_ms is not None:
            self.p50_ms.append(outcome.p50_ms)
            self.p99_ms.append(outcome.p99_ms)
        self.server_us.append(server_seconds * 1e6 / outcome.done)
        self.database_us.append(database_seconds * 1e6 / outcome.done)


Figures = Mapping[str, Figure]


@dataclass(frozen=True)
class Goal:
    """What should be at least so much, or at most."""

    id: str
    work: str
    beside: str
    reached: Callable[[Figures], float]
    limit: float
    needs: tuple[str, ...]
    at_most: bool = False

    def row(self, figures: Figures) -> dict[str, object]:
        reached = self.reached(figures)
        return {
            "id": self.id,
            "work": self.work,
            "beside": self.beside,
            "reached": round(reached, 2),
            "goal": f"{'≤' if self.at_most else '≥'} {self.limit:g}",
            "met": reached <= self.limit if self.at_most else reached >= self.limit,
        }


def _pace(id_: str, of: str, to: str, least: float) -> Goal:
    """How much is done in a second, beside how much the rival does."""
    return Goal(id_, of, to, lambda figures: figures[of].value / figures[to].value, least, (of, to))


def _effort(id_: str, of: str, to: str, most: float) -> Goal:
    """Processor time of the server for one of it, beside that of the rival."""
    text = f"CPU of: {to}"
    return Goal(id_, of, text, lambda figures: figures[of].effort / figures[to].effort, most, (of, to), True)


def _steady(id_: str, of: str, most: float) -> Goal:
    return Goal(id_, f"{of}: p99", "its p50", lambda figures: figures[of].steadiness, most, (of,), True)


def _value(id_: str, of: str, most: float) -> Goal:
    return Goal(id_, of, "", lambda figures: figures[of].value, most, (of,), True)


def _median(id_: str, of: str, most: float) -> Goal:
    """What one connection waits for it, in milliseconds."""

    def reached(figures: Figures) -> float:
        return statistics.median(figures[of].p50_ms)

    return Goal(id_, f"{of}: p50, ms", "one connection", reached, most, (of,), True)


def _spared(id_: str, of: str, to: str, most: float) -> Goal:
    """Processor time of the primary for one of it, beside that without a replica."""

    def reached(figures: Figures) -> float:
        return statistics.median(figures[of].database_us) / statistics.median(figures[to].database_us)

    return Goal(id_, of, f"CPU of the primary: {to}", reached, most, (of, to), True)


def _sealing(figures: Figures) -> float:
    return figures[SEALED].value * SEALED_SHARE / figures[BATCHES].value


def _verifying(figures: Figures) -> float:
    return figures[LEAVES_VERIFIED].value / VERIFIED


GROWING = (TRADES, PAGE, DEEP, TEXT)
GOALS = (
    _effort("P0", EDGE, BARE, 1.5),
    _pace("P1", TRADES, BARE, 0.22),
    _pace("P1", TRADES, TUTORIAL + TRADES, 20),
    _steady("P1", TRADES, 4),
    _pace("P2", BATCHES, MANY_SALES, 0.8),
    _pace("P3", BY_ID, BARE, 0.4),
    _pace("P3", NOT_CHANGED, BARE, 0.5),
    _pace("P3", PAGE, BARE, 0.2),
    _pace("P3", TEXT, BARE, 0.15),
    _pace("P3", DEEP, PAGE, 0.8),
    _steady("P3", BY_ID, 4),
    _steady("P3", PAGE, 4),
    _pace("P3", BY_ID, TUTORIAL + BY_ID, 7),
    _pace("P3", PAGE, TUTORIAL + PAGE, 7),
    _pace("P4", USES, BARE, 0.3),
    _pace("P4", HOT_USES, USES, 0.8),
    _pace("P4", USE_BATCHES, BATCHES, 0.8),
    _steady("P4", USES, 5),
    *(_pace("P6", work + GROWN, work, 0.8) for work in GROWING),
    _value("P7", COLD_START, 3),
    _value("P7", MEMORY, 130),
    Goal("P9", "sealing with 15 % of a core", BATCHES, _sealing, 1, (SEALED, BATCHES)),
    Goal("P9", LEAVES_VERIFIED, "200,000 a second", _verifying, 1, (LEAVES_VERIFIED,)),
    _median("P10", HOME + GROWN, 20),
    _median("P10", CATALOGUE + GROWN, 30),
    _spared("P12", AUDIT + WITH_REPLICA, AUDIT, 0.25),
)
IDS = sorted({goal.id for goal in GOALS} | {"P5"}, key=lambda name: int(name[1:]))
