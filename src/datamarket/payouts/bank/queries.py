"""Reading the bank's side, and comparing it with the books."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.foundation.clock import month_of, start_of_day
from datamarket.foundation.db import Connection, PageAsked, asked, keyset, lock_row, there
from datamarket.foundation.errors import Forbidden, NotFound
from datamarket.ledger.terms import AccountId, AccountKey, AccountKind
from datamarket.payouts.bank.tables import BankLine, BankStatement
from datamarket.payouts.bank.terms import MatchState

SHOWN = 100
"""Open items that a comparison lists, the oldest first; sums and counts always cover all."""


class BankForOverseers(Forbidden):
    code = "bank.for-overseers"
    zh = "银行对账仅数据主管部门、财政部门与审计可以查看。"
    en = "The bank's side is for authority, finance and auditors."


class OpenEntry(NamedTuple):
    """An entry that moved the bank account in the books, and has no line of the bank by that day."""

    entry_id: UUID
    kind: str
    source_type: str
    source_id: UUID
    on: date
    amount_fen: int


@dataclass(frozen=True)
class ReconciliationSide:
    """Open items of one side: how many, together, and the oldest of them."""

    count: int
    sum_fen: int
    oldest: Sequence[Any]


@dataclass(frozen=True)
class Reconciliation:
    """Bank and books at the end of a day, and all that lies between them.

    difference = opening difference + lines the books do not know − entries the bank does not know.
    Both balances are read from the statements and the days of the books, the open items from lines and
    legs: `unexplained_fen` is zero, or something is broken.
    """

    day: date
    statement_day: date
    bank_fen: int
    books_fen: int
    opening_difference_fen: int
    matched: int
    at_bank_only: ReconciliationSide
    in_books_only: ReconciliationSide

    @property
    def difference_fen(self) -> int:
        return self.bank_fen - self.books_fen

    @property
    def unexplained_fen(self) -> int:
        explained = self.opening_difference_fen + self.at_bank_only.sum_fen - self.in_books_only.sum_fen
        return self.difference_fen - explained


def bank_account(ledger_id: int) -> AccountId:
    """The market's own account at the bank, in the books."""
    return AccountKey(ledger_id, None, AccountKind.BANK).id


def check_overseer(actor: Actor) -> None:
    """Raises BankForOverseers."""
    if not actor.sees_all:
        raise BankForOverseers


async def lock_statements(session: AsyncSession, ledger_id: int) -> None:
    """Statements of a market come in one after the other."""
    lock = text("SELECT pg_advisory_xact_lock(:ledger_id, hashtext('bank_statement'))")
    await (await session.connection()).execute(lock, {"ledger_id": ledger_id})


async def last_statement(session: AsyncSession, ledger_id: int) -> BankStatement | None:
    statement = (
        select(BankStatement)
        .where(BankStatement.ledger_id == ledger_id)
        .order_by(col(BankStatement.day).desc())
        .limit(1)
    )
    return (await session.exec(statement)).first()


async def list_statements(
    session: AsyncSession, ledger_id: int, *, page: PageAsked[date]
) -> Sequence[BankStatement]:
    """Newest first."""
    statement = select(BankStatement).where(BankStatement.ledger_id == ledger_id)
    return (await session.exec(keyset(statement, col(BankStatement.day), page, newest_first=True))).all()


async def list_lines(
    session: AsyncSession,
    ledger_id: int,
    *,
    day: date | None,
    match_state: MatchState | None,
    page: PageAsked[tuple[date, int]],
) -> Sequence[BankLine]:
    """Day after day, each as the bank wrote it."""
    statement = select(BankLine).where(
        BankLine.ledger_id == ledger_id, *asked((BankLine.day, day), (BankLine.match_state, match_state))
    )
    return (await session.exec(keyset(statement, (col(BankLine.day), col(BankLine.position)), page))).all()


async def lock_line(session: AsyncSession, ledger_id: int, line_id: UUID) -> BankLine:
    """Raises NotFound."""
    return await lock_row(session, BankLine, (ledger_id, line_id), "bank line")


async def movement_of(connection: Connection, ledger_id: int, entry_id: UUID) -> tuple[int, date]:
    """What an entry moves on the bank account, and its accounting day. Raises NotFound for one that moves nothing."""
    found = await connection.fetchrow(
        """
        SELECT sum(l.amount_fen)::bigint AS amount_fen, ledger_accounting_day(e.effective_at, e.period) AS entry_on
          FROM ledger_entry e
          JOIN ledger_leg l ON l.ledger_id = e.ledger_id AND l.period = e.period AND l.entry_id = e.id
         WHERE e.ledger_id = $1 AND e.id = $2 AND l.account_id = $3 GROUP BY e.effective_at, e.period
        """,
        ledger_id,
        entry_id,
        bank_account(ledger_id),
    )
    row = there(found, "entry at the bank")
    return row["amount_fen"], row["entry_on"]


