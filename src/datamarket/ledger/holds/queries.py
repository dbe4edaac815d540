"""Reading holds. Every statement names its ledger."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import col, exists, select, true
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.queries import seen_by
from datamarket.auth.terms import Actor
from datamarket.foundation.db import Connection, PageAsked, asked, keyset, one_row
from datamarket.ledger.books.tables import LedgerAccount
from datamarket.ledger.holds.tables import LedgerHold, LedgerHoldPosting
from datamarket.ledger.holds.terms import HoldState


def _visible(actor: Actor) -> Any:
    """One's own money; overseers see all."""
    if actor.sees_all:
        return true()
    return exists().where(
        col(LedgerAccount.ledger_id) == LedgerHold.ledger_id,
        col(LedgerAccount.id) == LedgerHold.account_id,
        seen_by(actor, LedgerAccount.owner_id),
    )


async def list_holds(
    session: AsyncSession,
    ledger_id: int,
    *,
    visible_to: Actor,
    account: UUID | None,
    state: HoldState | None,
    page: PageAsked[UUID],
) -> Sequence[LedgerHold]:
    """Newest first."""
    statement = select(LedgerHold).where(
        LedgerHold.ledger_id == ledger_id,
        _visible(visible_to),
        *asked((LedgerHold.account_id, account), (LedgerHold.state, state)),
    )
    return (await session.exec(keyset(statement, col(LedgerHold.id), page, newest_first=True))).all()


async def get_hold(session: AsyncSession, ledger_id: int, hold_id: UUID, *, visible_to: Actor) -> LedgerHold:
    """Raises NotFound, also for a hold on another's account."""
    statement = select(LedgerHold).where(
        LedgerHold.ledger_id == ledger_id, LedgerHold.id == hold_id, _visible(visible_to)
    )
    return await one_row(session, statement.execution_options(populate_existing=True), "hold")


async def is_open(connection: Connection, ledger_id: int, hold_id: UUID) -> bool:
    """Whether something is still held; who has locked the account's balance is told for good."""
    statement = "SELECT resolved_at IS NULL FROM ledger_hold WHERE ledger_id = $1 AND id = $2"
    return bool(await connection.fetchval(statement, ledger_id, hold_id))


async def postings_of(session: AsyncSession, ledger_id: int, hold_id: UUID) -> Sequence[LedgerHoldPosting]:
    """The entries that took from a hold, oldest first; a hold has a handful."""
    statement = select(LedgerHoldPosting).where(
        LedgerHoldPosting.ledger_id == ledger_id, LedgerHoldPosting.hold_id == hold_id
    )
    return (await session.exec(statement.order_by(col(LedgerHoldPosting.entry_id)).limit(100))).all()
