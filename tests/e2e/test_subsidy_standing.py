"""Standing at approval, posting and payment: an award whose payee lost it waits, the others go on, nothing is trapped."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from datamarket.auth.terms import Actor
from datamarket.foundation import states
from datamarket.foundation.db import Database, PageAsked
from datamarket.ledger.terms import AccountKey, AccountKind
from datamarket.notices.events.terms import EventType
from datamarket.participants import actions as participant_actions
from datamarket.participants import queries as participant_queries
from datamarket.participants.tables import Participant
from datamarket.participants.terms import ParticipantEvent
from datamarket.subsidy.cases import tables as case_tables
from datamarket.subsidy.register import actions as register_actions
from datamarket.subsidy.register import queries as register_queries
from datamarket.subsidy.runs import actions as run_actions
from datamarket.subsidy.runs import payment
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs import rules as run_rules
from datamarket.subsidy.runs.tables import AwardHold, SubsidyRun
from datamarket.subsidy.runs.terms import AwardHoldEvent, AwardHoldState, RunEvent, RunState
from tests.world import notices
from tests.world import subsidy as world
from tests.world.books import assert_books_hold, balance_of
from tests.world.participants import acting_for
from tests.world.people import AUTHORITY
from tests.world.subsidy import AFTER_PUBLICITY, AFTER_YEAR, CITY, YEAR, Officers
from tests.world.trading import LEDGER_ID

FIRST_FEN, SECOND_FEN = 60_200_000, 100_001
TOTAL = FIRST_FEN + SECOND_FEN
DAY = timedelta(days=1)


async def move(database: Database, who: Participant, event: ParticipantEvent, at: datetime) -> None:
    async with database.transaction() as session:
        row = await participant_queries.lock_participant(session, who.id)
        await participant_actions.move_participant(session, AUTHORITY, row, event, reason="核查", now=at)


async def holds_of(database: Database, run: SubsidyRun) -> Sequence[AwardHold]:
    async with database.transaction() as session:
        return await run_queries.list_holds(session, run.id, page=PageAsked(50))


async def decide(
    database: Database, who: Actor, hold: AwardHold, event: AwardHoldEvent, reason: str | None = None
) -> AwardHold:
    async with database.transaction() as session:
        run = await run_queries.lock_run(session, hold.run_id)
        held = await run_queries.get_hold(session, run.id, hold.id)
        return await run_actions.move_hold(
            session, who, run, held, event, reason=reason, now=AFTER_PUBLICITY + 3 * DAY
        )


async def bank(database: Database) -> int:
    return await balance_of(database, AccountKey(LEDGER_ID, None, AccountKind.SUBSIDY_EXPENSE))


async def payable(database: Database, company: Participant) -> int:
    return await balance_of(database, AccountKey(LEDGER_ID, company.id, AccountKind.SUBSIDY_PAYABLE))


async def committed(database: Database) -> int | None:
    async with database.transaction() as session:
        budget = await register_queries.lock_budget(session, CITY, YEAR)
        return budget.committed_fen if budget else None


async def budgeted(database: Database) -> tuple[Participant, Participant, Officers, SubsidyRun]:
    """A public list of two payees, and a pool that holds it exactly."""
    first, second = await world.two_sellers_and_a_case(database)
    officers = Officers()
    run = await world.publicised(database, officers)
    async with database.transaction() as session:
        await register_actions.set_budget(
            session, officers.payer, None, scheme_id=CITY, year=YEAR, amount_fen=TOTAL, now=AFTER_YEAR
        )
    return first, second, officers, run


@pytest.mark.edge(41)
async def test_who_is_suspended_at_the_approval_waits_and_once_restored_is_paid_with_the_others(
    fresh_database: Database,
) -> None:
    first, second, officers, run = await budgeted(fresh_database)
    await move(fresh_database, first, ParticipantEvent.SUSPEND, AFTER_YEAR + DAY)
    run = await world.moved(fresh_database, officers, run, RunEvent.APPROVE, now=AFTER_PUBLICITY)
    held = await holds_of(fresh_database, run)
    assert {(hold.state, hold.cause, hold.reason, hold.stage) for hold in held} == {
        ("held", "suspended", "核查", "approve")
    }
    assert (len(held), await committed(fresh_database)) == (2, TOTAL)
    await world.moved(fresh_database, officers, run, RunEvent.POST, now=AFTER_PUBLICITY)
    assert (await payable(fresh_database, first), await payable(fresh_database, second)) == (0, -SECOND_FEN)
    await assert_books_hold(fresh_database.url)
    await move(fresh_database, first, ParticipantEvent.RESTORE, AFTER_PUBLICITY + DAY)
    paying = (RunEvent.PAY, RunEvent.CLOSE)
    run = await world.moved(fresh_database, officers, run, *paying, now=AFTER_PUBLICITY + 2 * DAY)
    assert {hold.state for hold in await holds_of(fresh_database, run)} == {AwardHoldState.RELEASED}
    assert (await bank(fresh_database), await payable(fresh_database, first)) == (TOTAL, 0)
    assert run.state == RunState.CLOSED
    await assert_books_hold(fresh_database.url)


@pytest.mark.edge(40)
async def test_who_withdrew_before_payment_is_never_paid_and_claim_and_budget_come_back(
    fresh_database: Database,
) -> None:
    first, _, officers, run = await budgeted(fresh_database)
    posting = (RunEvent.APPROVE, RunEvent.POST)
    await world.moved(fresh_database, officers, run, *posting, now=AFTER_PUBLICITY)
    await move(fresh_database, first, ParticipantEvent.WITHDRAW, AFTER_PUBLICITY + DAY)
    later = AFTER_PUBLICITY + 2 * DAY
    await world.moved(fresh_database, officers, run, RunEvent.PAY, now=later)
    with pytest.raises(payment.AwardsHeld):
        await world.moved(fresh_database, officers, run, RunEvent.CLOSE, now=later)
    held = await holds_of(fresh_database, run)
    with pytest.raises(payment.AwardeeSuspended):
        await decide(fresh_database, officers.payer, held[0], AwardHoldEvent.RELEASE)
    with pytest.raises(states.ReasonMissing):
        await decide(fresh_database, officers.payer, held[0], AwardHoldEvent.FORGO)
    for hold in held:
        await decide(fresh_database, officers.payer, hold, AwardHoldEvent.FORGO, "企业已退出市场")
    run = await world.moved(fresh_database, officers, run, RunEvent.CLOSE, now=later)
    assert (await payable(fresh_database, first), await bank(fresh_database)) == (0, SECOND_FEN)
    assert await committed(fresh_database) == SECOND_FEN
    async with fresh_database.connection() as connection:
        open_claims = "SELECT count(*) FROM subsidy_claim WHERE enterprise_id = $1 AND returned_at IS NULL"
        assert await connection.fetchval(open_claims, first.id) == 0
    await assert_books_hold(fresh_database.url)


@pytest.mark.edge(39, part="suspended after the publicity")
async def test_an_award_released_after_the_others_were_paid_is_posted_and_paid_at_once(
    fresh_database: Database,
) -> None:
    first, _, officers, run = await budgeted(fresh_database)
    await move(fresh_database, first, ParticipantEvent.SUSPEND, AFTER_YEAR + DAY)
    steps = (RunEvent.APPROVE, RunEvent.POST, RunEvent.PAY)
    run = await world.moved(fresh_database, officers, run, *steps, now=AFTER_PUBLICITY)
    assert await bank(fresh_database) == SECOND_FEN
    await move(fresh_database, first, ParticipantEvent.RESTORE, AFTER_PUBLICITY + DAY)
    held = await holds_of(fresh_database, run)
    with pytest.raises(run_rules.RunDutiesNotSeparate):
        await decide(fresh_database, officers.approver, held[0], AwardHoldEvent.RELEASE)
    for hold in held:
        released = await decide(fresh_database, officers.payer, hold, AwardHoldEvent.RELEASE)
        with pytest.raises(states.TransitionNotAllowed):
            await decide(fresh_database, officers.payer, released, AwardHoldEvent.FORGO, "再议")
    run = await world.through_bank(fresh_database, officers, run, now=AFTER_PUBLICITY + 3 * DAY)
    assert run.state == RunState.PAID
    assert (await bank(fresh_database), await payable(fresh_database, first)) == (TOTAL, 0)
    await assert_books_hold(fresh_database.url)


async def test_the_enterprise_alone_is_told_of_its_held_award_and_what_became_of_it(
    fresh_database: Database, tmp_path: Path
) -> None:
    first, second, officers, run = await budgeted(fresh_database)
    await move(fresh_database, first, ParticipantEvent.SUSPEND, AFTER_YEAR + DAY)
    run = await world.moved(fresh_database, officers, run, RunEvent.APPROVE, now=AFTER_PUBLICITY)
    for hold in await holds_of(fresh_database, run):
        await decide(fresh_database, officers.payer, hold, AwardHoldEvent.FORGO, "核查属实")
    await notices.seal(fresh_database, tmp_path)
    told = [
        [
            event
            for event in (await notices.feed(fresh_database, acting_for(who))).events
            if "award" in event.type
        ]
        for who in (first, second)
    ]
    kinds = [EventType.AWARD_HELD, EventType.AWARD_HELD, EventType.AWARD_FORGONE, EventType.AWARD_FORGONE]
    assert [event.type for event in told[0]] == kinds
    assert [event.facts and event.facts["reason"] for event in told[0]] == [
        "核查",
        "核查",
        "核查属实",
        "核查属实",
    ]
    assert told[1] == []


async def test_one_finance_account_does_not_approve_and_pay(fresh_database: Database) -> None:
    await world.two_sellers_and_a_case(fresh_database)
    officers = Officers()
    alone = Officers(payer=officers.approver)
    run = await world.publicised(fresh_database, officers)
    await world.moved(fresh_database, officers, run, RunEvent.APPROVE, now=AFTER_PUBLICITY)
    for event in (RunEvent.POST, RunEvent.PAY, RunEvent.CLOSE):
        with pytest.raises(run_rules.RunDutiesNotSeparate):
            await world.moved(fresh_database, alone, run, event, now=AFTER_PUBLICITY)
        run = await world.moved(fresh_database, officers, run, event, now=AFTER_PUBLICITY)
    assert {run.posted_by, run.paid_by, run.closed_by} == {officers.payer.account_id}


async def test_a_claim_is_given_back_once_and_then_another_may_be_made(fresh_database: Database) -> None:
    first, _ = await world.two_sellers_and_a_case(fresh_database)
    claim = "INSERT INTO subsidy_claim (enterprise_id, subject, policy, claimed_at) VALUES ($1, 'project:X', 'p', $2)"
    back = "UPDATE subsidy_claim SET returned_at = $2 WHERE enterprise_id = $1"
    async with fresh_database.connection() as connection:
        await connection.execute(claim, first.id, AFTER_YEAR)
        with pytest.raises(Exception, match="subsidy_claim_open_key"):
            await connection.execute(claim, first.id, AFTER_YEAR + DAY)
        with pytest.raises(Exception, match="subsidy_claim_returned_check"):
            await connection.execute(back, first.id, AFTER_YEAR - DAY)
        await connection.execute(back, first.id, AFTER_YEAR + DAY)
        with pytest.raises(Exception, match="only given back, once"):
            await connection.execute(back, first.id, AFTER_YEAR + 2 * DAY)
        await connection.execute(claim, first.id, AFTER_YEAR + 2 * DAY)
    assert case_tables.ERRORS["subsidy_claim_open_key"] is case_tables.ClaimedAlready
