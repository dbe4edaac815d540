"""Reading what can be paid out, batches and payouts."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.queries import seen_by
from datamarket.auth.terms import Actor
from datamarket.foundation.db import Connection, PageAsked, asked, get_row, keyset, lock_row, one_row
from datamarket.foundation.errors import NotFound
from datamarket.ledger.terms import EntryKind
from datamarket.payouts.tables import Payout, PayoutBatch
from datamarket.payouts.terms import BatchState, PayableKind, PayoutState

SOURCE = "payout"
"""What a payout is called as the source of its entries."""


class Payable(NamedTuple):
    """An account, what it can give, and the one award that this pays; income is for none."""

    account_id: UUID
    owner_id: UUID | None
    kind: str
    amount_fen: int
    award_id: UUID | None = None


class Asked(NamedTuple):
    """Which income to pay out; with a day, only what had come in by its end."""

    kinds: frozenset[PayableKind]
    min_amount_fen: int
    up_to_day: date | None


_PAYABLE = """
SELECT * FROM (
    SELECT a.id AS account_id, a.owner_id, a.kind,
           b.credit_fen - b.debit_fen - b.held_fen
           - CASE WHEN $5::date IS NULL THEN 0
                  ELSE (SELECT coalesce(sum(d.credit_fen), 0)::bigint FROM ledger_day d
                         WHERE d.ledger_id = a.ledger_id AND d.account_id = a.id AND d.day > $5) END AS amount_fen
      FROM ledger_account a JOIN ledger_balance b ON b.ledger_id = a.ledger_id AND b.account_id = a.id
     WHERE a.ledger_id = $1 AND a.kind = ANY ($2::text[]) AND b.credit_fen > b.debit_fen
       AND (a.owner_id IS NULL OR a.owner_id <> ALL ($3::uuid[]))
       AND NOT EXISTS (SELECT FROM payout p
                        WHERE p.ledger_id = a.ledger_id AND p.account_id = a.id AND p.state = 'queued')
) AS payable
 WHERE amount_fen >= $4 ORDER BY kind, account_id LIMIT $6
"""


async def payable_accounts(
    connection: Connection,
    ledger_id: int,
    asked: Asked,
    *,
    without: Iterable[UUID],
    limit: int,
) -> list[Payable]:
    """Income accounts that hold enough and wait in no batch, but not of these owners.

    With a day: what had come in by its end, less all that has gone out until now.
    """
    rows = await connection.fetch(
        _PAYABLE,
        ledger_id,
        sorted(asked.kinds),
        list(without),
        asked.min_amount_fen,
        asked.up_to_day,
        limit,
    )
    return [Payable(*row.values()) for row in rows]


async def sent_entries(connection: Connection, ledger_id: int, payouts: Iterable[UUID]) -> dict[UUID, UUID]:
    """The entry that sent each payout."""
    rows = await connection.fetch(
        "SELECT source_id, entry_id FROM business_key"
        " WHERE ledger_id = $1 AND source_type = $2 AND source_id = ANY ($3::uuid[]) AND kind = $4",
        ledger_id,
        SOURCE,
        list(payouts),
        EntryKind.PAYOUT_SENT,
    )
    return {row["source_id"]: row["entry_id"] for row in rows}


async def get_batch(
    session: AsyncSession, ledger_id: int, batch_id: UUID, *, visible_to: Actor
) -> PayoutBatch:
    """For overseers. Raises NotFound."""
    return _overseen(await get_row(session, PayoutBatch, (ledger_id, batch_id), "payout batch"), visible_to)


async def lock_batch(
    session: AsyncSession, ledger_id: int, batch_id: UUID, *, visible_to: Actor
) -> PayoutBatch:
    """A batch as it is now, which nobody else moves meanwhile. Raises NotFound."""
    return _overseen(await lock_row(session, PayoutBatch, (ledger_id, batch_id), "payout batch"), visible_to)


def _overseen(batch: PayoutBatch, actor: Actor) -> PayoutBatch:
    if not actor.sees_all:
        raise NotFound(thing="payout batch")
    return batch


async def list_batches(
    session: AsyncSession,
    ledger_id: int,
    *,
    visible_to: Actor,
    state: BatchState | None,
    page: PageAsked[UUID],
) -> Sequence[PayoutBatch]:
    """Newest first; for who is no overseer, none."""
    if not visible_to.sees_all:
        return []
    statement = select(PayoutBatch).where(
        PayoutBatch.ledger_id == ledger_id, *asked((PayoutBatch.state, state))
    )
    return (await session.exec(keyset(statement, col(PayoutBatch.id), page, newest_first=True))).all()


async def payouts_of(session: AsyncSession, batch: PayoutBatch) -> Sequence[Payout]:
    """All of a batch, in the order of its file, as they are now."""
    statement = (
        select(Payout)
        .where(Payout.ledger_id == batch.ledger_id, Payout.batch_id == batch.id)
        .order_by(col(Payout.position))
        .execution_options(populate_existing=True)
    )
    return (await session.exec(statement)).all()


def of_awards(payouts: Iterable[Payout]) -> list[Payout]:
    """Those that the audit keeps as rows of a register: I19 holds them to their events."""
    return [payout for payout in payouts if payout.award_id is not None]


async def payouts_for(session: AsyncSession, ledger_id: int, awards: Iterable[UUID]) -> Sequence[Payout]:
    """Every payment of these awards that was ever instructed, oldest first."""
    statement = select(Payout).where(Payout.ledger_id == ledger_id, col(Payout.award_id).in_(awards))
    return (await session.exec(statement.order_by(col(Payout.id)))).all()


async def list_payouts(
    session: AsyncSession,
    ledger_id: int,
    *,
    visible_to: Actor,
    batch: UUID | None,
    payee: UUID | None,
    account: UUID | None = None,
    state: PayoutState | None,
    page: PageAsked[UUID],
) -> Sequence[Payout]:
    """Newest first: a payee's own, all for overseers."""
    statement = select(Payout).where(
        Payout.ledger_id == ledger_id,
        seen_by(visible_to, Payout.payee_id),
        *asked(
            (Payout.batch_id, batch),
            (Payout.payee_id, payee),
            (Payout.account_id, account),
            (Payout.state, state),
        ),
    )
    return (await session.exec(keyset(statement, col(Payout.id), page, newest_first=True))).all()


async def get_payout(session: AsyncSession, ledger_id: int, payout_id: UUID, *, visible_to: Actor) -> Payout:
    """Raises NotFound, also for another's."""
    statement = select(Payout).where(
        Payout.ledger_id == ledger_id, Payout.id == payout_id, seen_by(visible_to, Payout.payee_id)
    )
    return await one_row(session, statement, "payout")
