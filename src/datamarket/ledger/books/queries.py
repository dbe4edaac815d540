"""Reading the books. Every statement names its ledger."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.queries import seen_by
from datamarket.auth.terms import Actor
from datamarket.foundation.db import Connection, PageAsked, asked, keyset, one_row, there
from datamarket.foundation.money import Fen
from datamarket.ledger.books.tables import LedgerAccount, LedgerBalance, LedgerEntry, LedgerLeg
from datamarket.ledger.terms import AccountId, EntryId, Leg


class AccountBalance(NamedTuple):
    """An account beside its balance."""

    account: LedgerAccount
    balance: LedgerBalance


_ACCOUNTS = select(LedgerAccount, LedgerBalance).join(
    LedgerBalance,
    (col(LedgerBalance.ledger_id) == LedgerAccount.ledger_id)
    & (col(LedgerBalance.account_id) == LedgerAccount.id),
)


async def list_accounts(
    session: AsyncSession,
    ledger_id: int,
    *,
    visible_to: Actor,
    owner: UUID | None = None,
    kind: str | None = None,
    page: PageAsked[UUID],
) -> Sequence[AccountBalance]:
    """Accounts with balances, in the order of their ids."""
    statement = _ACCOUNTS.where(
        LedgerAccount.ledger_id == ledger_id,
        seen_by(visible_to, LedgerAccount.owner_id),
        *asked((LedgerAccount.owner_id, owner), (LedgerAccount.kind, kind)),
    )
    return [
        AccountBalance(*row)
        for row in (await session.exec(keyset(statement, col(LedgerAccount.id), page))).all()
    ]


async def get_account(
    session: AsyncSession, ledger_id: int, account_id: UUID, *, visible_to: Actor
) -> AccountBalance:
    """Raises NotFound, also for another's account."""
    statement = _ACCOUNTS.where(
        LedgerAccount.ledger_id == ledger_id,
        LedgerAccount.id == account_id,
        seen_by(visible_to, LedgerAccount.owner_id),
    )
    return AccountBalance(*await one_row(session, statement, "account"))


async def list_legs(
    session: AsyncSession,
    ledger_id: int,
    account_id: UUID,
    *,
    page: PageAsked[tuple[int, UUID, int]],
) -> Sequence[tuple[LedgerLeg, LedgerEntry]]:
    """An account's movements, newest month first."""
    order = (col(LedgerLeg.period), col(LedgerLeg.entry_id), col(LedgerLeg.seq))
    statement = (
        select(LedgerLeg, LedgerEntry)
        .join(
            LedgerEntry,
            (col(LedgerEntry.ledger_id) == LedgerLeg.ledger_id)
            & (col(LedgerEntry.period) == LedgerLeg.period)
            & (col(LedgerEntry.id) == LedgerLeg.entry_id),
        )
        .where(LedgerLeg.ledger_id == ledger_id, LedgerLeg.account_id == account_id)
        .order_by(*(column.desc() for column in order))
        .limit(page.limit + 1)
    )
    if page.after is not None:
        period, entry, seq = page.after
        older = (order[0] < period) | (
            (order[0] == period) & ((order[1] < entry) | ((order[1] == entry) & (order[2] < seq)))
        )
        statement = statement.where(older)
    return (await session.exec(statement)).all()


async def get_entry(
    session: AsyncSession, ledger_id: int, entry_id: UUID, *, visible_to: Actor
) -> tuple[LedgerEntry, Sequence[tuple[LedgerLeg, LedgerAccount]]]:
    """One entry with the legs of the reader's own accounts; overseers see all. Raises NotFound where there is none.

    What both sides of a trade know of the rest, its gross amount and its split, stands in the trade.
    """
    wanted = select(LedgerEntry).where(LedgerEntry.ledger_id == ledger_id, LedgerEntry.id == entry_id)
    entry = await one_row(session, wanted, "entry")
    statement = (
        select(LedgerLeg, LedgerAccount)
        .join(
            LedgerAccount,
            (col(LedgerAccount.ledger_id) == LedgerLeg.ledger_id)
            & (col(LedgerAccount.id) == LedgerLeg.account_id),
        )
        .where(
            LedgerLeg.ledger_id == ledger_id,
            LedgerLeg.period == entry.period,
            LedgerLeg.entry_id == entry_id,
            seen_by(visible_to, LedgerAccount.owner_id),
        )
        .order_by(col(LedgerLeg.seq))
    )
    return entry, there((await session.exec(statement)).all() or None, "entry")


