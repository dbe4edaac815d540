"""A batch of payouts is approved by another than its maker, and sent: income becomes money in transit."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.db import driver
from datamarket.foundation.money import yuan
from datamarket.ledger import posting
from datamarket.ledger.holds import actions as holds
from datamarket.ledger.terms import AccountId, AccountKey, AccountKind, EntryKind, moved
from datamarket.participants import queries as participants
from datamarket.payouts import queries, rules
from datamarket.payouts.tables import Payout, PayoutBatch
from datamarket.payouts.terms import BatchEvent, PayoutEvent


async def move_batch(
    session: AsyncSession,
    actor: Actor,
    batch: PayoutBatch,
    event: BatchEvent,
    *,
    reason: str | None = None,
    now: datetime,
) -> PayoutBatch:
    """Approve, send or cancel; `batch` is locked by the caller.

    Raises TransitionNotAllowed, PayoutDutiesNotSeparate, SettledByAdvice, and what sending raises.
    """
    target, kept = rules.BATCH_LIFE.after(batch.state, event), list[Payout]()
    if event is BatchEvent.SETTLE:
        raise rules.SettledByAdvice
    if event is BatchEvent.APPROVE:
        rules.check_approver(batch.actor_id, actor.account_id)
        batch.approved_by, batch.approved_at = actor.account_id, now
    else:
        payouts = await queries.payouts_of(session, batch)
        kept = queries.of_awards(payouts)
        if event is BatchEvent.SEND:
            await _send(session, actor, batch, payouts, now)
        moved = PayoutEvent.SEND if event is BatchEvent.SEND else PayoutEvent.CANCEL
        for payout in payouts:
            payout.state = rules.PAYOUT_LIFE.after(payout.state, moved)
            payout.version += 1
    batch.state = target
    batch.version += 1
    facts = {"total_fen": batch.total_fen, "file_sha256": batch.file_sha256, "reason": reason}
    subject = "payout_batch", batch.id
    await evidence.record(session, actor, f"payouts.{event}", subject, *kept, now=now, **facts)
    return batch


def in_transit(payout: Payout) -> AccountKey:
    """Each payee's own, so that its age is the payee's; the city's offices share the market's."""
    return AccountKey(payout.ledger_id, payout.payee_id, AccountKind.PAYOUT_IN_TRANSIT)


async def _send(
    session: AsyncSession, actor: Actor, batch: PayoutBatch, payouts: Sequence[Payout], now: datetime
) -> None:
    """Income becomes money in transit, all of the batch in one posting. Raises PayeeSuspended, BalanceExceeded."""
    suspended = await participants.suspended_at(session, now)
    for payout in payouts:
        if payout.payee_id in suspended:
            raise rules.PayeeSuspended(position=payout.position, name=payout.payee_name)
    connection = await driver(session)
    transit = {in_transit(payout) for payout in payouts}
    await posting.open_accounts(connection, batch.ledger_id, transit, now=now)
    touched = {payout.account_id for payout in payouts} | {account.id for account in transit}
    available = await holds.hold_still(connection, batch.ledger_id, touched)
    for payout in payouts:
        if payout.amount_fen > available[payout.account_id]:
            left = yuan(available[payout.account_id])
            raise rules.BalanceExceeded(
                position=payout.position, amount=yuan(payout.amount_fen), available=left
            )
        available[payout.account_id] -= payout.amount_fen  # an enterprise may have several awards
    sent = []
    for payout in payouts:
        legs = moved(AccountId(payout.account_id), in_transit(payout).id, payout.amount_fen)
        source = queries.SOURCE, payout.id
        sent.append(posting.new_posting(actor, EntryKind.PAYOUT_SENT, source, legs, now=now))
    await posting.post(connection, batch.ledger_id, sent, now=now)
    batch.sent_by, batch.sent_at = actor.account_id, now
