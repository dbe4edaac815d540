"""No guard of the books without an attack: each name in the catalogue of the database is met in a test's text."""

import re
from pathlib import Path

import asyncpg

from tests.world.guards import constraints, raised, triggers

TESTS = Path(__file__).parents[1]


def names_met() -> set[str]:
    """Every word of every test file but this one."""
    texts = (path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py") if path != Path(__file__))
    return {word for text in texts for word in re.findall(r"\w+", text)}


async def test_every_constraint_trigger_and_refusal_of_the_books_is_met_by_name(
    superuser: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    guards = {*await constraints(superuser), *await raised(superuser)}
    guards |= {name for _, name in await triggers(superuser)}
    assert len(guards) > 150
    assert guards - names_met() == set()


async def test_a_guard_that_nobody_attacks_would_be_seen(
    superuser: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    transaction = superuser.transaction()
    await transaction.start()
    fresh = "ledger_day_legs_check"
    await superuser.execute(f"ALTER TABLE ledger_day ADD CONSTRAINT {fresh} CHECK (legs >= 0)")
    assert set(await constraints(superuser)) - names_met() == {fresh}
    await transaction.rollback()
