"""What was paid and what the bank said stays as it was, and a check sees what was changed all the same."""

import asyncpg
import pytest

from datamarket.foundation import checks
from datamarket.payouts import files
from datamarket.server.checks import CHECKS
from tests.payouts.conftest import Desk, answer, mixed_run, sent_batch
from tests.world import payouts
from tests.world.payouts import Officers
from tests.world.trading import LEDGER_ID

FIXED = {
    "payout": "amount_fen = amount_fen + 1",
    "payout_batch": "total_fen = total_fen + 1",
    "bank_statement": "closing_fen = closing_fen + 1",
    "bank_line": "amount_fen = amount_fen + 1",
}


async def with_everything(desk: Desk) -> None:
    """Sent, executed and refused payouts, and a matched statement."""
    earned = await payouts.earned(desk.database)
    officers = Officers()
    batch = await sent_batch(desk, officers)
    finance = desk.client(officers.maker)
    content = (await finance.get(f"/payouts/batches/{batch['id']}/file")).content
    run = mixed_run(content, earned.receipts)
    body = {"advice": files.write_advice(run.advice[:-1])}
    taken = answer(await finance.post(f"/payouts/batches/{batch['id']}/advice", json=body))
    assert taken["executed"]
    assert taken["refused"]
    statement = {"statement": files.write_statement(run.statements[0])}
    answer(await finance.post("/bank/statements", json=statement), 201)


async def test_not_even_the_owner_changes_what_was_paid_or_what_the_bank_said(desk: Desk) -> None:
    await with_everything(desk)
    owner = await asyncpg.connect(desk.database.url)
    try:
        for table, change in FIXED.items():
            changes = f"UPDATE {table} SET {change}", f"DELETE FROM {table}"  # noqa: S608 - names above
            for statement in (*changes, f"TRUNCATE {table} CASCADE"):
                with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
                    await owner.execute(statement)
        for statement in (
            "UPDATE payout SET state = 'sent', decided_on = NULL WHERE state = 'executed'",
            "UPDATE bank_line SET match_state = 'open', entry_id = NULL, entry_on = NULL WHERE entry_id IS NOT NULL",
        ):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
                await owner.execute(statement)
    finally:
        await owner.close()
    async with desk.database.connection() as connection:
        for table, change in FIXED.items():
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"UPDATE {table} SET {change}")  # noqa: S608 - names above


@pytest.mark.parametrize(
    ("tampering", "broken"),
    [
        ("UPDATE payout SET amount_fen = amount_fen + 1 WHERE state = 'sent'", {"I11", "I11 payouts"}),
        (
            "UPDATE payout SET state = 'sent', decided_on = NULL WHERE state = 'executed'",
            {"I11", "I11 payouts"},
        ),
        ("DELETE FROM business_key WHERE kind = 'payout_refused'", {"I6", "I11 payouts"}),
        ("UPDATE payout_batch SET executed_fen = executed_fen - 1", {"I11 payouts"}),
        ("UPDATE bank_line SET amount_fen = amount_fen - 1 WHERE position = 1", {"I11 bank"}),
        ("UPDATE bank_line SET entry_on = entry_on + 1 WHERE entry_on IS NOT NULL", {"I11 bank"}),
        ("UPDATE bank_statement SET closing_fen = 0", {"I11 bank"}),
    ],
)
async def test_a_check_sees_what_was_changed_behind_the_triggers(
    desk: Desk, tampering: str, broken: set[str]
) -> None:
    await with_everything(desk)
    owner = await asyncpg.connect(desk.database.url)
    try:
        transaction = owner.transaction()
        await transaction.start()
        await owner.execute("SET LOCAL session_replication_role = replica")
        await owner.execute(tampering)
        found = await checks.run(owner, LEDGER_ID, CHECKS)
        await transaction.rollback()
    finally:
        await owner.close()
    assert broken <= {finding.check.id for finding in found if not finding.holds}