_TRIAL_BALANCE = text("""
SELECT a.kind, count(*) AS accounts, sum(b.debit_fen)::bigint AS debit_fen, sum(b.credit_fen)::bigint AS credit_fen
  FROM ledger_balances_at(:ledger_id, :at) b
  JOIN ledger_account a ON a.ledger_id = :ledger_id AND a.id = b.account_id
 GROUP BY a.kind ORDER BY a.kind
""")
_TRIAL_BALANCE_NOW = text("""
SELECT a.kind, count(*) AS accounts, sum(b.debit_fen)::bigint AS debit_fen, sum(b.credit_fen)::bigint AS credit_fen
  FROM ledger_account a JOIN ledger_balance b ON b.ledger_id = a.ledger_id AND b.account_id = a.id
 WHERE a.ledger_id = :ledger_id AND b.version > 0
 GROUP BY a.kind ORDER BY a.kind
""")
_BALANCE = text("SELECT debit_fen, credit_fen FROM ledger_balance_at(:ledger_id, :account_id, :at)")


async def trial_balance(session: AsyncSession, ledger_id: int, *, at: date | None) -> Sequence[Row[Any]]:
    """Debits and credits by account kind: at the end of an accounting day, or now from the stored balances.

    Past days stand on the last closing before them and on what moved each day since; legs are not read.
    """
    connection = await session.connection()
    if at is None:
        return (await connection.execute(_TRIAL_BALANCE_NOW, {"ledger_id": ledger_id})).all()
    return (await connection.execute(_TRIAL_BALANCE, {"ledger_id": ledger_id, "at": at})).all()


async def balance_at(session: AsyncSession, ledger_id: int, account_id: UUID, *, at: date) -> tuple[int, int]:
    """All debits and all credits of one account until the end of an accounting day."""
    parameters = {"ledger_id": ledger_id, "account_id": account_id, "at": at}
    found = (await (await session.connection()).execute(_BALANCE, parameters)).one()
    return found.debit_fen, found.credit_fen


async def entry_of(
    connection: Connection, ledger_id: int, source_type: str, source_id: UUID, kind: str
) -> EntryId | None:
    """The entry that settled a business, if any."""
    found: EntryId | None = await connection.fetchval(
        "SELECT entry_id FROM business_key WHERE ledger_id = $1 AND source_type = $2 AND source_id = $3 AND kind = $4",
        ledger_id,
        source_type,
        source_id,
        kind,
    )
    return found


async def legs_of(connection: Connection, ledger_id: int, entry_id: EntryId) -> list[Leg]:
    """The legs of one entry, in their order."""
    rows = await connection.fetch(
        "SELECT account_id, amount_fen FROM ledger_leg l JOIN ledger_entry e USING (ledger_id, period)"
        " WHERE e.ledger_id = $1 AND e.id = $2 AND l.entry_id = e.id ORDER BY seq",
        ledger_id,
        entry_id,
    )
    return [Leg(AccountId(row["account_id"]), Fen(row["amount_fen"])) for row in rows]


async def reversed_so_far(connection: Connection, ledger_id: int, entry_id: EntryId) -> dict[AccountId, int]:
    """What reversals took back from each leg of an entry, in positive fen."""
    rows = await connection.fetch(
        "SELECT l.account_id, abs(sum(l.amount_fen))::bigint AS back"
        " FROM ledger_entry e JOIN ledger_leg l ON l.ledger_id = e.ledger_id AND l.period = e.period AND l.entry_id = e.id"
        " WHERE e.ledger_id = $1 AND e.reverses = $2 GROUP BY l.account_id",
        ledger_id,
        entry_id,
    )
    return {AccountId(row["account_id"]): row["back"] for row in rows}