_BALANCES = """
SELECT coalesce(sum(debit_fen - credit_fen) FILTER (WHERE day <= $3), 0)::bigint AS books_fen,
       coalesce(sum(debit_fen - credit_fen) FILTER (WHERE day < $4), 0)::bigint AS before_fen,
       (SELECT coalesce(sum(amount_fen), 0)::bigint FROM bank_line
         WHERE ledger_id = $1 AND entry_on < $4) AS arrived_later_fen,
       (SELECT count(*) FROM bank_line WHERE ledger_id = $1 AND day <= $3 AND entry_on <= $3) AS matched
  FROM ledger_day WHERE ledger_id = $1 AND account_id = $2
"""
_LINES = """
SELECT *, count(*) OVER () AS number, sum(amount_fen) OVER ()::bigint AS sum_fen FROM bank_line
 WHERE ledger_id = $1 AND day <= $2 AND (entry_on IS NULL OR entry_on > $2)
 ORDER BY day, position LIMIT $3
"""
_ENTRIES = """
WITH moved AS (
    SELECT e.id AS entry_id, e.kind, e.source_type, e.source_id,
           ledger_accounting_day(e.effective_at, e.period) AS on_day, sum(l.amount_fen)::bigint AS amount_fen
      FROM ledger_leg l
      JOIN ledger_entry e ON e.ledger_id = l.ledger_id AND e.period = l.period AND e.id = l.entry_id
     WHERE l.ledger_id = $1 AND l.account_id = $2 AND l.period <= $5
     GROUP BY 1, 2, 3, 4, 5
)
SELECT m.entry_id, m.kind, m.source_type, m.source_id, m.on_day, m.amount_fen,
       count(*) OVER () AS number, sum(m.amount_fen) OVER ()::bigint AS sum_fen
  FROM moved m LEFT JOIN bank_line b ON b.ledger_id = $1 AND b.entry_id = m.entry_id
 WHERE m.on_day <= $3 AND (b.id IS NULL AND m.on_day >= $4 OR b.day > $3)
 ORDER BY m.on_day, m.entry_id LIMIT $6
"""


async def reconcile(connection: Connection, ledger_id: int, day: date) -> Reconciliation:
    """Bank against books at the end of `day`, with what was known of that day by now.

    Entries before the first statement stand behind its opening balance, as a whole; those whose line
    came in later are taken out of it. Raises NotFound where no statement reaches so far back.
    """
    told = await connection.fetch(
        "(SELECT day, opening_fen, closing_fen FROM bank_statement WHERE ledger_id = $1 ORDER BY day LIMIT 1)"
        " UNION ALL (SELECT day, opening_fen, closing_fen FROM bank_statement"
        " WHERE ledger_id = $1 AND day <= $2 ORDER BY day DESC LIMIT 1)",
        ledger_id,
        day,
    )
    if len(told) < 2:
        raise NotFound(thing="statement")
    first, last = told
    account = bank_account(ledger_id)
    balances = await connection.fetchrow(_BALANCES, ledger_id, account, day, first["day"])
    lines = await connection.fetch(_LINES, ledger_id, day, SHOWN)
    month = month_of(start_of_day(day))
    entries = await connection.fetch(_ENTRIES, ledger_id, account, day, first["day"], month, SHOWN)
    if balances is None:
        raise NotFound(thing="bank account")
    return Reconciliation(
        day=day,
        statement_day=last["day"],
        bank_fen=last["closing_fen"],
        books_fen=balances["books_fen"],
        opening_difference_fen=first["opening_fen"] - balances["before_fen"] + balances["arrived_later_fen"],
        matched=balances["matched"],
        at_bank_only=_side(lines, [_line(row) for row in lines]),
        in_books_only=_side(entries, [OpenEntry(*list(row.values())[:6]) for row in entries]),
    )


def _line(row: Any) -> BankLine:
    return BankLine(**{column: row[column] for column in BankLine.model_fields})


def _side(rows: Sequence[Any], items: Sequence[Any]) -> ReconciliationSide:
    return (
        ReconciliationSide(rows[0]["number"], rows[0]["sum_fen"], items)
        if rows
        else ReconciliationSide(0, 0, ())
    )
