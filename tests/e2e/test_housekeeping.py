"""What a server does beside answering: it happens, it is told as metrics, and a failed turn is followed by another."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from prometheus_client import REGISTRY

from datamarket.evidence.log.sealing import await_watermark
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.ledger.terms import CLEARING
from datamarket.server import housekeeping
from tests.world import orders, trading
from tests.world.people import NOON
from tests.world.sealing import settings_in

LATER = NOON + timedelta(days=400)


def metric(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"datamarket_{name}", labels)


async def test_a_turn_of_every_chore_leaves_nothing_due_and_nothing_unsealed(
    fresh_database: Database, tmp_path: Path
) -> None:
    deal = await trading.active_contract(fresh_database)
    await orders.placed(fresh_database, deal)
    await orders.delivered(fresh_database, deal)
    await trading.trade(fresh_database, deal)
    done = {}
    for chore in reversed(housekeeping.chores(settings_in(tmp_path))):
        await await_watermark(fresh_database)
        done[chore.name] = await chore.run(fresh_database, trading.LEDGER_ID, LATER)
    assert done["expire-holds"] + done["expire-orders"] >= 1
    assert done["accept-by-silence"] == 1
    assert done["seal"] > 5
    assert done["watch-the-books"] == 0
    async with fresh_database.connection() as connection:
        states = await connection.fetch("SELECT state FROM trade_order")
        assert {row["state"] for row in states} == {"expired", "accepted"}


async def test_the_books_are_watched_and_a_breach_is_told(fresh_database: Database) -> None:
    deal = await trading.active_contract(fresh_database)
    await orders.delivered(fresh_database, deal)
    assert (
        await housekeeping.watch_the_books(fresh_database, trading.LEDGER_ID, NOON + timedelta(days=9)) == 0
    )
    assert metric("invariant_holds", invariant="I4") == 1
    assert metric("clearing_age_days", kind="escrow") == 9
    assert metric("clearing_balance_fen", kind="escrow") == 3000
    assert {metric("clearing_balance_fen", kind=kind) for kind in CLEARING - {"escrow"}} == {0}
    assert (metric("sealing_lag_seconds") or 0) > timedelta(days=8).total_seconds()
    owner = await asyncpg.connect(fresh_database.url)
    await owner.execute("UPDATE ledger_balance SET credit_fen = credit_fen + 1 WHERE credit_fen > 0")
    await owner.close()
    assert await housekeeping.watch_the_books(fresh_database, trading.LEDGER_ID, NOON) >= 1
    assert metric("invariant_holds", invariant="I4") == 0


async def test_a_turn_that_fails_is_counted_and_the_next_one_succeeds(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[datetime] = []
    enough = asyncio.Event()

    async def stumble(_database: Database, _ledger_id: int, now: datetime) -> int:
        turns.append(now)
        if len(turns) == 1:
            raise OSError
        if len(turns) == 3:
            enough.set()
        return 1

    monkeypatch.setattr(
        housekeeping, "chores", lambda _settings: (housekeeping.Chore("stumble", 0, stumble),)
    )
    async with housekeeping.kept_house(database, settings, lambda: NOON):
        await enough.wait()
    assert metric("chores_failed_total", chore="stumble") == 1
    assert (metric("chores_done_total", chore="stumble") or 0) >= 1
