"""Keeping what was last found, for every server and the next one."""

import logging
from collections.abc import Sequence
from datetime import datetime

from datamarket.foundation.checks import CheckResult
from datamarket.foundation.db import Database

log = logging.getLogger("datamarket.invariants")
_KEEP = """
INSERT INTO check_run AS kept (ledger_id, check_id, ran_at, seen, breaches)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (ledger_id, check_id) DO UPDATE SET ran_at = EXCLUDED.ran_at, seen = EXCLUDED.seen, breaches = EXCLUDED.breaches
 WHERE kept.ran_at <= EXCLUDED.ran_at
"""


async def keep_runs(database: Database, ledger_id: int, found: Sequence[CheckResult], now: datetime) -> None:
    """The latest of each stays. Where it cannot be written that is logged: what was found is told all the same."""
    rows = sorted((ledger_id, one.check.id, now, one.seen, one.breaches) for one in found)
    try:
        async with database.plain_transaction() as connection:
            await connection.executemany(_KEEP, rows)
    except Exception as error:  # noqa: BLE001 - a check is run because something may be wrong with the database
        log.warning("results of checks are not kept: %s: %s", type(error).__name__, error)
