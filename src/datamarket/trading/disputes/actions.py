"""Opening a dispute, which holds the provider's part of the money, and moving it to its outcome.

Whoever acts has locked the trade, as whoever refunds it has: then the balances, all at once.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.contracts.deadlines import deadline
from datamarket.contracts.terms import Party
from datamarket.evidence import actions as evidence
from datamarket.foundation.db import driver
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen
from datamarket.ledger.holds import actions as holds
from datamarket.ledger.holds.terms import HoldId
from datamarket.ledger.terms import AccountId, AccountKey, AccountKind
from datamarket.trading import refunds
from datamarket.trading.disputes import rules
from datamarket.trading.disputes.tables import TradeDispute
from datamarket.trading.disputes.terms import DisputeEvent, DisputeFacts, DisputeState
from datamarket.trading.queries import is_disputed
from datamarket.trading.tables import TradeRow

SOURCE = "dispute"
NEVER = datetime(9000, 1, 1, tzinfo=UTC)
"""When a dispute's hold lapses: its outcome ends it, and no clock."""


async def open_dispute(
    session: AsyncSession,
    actor: Actor,
    trade: TradeRow,
    *,
    amount_fen: Fen | None,
    reason: str,
    documents: Sequence[dict[str, str]],
    now: datetime,
) -> TradeDispute:
    """A party disputes an amount, or all that is left, of a trade that the caller has locked.

    Raises DisputeNotYourMove, DisputeOpen, NothingToRefund, RefundExceeds.
    """
    side = rules.side_of(actor, buyer_id=trade.buyer_id, provider_id=trade.provider_id)
    if side not in {Party.BUYER, Party.PROVIDER}:
        raise rules.DisputeNotYourMove(event=rules.OPENING)
    if await is_disputed(await driver(session), trade.id):
        raise rules.DisputeOpen
    dispute = TradeDispute(
        id=new_id(now),
        ledger_id=trade.ledger_id,
        trade_id=trade.id,
        buyer_id=trade.buyer_id,
        provider_id=trade.provider_id,
        opened_by=side,
        amount_fen=refunds.amount_within(trade, amount_fen),
        reason=reason,
        documents=list(documents),
        answer_documents=[],
        answer_by=deadline("dispute", now),
        opened_at=now,
        account_id=actor.account_id,
    )
    held = await _hold(session, actor, trade, dispute, now)
    session.add(dispute)
    facts = {"amount_fen": dispute.amount_fen, "held_fen": held, "opened_by": side}
    await _record(session, actor, dispute, "open", now, trade_id=str(trade.id), **facts, **_told(documents))
    return dispute


async def _hold(
    session: AsyncSession, actor: Actor, trade: TradeRow, dispute: TradeDispute, now: datetime
) -> int:
    """Of its income the provider keeps aside what a refund of the amount would take, or as much of it as is left."""
    connection, ledger_id = await driver(session), trade.ledger_id
    _, legs = await refunds.mirrored(connection, trade, Fen(dispute.amount_fen))
    income = _income(dispute)
    part = sum(leg.amount_fen for leg in legs if leg.account_id == income)
    available = (await holds.hold_still(connection, ledger_id, [income])).get(income, 0)
    amount = max(0, min(part, available))
    if amount:
        dispute.hold_id = new_id(now)
        hold_id = HoldId(dispute.hold_id)
        intent = holds.HoldIntent(hold_id, income, Fen(amount), NEVER, SOURCE, dispute.id)
        await holds.place_hold(connection, ledger_id, actor, intent, now=now)
    return amount


def _income(dispute: TradeDispute) -> AccountId:
    return AccountKey(dispute.ledger_id, dispute.provider_id, AccountKind.PROVIDER_INCOME).id


def facts_of(dispute: TradeDispute) -> DisputeFacts:
    """What the rules decide on."""
    return DisputeFacts(
        DisputeState(dispute.state),
        Party(dispute.opened_by),
        Party(dispute.offered_by) if dispute.offered_by else None,
        dispute.amount_fen,
        dispute.answer_by,
    )


async def move_dispute(
    session: AsyncSession,
    actor: Actor,
    trade: TradeRow,
    dispute: TradeDispute,
    event: DisputeEvent,
    *,
    amount_fen: int | None = None,
    reason: str | None = None,
    documents: Sequence[dict[str, str]] = (),
    now: datetime,
) -> TradeDispute:
    """Answer, offer, settle, decide, withdraw; trade and dispute are locked by the caller.

    Raises what `rules.check_move` raises.
    """
    side = rules.side_of(actor, buyer_id=dispute.buyer_id, provider_id=dispute.provider_id)
    following = rules.check_move(
        facts_of(dispute), event, side, amount_fen=amount_fen, reason=reason, documents=documents, now=now
    )
    if event is DisputeEvent.ANSWER:
        dispute.answer, dispute.answer_documents, dispute.answered_at = reason, list(documents), now
    elif event is DisputeEvent.OFFER:
        dispute.offered_by, dispute.offered_fen = side, amount_fen
    else:
        outcome = dispute.offered_fen if event is DisputeEvent.SETTLE else amount_fen
        dispute.refund_id = await _pay_out(
            session, actor, trade, dispute, outcome or 0, reason=reason or dispute.reason, now=now
        )
        dispute.closed_at, dispute.outcome_fen, dispute.outcome_reason = now, outcome, reason
    dispute.state = following
    dispute.version += 1
    facts = {"amount_fen": amount_fen, "outcome_fen": dispute.outcome_fen, "reason": reason}
    told = {name: value for name, value in facts.items() if value is not None}
    await _record(session, actor, dispute, event, now, **told, **_told(documents))
    return dispute


async def _pay_out(
    session: AsyncSession,
    actor: Actor,
    trade: TradeRow,
    dispute: TradeDispute,
    outcome: int,
    *,
    reason: str,
    now: datetime,
) -> UUID | None:
    """The hold ends, and the outcome is refunded: nobody takes the money between the two, since every balance is locked."""
    connection = await driver(session)
    if dispute.hold_id is not None:
        _, legs = await refunds.mirrored(connection, trade, Fen(outcome))
        touched = {_income(dispute), *(leg.account_id for leg in legs)}
        await holds.lock_balances(connection, dispute.ledger_id, touched)
        hold_id, why = HoldId(dispute.hold_id), f"dispute {dispute.id} closed"
        await holds.void_hold(connection, dispute.ledger_id, actor, hold_id, reason=why, now=now)
    if not outcome:
        return None
    return (await refunds.give_back(session, actor, trade, Fen(outcome), reason=reason, now=now)).id


def _told(documents: Sequence[dict[str, str]]) -> dict[str, Any]:
    """The digests, so that the sealed log holds them."""
    return {"documents": [document["digest"] for document in documents]} if documents else {}


async def _record(
    session: AsyncSession, actor: Actor, dispute: TradeDispute, verb: str, now: datetime, **facts: Any
) -> None:
    action = f"trading.{verb}-dispute"
    await evidence.record(session, actor, action, (SOURCE, dispute.id), now=now, **facts)
