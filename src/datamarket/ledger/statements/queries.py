"""The statement of an account: what it held, what moved, in the order in which it was booked, what it holds.

Within a month movements stand in the order of their entries, which is that of posting; the index of an
account's legs has the same order. The accounting day of each is beside it.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.clock import month_of_day
from datamarket.foundation.db import PageAsked
from datamarket.foundation.errors import Invalid, Refused
from datamarket.ledger.books import queries
from datamarket.ledger.books.tables import LedgerAccount
from datamarket.ledger.terms import AccountKind, Side

MOST_ROWS = 20_000
"""Rows of a statement that is asked for whole, as a file."""


class StatementRangeInvalid(Invalid):
    code = "ledger.statement-range-invalid"
    zh = "对账单起始日 {begins} 晚于截止日 {ends}。"
    en = "The statement begins on {begins}, after its end on {ends}."


class StatementTooLong(Refused):
    code = "ledger.statement-too-long"
    zh = "该期间发生额超过 {most} 行，不能一次导出；请缩短期间，或分页读取。"
    en = "More than {most} movements in this range are too many for one file; ask for a shorter one, or read by page."


class Position(NamedTuple):
    """A movement's position in the order, and what stood on the account after it (debit positive)."""

    period: int
    entry_id: UUID
    seq: int
    net_fen: int


class Movement(NamedTuple):
    """A movement, with the balance after it on the account's normal side."""

    position: Position
    day: date
    amount_fen: int
    balance_fen: int
    kind: str
    effective_at: datetime
    recorded_at: datetime
    source_type: str
    source_id: UUID


@dataclass(frozen=True)
class Statement:
    """The range as a whole, and some of its movements. Balances are positive on the normal side."""

    account: LedgerAccount
    from_on: date
    to_on: date
    opening_fen: int
    closing_fen: int
    debit_fen: int
    credit_fen: int
    brought_forward_fen: int
    movements: list[Movement]


# Entries are looked up one by one (OFFSET 0 keeps it so): a merge would read every entry before the page.
_MOVEMENTS = text("""
SELECT l.period, l.entry_id, l.seq, l.amount_fen, e.*
  FROM ledger_leg l
 CROSS JOIN LATERAL (
     SELECT e.kind, e.effective_at, e.recorded_at, e.source_type, e.source_id,
            ledger_accounting_day(e.effective_at, e.period) AS day
       FROM ledger_entry e
      WHERE e.ledger_id = l.ledger_id AND e.period = l.period AND e.id = l.entry_id OFFSET 0) AS e
 WHERE l.ledger_id = :ledger_id AND l.account_id = :account_id AND l.period BETWEEN :first AND :last
   AND (l.period, l.entry_id, l.seq) > (:period, :entry_id, :seq)
   AND e.day BETWEEN :from_on AND :to_on
 ORDER BY l.period, l.entry_id, l.seq LIMIT :limit
""")


async def read_statement(
    session: AsyncSession,
    account: LedgerAccount,
    *,
    from_on: date,
    to_on: date,
    page: PageAsked[Position],
) -> Statement:
    """Up to `limit + 1` movements after a position. Raises StatementRangeInvalid."""
    if from_on > to_on:
        raise StatementRangeInvalid(begins=from_on, ends=to_on)
    ledger_id, sign = account.ledger_id, 1 if account.normal_side == Side.DEBIT else -1
    opened = await queries.balance_at(session, ledger_id, account.id, at=from_on - timedelta(days=1))
    closed = await queries.balance_at(session, ledger_id, account.id, at=to_on)
    begun = page.after or Position(0, UUID(int=0), 0, opened[0] - opened[1])
    parameters = {
        "ledger_id": ledger_id,
        "account_id": account.id,
        "first": month_of_day(from_on),
        "last": month_of_day(to_on),
        "from_on": from_on,
        "to_on": to_on,
        "limit": page.limit + 1,
        "period": begun.period,
        "entry_id": begun.entry_id,
        "seq": begun.seq,
    }
    movements, net = [], begun.net_fen
    for row in await (await session.connection()).execute(_MOVEMENTS, parameters):
        net += row.amount_fen
        position = Position(row.period, row.entry_id, row.seq, net)
        source = (row.kind, row.effective_at, row.recorded_at, row.source_type, row.source_id)
        movements.append(Movement(position, row.day, row.amount_fen, sign * net, *source))
    return Statement(
        account=account,
        from_on=from_on,
        to_on=to_on,
        opening_fen=sign * (opened[0] - opened[1]),
        closing_fen=sign * (closed[0] - closed[1]),
        debit_fen=closed[0] - opened[0],
        credit_fen=closed[1] - opened[1],
        brought_forward_fen=sign * begun.net_fen,
        movements=movements,
    )


