"""A little of everything for stands that need a past: trades under keys, refunds, late events, free of HTTP."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from datamarket.contracts.terms import Purpose
from datamarket.foundation.db import Database
from datamarket.foundation.idempotency import Claim, fingerprint
from datamarket.foundation.money import Fen
from datamarket.trading import queries, refunds
from datamarket.trading.actions import Recorder
from datamarket.trading.api import render
from datamarket.trading.desk import TradeDesk
from datamarket.trading.tables import RefundRow
from datamarket.trading.terms import Order
from loadtests.bench_market import Grown, Trader

CALLER = "fault harness"


@dataclass(frozen=True)
class Recorded:
    """One trade as its caller has it."""

    claim: Claim
    order: Order
    answer: bytes
    trade_id: UUID


def order_of(trader: Trader, at: datetime, quantity: int = 1) -> Order:
    """Units under the trader's contract."""
    return Order(trader.actor, trader.contract_id, Purpose.INDUSTRIAL_DEVELOPMENT, quantity, None, at)


def claim_of(ledger_id: int, key: str) -> Claim:
    return Claim(ledger_id, CALLER, key, fingerprint("POST", "/api/v1/trades", key.encode()))


async def record(database: Database, ledger_id: int, order: Order, key: str, *, now: datetime) -> bytes:
    """One trade through the desk, under its key; the stored answer."""
    desk = TradeDesk(database, Recorder(ledger_id), render, lambda: now)
    return (await desk.record(order, claim_of(ledger_id, key))).body


async def refund(
    database: Database, grown: Grown, trade_id: UUID, amount: Fen | None, *, now: datetime
) -> RefundRow:
    """The provider gives back an amount, or all that is left."""
    async with database.transaction() as session:
        row = await queries.get_trade(session, trade_id, visible_to=grown.provider, lock=True)
        return await refunds.refund_trade(
            session, grown.provider, row, amount_fen=amount, reason="fault harness", now=now
        )


async def some_business(
    database: Database, ledger_id: int, grown: Grown, *, trades: int, now: datetime
) -> dict[str, bytes]:
    """So many trades of the last hour, a third of them refunded in part or whole; the answers by key."""
    answers: dict[str, bytes] = {}
    for number in range(trades):
        key = f"business-{now.timestamp():.0f}-{number}"
        trader = grown.traders[number % len(grown.traders)]
        at = now - timedelta(seconds=trades - number)
        answers[key] = await record(database, ledger_id, order_of(trader, at, 1 + number % 7), key, now=at)
        if number % 3 == 0:
            amount = None if number % 2 else Fen(1 + number)
            await refund(database, grown, trade_id_of(answers[key]), amount, now=at)
    return answers


def trade_id_of(answer: bytes) -> UUID:
    """The trade that an answer tells of."""
    return UUID(orjson.loads(answer)["id"])
