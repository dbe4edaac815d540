"""Payments of awards at the same moment as a suspension, as each other, as the bank's answer: each on a connection of its own."""

import asyncio
from fractions import Fraction

import asyncpg
import pytest

from datamarket.foundation.db import Database, PageAsked
from datamarket.participants import actions as participant_actions
from datamarket.participants import queries as participant_queries
from datamarket.participants.terms import ParticipantEvent
from datamarket.payouts.advice import AdviceTaken
from datamarket.payouts.bank.simulated import BankRules
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs import whole
from datamarket.subsidy.runs.terms import RunEvent
from tests.world import subsidy as world
from tests.world.books import assert_books_hold
from tests.world.payouts import REASONS
from tests.world.people import AUTHORITY
from tests.world.subsidy import AFTER_PUBLICITY, Officers


async def test_a_payment_waits_for_a_suspension_and_holds_the_award(fresh_database: Database) -> None:
    first, _ = await world.two_sellers_and_a_case(fresh_database)
    officers = Officers()
    run = await world.publicised(fresh_database, officers)
    posting = (RunEvent.APPROVE, RunEvent.POST)
    await world.moved(fresh_database, officers, run, *posting, now=AFTER_PUBLICITY)
    async with fresh_database.transaction() as session:
        row = await participant_queries.lock_participant(session, first.id)
        await participant_actions.move_participant(
            session, AUTHORITY, row, ParticipantEvent.SUSPEND, reason="核查", now=AFTER_PUBLICITY
        )
        await session.flush()
        paying = asyncio.create_task(
            world.moved(fresh_database, officers, run, RunEvent.PAY, now=AFTER_PUBLICITY)
        )
        await asyncio.sleep(0.3)
        assert not paying.done()
    await paying
    async with fresh_database.transaction() as session:
        held = await run_queries.list_holds(session, run.id, page=PageAsked(9))
    assert {(hold.stage, hold.state) for hold in held} == {("pay", "held")}
    await assert_books_hold(fresh_database.url)


async def test_a_refused_award_is_instructed_once_and_the_banks_answer_booked_once(
    fresh_database: Database,
) -> None:
    """Paid again twice at once, and the answer taken twice at once; behind the program the database refuses a second one."""
    first, _ = await world.two_sellers_and_a_case(fresh_database)
    officers = Officers()
    run = await world.publicised(fresh_database, officers)
    steps = (RunEvent.APPROVE, RunEvent.POST, RunEvent.PAY)
    refusing = BankRules(Fraction(0), 0, 0, REASONS, {first.uscc: "AC04"})
    run = await world.moved(fresh_database, officers, run, *steps, now=AFTER_PUBLICITY, bank=refusing)
    again = [
        world.moved(fresh_database, officers, run, RunEvent.PAY, now=AFTER_PUBLICITY, bank=None)
        for _ in range(2)
    ]
    outcomes = await asyncio.gather(*again, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NothingToPay", "SubsidyRun"]
    twice = (
        "INSERT INTO payout SELECT (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid(), 'position', 9,"
        " 'bank_reference', 'twice'))).* FROM payout p WHERE state = 'queued' LIMIT 1"
    )
    with pytest.raises(asyncpg.UniqueViolationError, match="payout_award_key"):
        async with fresh_database.connection() as connection:
            await connection.execute(twice)
    [(batch_id, content)] = await whole.send_awards(
        fresh_database, run, payer=officers.payer, cashier=officers.cashier, now=AFTER_PUBLICITY
    )
    taken = await asyncio.gather(
        *(world.answered(fresh_database, officers, batch_id, content) for _ in range(2))
    )
    assert sorted(taken) == [AdviceTaken(0, 0, 2), AdviceTaken(2, 0, 0)]
    async with fresh_database.transaction() as session:
        assert len(await run_queries.paid_awards(session, run_id=run.id)) == 3
    await assert_books_hold(fresh_database.url)
