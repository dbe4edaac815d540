"""Giving money back: in part or whole, mirroring the original entry."""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.db import driver
from datamarket.foundation.errors import Forbidden, Refused
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen, yuan
from datamarket.ledger import posting
from datamarket.ledger import rules as ledger_rules
from datamarket.ledger.books import queries as ledger
from datamarket.ledger.terms import EntryId, EntryKind
from datamarket.trading import rules
from datamarket.trading.tables import RefundRow, TradeRow


class NothingToRefund(Refused):
    code = "trade.nothing-to-refund"
    zh = "该交易没有可退的金额。"
    en = "Nothing of this trade is left to refund."


class SellerRefunds(Forbidden):
    code = "trade.seller-refunds"
    zh = "退款由卖方（数据企业）办理。"
    en = "The seller refunds a trade."


async def refund_trade(
    session: AsyncSession,
    actor: Actor,
    trade: TradeRow,
    *,
    amount_fen: Fen | None,
    reason: str,
    now: datetime,
) -> RefundRow:
    """Give back `amount_fen`, or all that is left. `trade` is locked by the caller.

    Every leg of the original gives back its share of what is left of it, by the largest remainder.
    Raises SellerRefunds, NothingToRefund, RefundExceeds.
    """
    if actor.participant_id != trade.provider_id:
        raise SellerRefunds
    amount = _amount_within(Fen(trade.amount_fen - trade.refunded_fen), amount_fen)
    refund = RefundRow(
        id=new_id(now),
        ledger_id=trade.ledger_id,
        trade_id=trade.id,
        amount_fen=amount,
        reason=reason,
        refunded_at=now,
        account_id=actor.account_id,
    )
    session.add(refund)
    trade.refunded_fen += amount
    trade.state = rules.state_after_refund(trade.amount_fen, trade.refunded_fen)
    trade.version += 1
    entry_id = await _post(session, actor, trade, refund, now)
    facts = {"refund_id": str(refund.id), "amount_fen": amount, "entry_id": str(entry_id)}
    await evidence.record(session, actor, "trading.refund", ("trade", trade.id), now=now, **facts)
    return refund


def _amount_within(left: Fen, asked: Fen | None) -> Fen:
    """What is asked for, or all that is left."""
    if left == 0:
        raise NothingToRefund
    amount = left if asked is None else asked
    if amount > left:
        raise ledger_rules.RefundExceeds(asked=yuan(amount), left=yuan(left))
    return amount


async def _post(
    session: AsyncSession, actor: Actor, trade: TradeRow, refund: RefundRow, now: datetime
) -> EntryId:
    connection = await driver(session)
    original = await ledger.entry_of(connection, trade.ledger_id, "trade", trade.id, EntryKind.SETTLEMENT)
    if original is None:
        raise NothingToRefund
    legs = await ledger.legs_of(connection, trade.ledger_id, original)
    refunded = await ledger.reversed_so_far(connection, trade.ledger_id, original)
    back = ledger_rules.mirror(legs, refunded, Fen(refund.amount_fen))
    source = "refund", refund.id
    reversal = posting.new_posting(actor, EntryKind.REFUND, source, back, now=now, reverses=original)
    await posting.post(connection, trade.ledger_id, [reversal], now=now)
    return reversal.id
