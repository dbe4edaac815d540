"""Money that only waits: how much stands on each clearing account, and since when.

A clearing account returns to zero; how long one has not is the first thing an overseer asks.
"""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from datamarket.foundation.clock import business_date
from datamarket.foundation.db import Connection
from datamarket.foundation.errors import Forbidden
from datamarket.ledger.terms import CLEARING, AccountKind


class ClearingForOverseers(Forbidden):
    code = "ledger.clearing-for-overseers"
    zh = "清算账户一览仅数据主管部门、财政部门与审计可以查看。"
    en = "The clearing accounts of the market are for authority, finance and auditors."


class ClearingAge(NamedTuple):
    """A clearing account with a balance; `balance_fen` is positive on the credit side.

    `since` is the first accounting day after the last one that the account ended at zero (or its first
    movement, when none did): money that came and went within a day is not waiting. `days` counts from
    there until today, and is zero for a movement that takes effect later.
    """

    kind: AccountKind
    owner_id: UUID | None
    account_id: UUID
    balance_fen: int
    since: date
    days: int


_AGES = """
WITH waiting AS (
    SELECT a.id AS account_id, a.kind, a.owner_id, b.credit_fen - b.debit_fen AS balance_fen
      FROM ledger_account a JOIN ledger_balance b ON b.ledger_id = a.ledger_id AND b.account_id = a.id
     WHERE a.ledger_id = $1 AND a.kind = ANY ($2::text[]) AND b.credit_fen <> b.debit_fen
), running AS (
    SELECT w.*, d.day, sum(d.credit_fen - d.debit_fen) OVER (PARTITION BY d.account_id ORDER BY d.day) AS closing
      FROM waiting w JOIN ledger_day d ON d.ledger_id = $1 AND d.account_id = w.account_id
), cleared AS (
    SELECT *, max(day) FILTER (WHERE closing = 0) OVER (PARTITION BY account_id) AS rested FROM running
), aged AS (
    SELECT kind, owner_id, account_id, balance_fen, min(day) AS since
      FROM cleared WHERE rested IS NULL OR day > rested
     GROUP BY kind, owner_id, account_id, balance_fen
)
SELECT * FROM aged
 WHERE $3::date IS NULL OR (since, account_id) > ($3, $4::uuid)
 ORDER BY since, account_id LIMIT $5
"""


async def clearing_ages(
    connection: Connection,
    ledger_id: int,
    now: datetime,
    *,
    limit: int | None = None,
    after: tuple[date, UUID] | None = None,
) -> list[ClearingAge]:
    """Every clearing account with a balance, the longest waiting first."""
    rows = await connection.fetch(_AGES, ledger_id, sorted(CLEARING), *(after or (None, None)), limit)
    today = business_date(now)
    return [
        ClearingAge(
            AccountKind(row["kind"]),
            row["owner_id"],
            row["account_id"],
            row["balance_fen"],
            row["since"],
            max(0, (today - row["since"]).days),
        )
        for row in rows
    ]
