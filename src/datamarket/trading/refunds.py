"""Giving money back: in part or whole, mirroring the original entry."""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.db import Connection, driver
from datamarket.foundation.errors import Conflict, Forbidden, Refused
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen, yuan
from datamarket.ledger import posting
from datamarket.ledger import rules as ledger_rules
from datamarket.ledger.books import queries as ledger
from datamarket.ledger.terms import EntryId, EntryKind, Leg
from datamarket.trading import queries, rules
from datamarket.trading.tables import RefundRow, TradeRow


class NothingToRefund(Refused):
    code = "trade.nothing-to-refund"
    zh = "该交易没有可退的金额。"
    en = "Nothing of this trade is left to refund."


class SellerRefunds(Forbidden):
    code = "trade.seller-refunds"
    zh = "退款由卖方（数据企业）办理。"
    en = "The seller refunds a trade."


class TradeDisputed(Conflict):
    code = "trade.disputed"
    zh = "该交易存在未了结的争议，退款须通过争议处理。"
    en = "A dispute of this trade is open: money goes back by its outcome alone."


async def refund_trade(
    session: AsyncSession,
    actor: Actor,
    trade: TradeRow,
    *,
    amount_fen: Fen | None,
    reason: str,
    now: datetime,
) -> RefundRow:
    """The seller gives back `amount_fen`, or all that is left. `trade` is locked by the caller.

    Raises SellerRefunds, TradeDisputed, NothingToRefund, RefundExceeds.
    """
    if actor.participant_id != trade.provider_id:
        raise SellerRefunds
    if await queries.is_disputed(await driver(session), trade.id):
        raise TradeDisputed
    amount = amount_within(trade, amount_fen)
    return await give_back(session, actor, trade, amount, reason=reason, now=now)


async def give_back(
    session: AsyncSession, actor: Actor, trade: TradeRow, amount: Fen, *, reason: str, now: datetime
) -> RefundRow:
    """Every leg of the original gives back its share of what is left of it, by the largest remainder.

    Raises NothingToRefund, RefundExceeds.
    """
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


def amount_within(trade: TradeRow, asked: Fen | None) -> Fen:
    """What is asked for, or all that is left of the trade. Raises NothingToRefund, RefundExceeds."""
    left = Fen(trade.amount_fen - trade.refunded_fen)
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
    original, back = await mirrored(connection, trade, Fen(refund.amount_fen))
    source = "refund", refund.id
    reversal = posting.new_posting(actor, EntryKind.REFUND, source, back, now=now, reverses=original)
    await posting.post(connection, trade.ledger_id, [reversal], now=now)
    return reversal.id


async def mirrored(connection: Connection, trade: TradeRow, amount: Fen) -> tuple[EntryId, tuple[Leg, ...]]:
    """The entry that settled a trade, and the legs that give an amount of it back. Raises NothingToRefund, RefundExceeds."""
    original = await ledger.entry_of(connection, trade.ledger_id, "trade", trade.id, EntryKind.SETTLEMENT)
    if original is None:
        raise NothingToRefund
    legs = await ledger.legs_of(connection, trade.ledger_id, original)
    refunded = await ledger.reversed_so_far(connection, trade.ledger_id, original)
    return original, ledger_rules.mirror(legs, refunded, amount)