async def whole_statement(
    session: AsyncSession, account: LedgerAccount, *, from_on: date, to_on: date
) -> Statement:
    """The statement with all its movements. Raises StatementTooLong, StatementRangeInvalid."""
    page: PageAsked[Position] = PageAsked(MOST_ROWS)
    whole = await read_statement(session, account, from_on=from_on, to_on=to_on, page=page)
    if len(whole.movements) > MOST_ROWS:
        raise StatementTooLong(most=MOST_ROWS)
    return whole


class OwnedAccount(NamedTuple):
    """An account of an owner over a month: balances are positive on its normal side."""

    account_id: UUID
    kind: AccountKind
    opening_fen: int
    debit_fen: int
    credit_fen: int
    closing_fen: int


class OwnedMovement(NamedTuple):
    """A movement on one of an owner's accounts: positive where it adds to the balance on its normal side."""

    account_id: UUID
    account_kind: AccountKind
    entry_id: UUID
    seq: int
    day: date
    kind: str
    effective_at: datetime
    source_type: str
    source_id: UUID
    amount_fen: int


_OWNED_ACCOUNTS = text("""
SELECT a.id, a.kind, a.normal_side, o.debit_fen - o.credit_fen AS opening, c.debit_fen - o.debit_fen AS debit_fen,
       c.credit_fen - o.credit_fen AS credit_fen, c.debit_fen - c.credit_fen AS closing
  FROM ledger_account a CROSS JOIN LATERAL ledger_balance_at(a.ledger_id, a.id, :before) o
 CROSS JOIN LATERAL ledger_balance_at(a.ledger_id, a.id, :last) c
 WHERE a.ledger_id = :ledger_id AND a.owner_id = :owner_id ORDER BY a.id
""")
_OWNED_MOVEMENTS = text("""
SELECT a.id, a.kind AS account_kind, a.normal_side, l.entry_id, l.seq, l.amount_fen, e.kind, e.effective_at,
       e.source_type, e.source_id, ledger_accounting_day(e.effective_at, l.period) AS day
  FROM ledger_account a CROSS JOIN LATERAL (
       SELECT l.period, l.entry_id, l.seq, l.amount_fen FROM ledger_leg l
        WHERE l.ledger_id = a.ledger_id AND l.account_id = a.id AND l.period = :period
          AND (a.id > :account_id OR (l.entry_id, l.seq) > (:entry_id, :seq))
        ORDER BY l.entry_id, l.seq LIMIT :limit) AS l
  JOIN ledger_entry e ON e.ledger_id = a.ledger_id AND e.period = l.period AND e.id = l.entry_id
 WHERE a.ledger_id = :ledger_id AND a.owner_id = :owner_id AND a.id >= :account_id
 ORDER BY a.id, l.entry_id, l.seq LIMIT :limit
""")
_BEFORE_ALL = UUID(int=0), UUID(int=0), 0


def _signed(row: Any, fen: int) -> int:
    return fen if row.normal_side == Side.DEBIT else -fen


async def owned_accounts(
    session: AsyncSession, ledger_id: int, owner_id: UUID, period: int
) -> list[OwnedAccount]:
    """Every account of an owner, a handful, as it stood before an accounting month and after it."""
    first = date(period // 100, period % 100, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    asked = {"ledger_id": ledger_id, "owner_id": owner_id, "before": first - timedelta(days=1), "last": last}
    return [
        OwnedAccount(
            row.id,
            AccountKind(row.kind),
            _signed(row, row.opening),
            row.debit_fen,
            row.credit_fen,
            _signed(row, row.closing),
        )
        for row in await (await session.connection()).execute(_OWNED_ACCOUNTS, asked)
    ]


async def owned_movements(
    session: AsyncSession,
    ledger_id: int,
    owner_id: UUID,
    period: int,
    *,
    page: PageAsked[tuple[UUID, UUID, int]],
) -> list[OwnedMovement]:
    """Up to `limit + 1` of what moved on them in that month, by account, in the order of posting."""
    account_id, entry_id, seq = page.after or _BEFORE_ALL
    asked = {"ledger_id": ledger_id, "owner_id": owner_id, "period": period, "limit": page.limit + 1}
    after = {"account_id": account_id, "entry_id": entry_id, "seq": seq}
    return [
        OwnedMovement(
            row.id,
            AccountKind(row.account_kind),
            row.entry_id,
            row.seq,
            row.day,
            row.kind,
            row.effective_at,
            row.source_type,
            row.source_id,
            _signed(row, row.amount_fen),
        )
        for row in await (await session.connection()).execute(_OWNED_MOVEMENTS, asked | after)
    ]


async def all_owned_movements(
    session: AsyncSession, ledger_id: int, owner_id: UUID, period: int
) -> list[OwnedMovement]:
    """All of them. Raises StatementTooLong."""
    found = await owned_movements(session, ledger_id, owner_id, period, page=PageAsked(MOST_ROWS))
    if len(found) > MOST_ROWS:
        raise StatementTooLong(most=MOST_ROWS)
    return found
