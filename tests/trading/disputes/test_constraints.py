"""What no action writes, the table refuses: each condition by its name, and a second open dispute of a trade."""

import asyncpg
import pytest

from datamarket.foundation.db import Database
from datamarket.foundation.waiting.constraints import constraint_of
from datamarket.slices import constraint_errors
from datamarket.trading.disputes.rules import DisputeOpen
from tests.world import disputes, trading

CONDITIONS = {
    "trade_dispute_state_check": "UPDATE trade_dispute SET state = 'lost', closed_at = opened_at WHERE state = 'opened'",
    "trade_dispute_opened_by_check": "UPDATE trade_dispute SET opened_by = 'authority'",
    "trade_dispute_offered_by_check": "UPDATE trade_dispute SET offered_by = 'authority', offered_fen = 1",
    "trade_dispute_amount_check": "UPDATE trade_dispute SET offered_by = 'buyer', offered_fen = amount_fen + 1",
    "trade_dispute_offered_check": "UPDATE trade_dispute SET offered_fen = 1",
    "trade_dispute_closed_check": "UPDATE trade_dispute SET closed_at = opened_at",
    "trade_dispute_outcome_check": "UPDATE trade_dispute SET state = 'settled', closed_at = opened_at",
    "trade_dispute_trade_id_fkey": "UPDATE trade_dispute SET trade_id = id",
    "trade_dispute_hold_fkey": "UPDATE trade_dispute SET hold_id = id",
    "trade_dispute_refund_id_fkey": (
        "UPDATE trade_dispute SET state = 'settled', closed_at = opened_at, outcome_fen = 1, refund_id = id"
    ),
    "trade_dispute_open_key": (
        "INSERT INTO trade_dispute SELECT twin.* FROM trade_dispute AS t,"
        " jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid())) AS twin"
    ),
}


@pytest.mark.parametrize("name", CONDITIONS)
async def test_a_condition_of_disputes_refuses(database: Database, name: str) -> None:
    deal = await trading.active_contract(database)
    trade = await trading.trade(database, deal, 2)
    await disputes.opened(database, deal.buyer_account, trade.id)
    connection = await asyncpg.connect(database.url)
    try:
        await connection.execute("BEGIN; SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
            await connection.execute(CONDITIONS[name])
    finally:
        await connection.close()
    assert constraint_of(refused.value, {name}) == name


def test_a_second_open_dispute_has_its_refusal() -> None:
    assert constraint_errors()["trade_dispute_open_key"] is DisputeOpen
