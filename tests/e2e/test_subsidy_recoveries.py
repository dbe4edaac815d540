"""What a superuser changes of a recovery is found and named, and not even the owner writes down what cannot be."""

from collections.abc import AsyncIterator
from datetime import date
from fractions import Fraction

import asyncpg
import pytest
import pytest_asyncio

from datamarket.foundation import checks
from datamarket.foundation.db import Connection, Database
from datamarket.foundation.waiting.constraints import constraint_of
from datamarket.server.checks import CHECKS
from datamarket.subsidy.recoveries.terms import RecoveryCause
from tests.world.books import assert_books_still_hold, auditing
from tests.world.recoveries import AWARD, paid_year
from tests.world.trading import LEDGER_ID

RECOVERY = "UPDATE subsidy_recovery SET {}"
BALANCE = (
    "UPDATE ledger_balance SET debit_fen = debit_fen + 1 WHERE account_id IN"
    " (SELECT id FROM ledger_account WHERE kind = 'subsidy_receivable')"
)
DEEDS = {
    "amount": (RECOVERY.format("amount_fen = amount_fen - 1"), "I19-recoveries", "amount_fen"),
    "fine": (RECOVERY.format("fine_fen = 0, fine_rate = NULL"), "I11-recoveries", "subsidy_fine"),
    "interest": (RECOVERY.format("interest_fen = 1"), "I11-recoveries", "subsidy_interest"),
    "decision": (RECOVERY.format("decision = '撤回'"), "I19-recoveries", "decision"),
    "closed": (RECOVERY.format("received_fen = 220000, state = 'recovered'"), "I11-recoveries", "recovery "),
    "gone": ("DELETE FROM subsidy_recovery", "I19-recoveries", "it is gone"),
    "cancelled": (
        "DELETE FROM subsidy_recovery_receipt; UPDATE subsidy_recovery SET state = 'cancelled', received_fen = 0",
        "I11-recoveries",
        "recovery ",
    ),
    "plan": ("UPDATE subsidy_recovery_instalment SET due_on = due_on + 99", "I19-recoveries", "due_on"),
    "instalment gone": ("DELETE FROM subsidy_recovery_instalment", "I11-recoveries", "recovery "),
    "receipt gone": ("DELETE FROM subsidy_recovery_receipt", "I19-recoveries", "it is gone"),
    "receipt's entry": (
        "UPDATE subsidy_recovery_receipt SET entry_id = id",
        "I11-recoveries",
        "receipt ",
    ),
    "balance": (BALANCE, "I11-recoveries", "subsidy_receivable of"),
    "payment gone": (
        "DELETE FROM subsidy_posting WHERE kind = 'subsidy_paid'",
        "I11-recoveries",
        "beyond what was paid of line",
    ),
}
FORGED = {
    "subsidy_recovery_hands_separate": RECOVERY.format("decided_by = proposed_by"),
    "subsidy_recovery_amount_check": RECOVERY.format("received_fen = 999999"),
    "subsidy_recovery_decided_check": RECOVERY.format("decision = NULL"),
    "subsidy_recovery_received_check": RECOVERY.format("state = 'recovered'"),
    "append_only": RECOVERY.format("amount_fen = 1"),
    "subsidy_recovery_instalment_day_key": "INSERT INTO subsidy_recovery_instalment"
    " SELECT recovery_id, 9, due_on, 1, 1 FROM subsidy_recovery_instalment",
    "subsidy_recovery_instalment_amount_check": "INSERT INTO subsidy_recovery_instalment"
    " SELECT recovery_id, 9, due_on + 1, 2, 1 FROM subsidy_recovery_instalment",
    "subsidy_recovery_receipt_kind_check": "INSERT INTO subsidy_recovery_receipt"
    " SELECT gen_random_uuid(), recovery_id, 'gift', NULL, NULL, 1, id, id, now() FROM subsidy_recovery_receipt",
    "subsidy_recovery_receipt_named_check": "INSERT INTO subsidy_recovery_receipt"
    " SELECT gen_random_uuid(), recovery_id, 'set_off', reference, NULL, 1, id, id, now() FROM subsidy_recovery_receipt",
    "subsidy_recovery_receipt_entry_key": "INSERT INTO subsidy_recovery_receipt"
    " SELECT gen_random_uuid(), recovery_id, kind, reference, NULL, 1, entry_id, id, now() FROM subsidy_recovery_receipt",
}


@pytest_asyncio.fixture(scope="module")
async def owner(module_database: Database) -> AsyncIterator[Connection]:
    """A fined recovery of a whole award, of which something came in; it holds before anything is changed."""
    year = await paid_year(module_database)
    row = await year.proposed(RecoveryCause.FRAUD, AWARD)
    row = await year.decided(row, fine=Fraction(1, 10), plan=[(date(2025, 6, 30), AWARD + 20_000)])
    await year.received(row, 70_000, "advice 20250207-0001")
    async with auditing(module_database.url) as connection:
        await assert_books_still_hold(connection)
        yield connection


@pytest.mark.parametrize("deed", DEEDS)
async def test_what_a_superuser_changes_of_a_recovery_is_found(owner: Connection, deed: str) -> None:
    done, found_by, named = DEEDS[deed]
    attempt = owner.transaction()
    await attempt.start()
    try:
        await owner.execute("SET LOCAL session_replication_role = replica")
        await owner.execute(done)
        wanted = [check for check in CHECKS if check.id == found_by]
        [found] = await checks.run(owner, LEDGER_ID, wanted)
    finally:
        await attempt.rollback()
    assert any(named in breach for breach in found.breaches), found.breaches


@pytest.mark.parametrize("guard", FORGED)
async def test_not_even_the_owner_writes_what_a_recovery_cannot_be(owner: Connection, guard: str) -> None:
    attempt = owner.transaction()
    await attempt.start()
    try:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
            await owner.execute(FORGED[guard])
    finally:
        await attempt.rollback()
    assert constraint_of(caught.value, {guard}) == guard
