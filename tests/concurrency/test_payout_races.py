"""Two officers at once: a batch is sent once, an advice is booked once, an income leaves once."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy.exc import IntegrityError

from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from datamarket.foundation.money import Fen
from datamarket.foundation.states import TransitionNotAllowed
from datamarket.ledger.terms import AccountKind
from datamarket.payouts import files
from datamarket.payouts.advice import AdviceTaken
from datamarket.payouts.bank import simulated as bank
from datamarket.payouts.rules import AdviceContradicts, BalanceExceeded
from datamarket.payouts.tables import PayoutBatch
from datamarket.payouts.terms import BankAnswer, BatchEvent
from tests.world import payouts, trading
from tests.world.books import assert_books_hold
from tests.world.payouts import Officers, bank_rules


@pytest_asyncio.fixture
async def market(fresh_database: Database) -> AsyncIterator[Database]:
    yield fresh_database
    await assert_books_hold(fresh_database.url)


async def balance_of(database: Database, kind: AccountKind) -> int:
    """Of all accounts of a kind, positive on the credit side."""
    async with database.connection() as connection:
        found: int = await connection.fetchval(
            "SELECT coalesce(sum(b.credit_fen - b.debit_fen), 0)::bigint FROM ledger_balance b"
            " JOIN ledger_account a ON a.ledger_id = b.ledger_id AND a.id = b.account_id WHERE a.kind = $1",
            kind,
        )
    return found


async def test_two_sends_at_once_send_once(market: Database) -> None:
    await payouts.earned(market)
    officers = Officers()
    batch = await payouts.approved(market, officers)
    outcomes = await asyncio.gather(
        *(payouts.moved(market, officers.maker, batch.id, BatchEvent.SEND) for _ in range(4)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, PayoutBatch) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, TransitionNotAllowed) for outcome in outcomes) == 3
    assert await balance_of(market, AccountKind.PAYOUT_IN_TRANSIT) == batch.total_fen


async def test_two_equal_advices_at_once_are_booked_once(market: Database) -> None:
    await payouts.earned(market)
    officers = Officers()
    batch = await payouts.sent(market, officers)
    answered = bank.run_bank(await payouts.file_of(market, batch), bank_rules(), 7)
    advice = files.write_advice(answered.advice)
    taken = await asyncio.gather(
        *(payouts.answered(market, officers.maker, batch.id, advice) for _ in range(4))
    )
    assert sorted(taken) == [*[AdviceTaken(0, 0, batch.payouts)] * 3, AdviceTaken(batch.payouts, 0, 0)]
    assert await balance_of(market, AccountKind.PAYOUT_IN_TRANSIT) == 0


async def test_of_two_advices_that_contradict_one_is_booked(market: Database) -> None:
    await payouts.earned(market)
    officers = Officers()
    batch = await payouts.sent(market, officers)
    content = await payouts.file_of(market, batch)
    texts = [
        files.write_advice(bank.run_bank(content, bank_rules(refuse=share), 7).advice)  # type: ignore[arg-type]
        for share in (0, 1)
    ]
    outcomes = await asyncio.gather(
        *(payouts.answered(market, officers.maker, batch.id, text) for text in texts), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == [
        AdviceContradicts.__name__,
        "AdviceTaken",
    ]
    async with market.connection() as connection:
        decided = await connection.fetch("SELECT DISTINCT state FROM payout")
    assert len(decided) == 1
    assert decided[0]["state"] in set(BankAnswer)


async def test_two_proposals_at_once_queue_no_account_twice(market: Database) -> None:
    await payouts.earned(market)
    officers = Officers()
    outcomes = await asyncio.gather(
        *(payouts.proposed(market, officers) for _ in range(3)), return_exceptions=True
    )
    assert sum(isinstance(outcome, PayoutBatch) for outcome in outcomes) == 1
    for outcome in outcomes:
        assert isinstance(outcome, PayoutBatch | IntegrityError | MarketError), outcome
    async with market.connection() as connection:
        twice = await connection.fetch("SELECT account_id FROM payout GROUP BY 1 HAVING count(*) > 1")
    assert twice == []


async def test_a_send_and_refunds_at_once_never_pay_out_what_is_not_there(market: Database) -> None:
    """Whoever is first: after the refund the batch is refused; after the batch the income is owed."""
    earned = await payouts.earned(market, trades=1)
    deal = earned.agreements[0]
    officers = Officers()
    batch = await payouts.approved(market, officers)
    async with market.connection() as connection:
        trade_id = await connection.fetchval("SELECT id FROM trade WHERE contract_id = $1", deal.contract.id)
    sending, _ = await asyncio.gather(
        payouts.moved(market, officers.maker, batch.id, BatchEvent.SEND),
        trading.refund(market, deal, trade_id, Fen(1_000)),
        return_exceptions=True,
    )
    transit = await balance_of(market, AccountKind.PAYOUT_IN_TRANSIT)
    if isinstance(sending, BaseException):
        assert isinstance(sending, BalanceExceeded)
        assert transit == 0
    else:
        assert transit == batch.total_fen


@pytest.mark.parametrize("other", [BatchEvent.CANCEL])
async def test_a_batch_that_is_sent_and_cancelled_at_once_is_one_of_the_two(
    market: Database, other: BatchEvent
) -> None:
    await payouts.earned(market)
    officers = Officers()
    batch = await payouts.approved(market, officers)
    outcomes = await asyncio.gather(
        payouts.moved(market, officers.maker, batch.id, BatchEvent.SEND),
        payouts.moved(market, officers.approver, batch.id, other),
        return_exceptions=True,
    )
    [won] = [outcome for outcome in outcomes if isinstance(outcome, PayoutBatch)]
    transit = await balance_of(market, AccountKind.PAYOUT_IN_TRANSIT)
    assert transit == (batch.total_fen if won.state == "sent" else 0)
