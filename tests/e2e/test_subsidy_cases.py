"""One project is paid once: what the register knows of a case decides a run, and the database keeps its hands apart."""

from datetime import timedelta
from fractions import Fraction
from typing import Any

import asyncpg
import pytest

from datamarket.foundation.db import Database
from datamarket.foundation.waiting.constraints import constraint_of
from datamarket.ledger.terms import AccountKey, AccountKind
from datamarket.participants import actions as participants
from datamarket.participants import queries as participant_queries
from datamarket.participants.tables import Participant
from datamarket.participants.terms import ParticipantEvent
from datamarket.subsidy.cases import actions as cases
from datamarket.subsidy.cases import queries as case_queries
from datamarket.subsidy.cases.rules import CasePaid
from datamarket.subsidy.cases.tables import SubsidyCase
from datamarket.subsidy.facts.review import Flag
from datamarket.subsidy.recoveries.grounds import grounds_of
from datamarket.subsidy.recoveries.terms import RecoveryCause
from datamarket.subsidy.runs import actions as run_actions
from datamarket.subsidy.runs import payment
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs.tables import AwardHold, SubsidyLine, SubsidyRun
from datamarket.subsidy.runs.terms import AwardHoldEvent, RunEvent
from datamarket.subsidy.studies.drift import drift_of
from datamarket.subsidy.terms import LineStatus, StepKind
from tests.world import subsidy as world
from tests.world.books import assert_books_hold, balance_of
from tests.world.people import AUTHORITY, moment
from tests.world.subsidy import AFTER_PUBLICITY, AFTER_YEAR, Officers
from tests.world.trading import LEDGER_ID

THIRDS = Fraction(1, 3), Fraction(2, 3)
PAYING = (RunEvent.APPROVE, RunEvent.POST, RunEvent.PAY)


async def project_lines(database: Database, run: SubsidyRun) -> dict[str, SubsidyLine]:
    async with database.transaction() as session:
        lines = await run_queries.all_lines(session, run.id)
    return {line.candidate_id: line for line in lines if line.clause_id == "typical-case"}


async def corrected(database: Database, case: SubsidyCase, **entry: Any) -> SubsidyCase:
    async with database.transaction() as session:
        locked = await case_queries.lock_case(session, case.id, visible_to=AUTHORITY)
        return await cases.correct_case(session, AUTHORITY, locked, reason="录入有误", now=moment(), **entry)


async def revoked(database: Database, case: SubsidyCase) -> None:
    async with database.transaction() as session:
        locked = await case_queries.lock_case(session, case.id, visible_to=AUTHORITY)
        await cases.revoke_case(session, AUTHORITY, locked, reason="名单已撤销", now=moment())


async def paid(database: Database, officers: Officers) -> SubsidyRun:
    run = await world.publicised(database, officers)
    events = RunEvent.APPROVE, RunEvent.POST, RunEvent.PAY
    return await world.moved(database, officers, run, *events, now=AFTER_PUBLICITY)


async def joint(database: Database, **more: Any) -> tuple[SubsidyCase, list[Participant]]:
    """A third is the first one's, the rest the second one's."""
    firms = [await world.enterprise(database) for _ in THIRDS]
    shares = [(firm.id, part) for firm, part in zip(firms, THIRDS, strict=True)]
    return await world.case(database, firms[0], shares=shares, **more), firms


@pytest.mark.edge(45, part="shares of a joint project")
async def test_a_joint_project_is_capped_once_and_paid_by_share_to_the_fen(fresh_database: Database) -> None:
    case, firms = await joint(fresh_database, investment_fen=500_000_000)
    lines = await project_lines(fresh_database, await paid(fresh_database, Officers()))
    amounts = {line.uscc: line.amount_fen for line in lines.values()}
    assert amounts == {firms[0].uscc: 33_333_333, firms[1].uscc: 66_666_667}
    assert set(lines) == {f"{case.code}/{firm.uscc}" for firm in firms}
    [step] = [step for step in lines[f"{case.code}/{firms[0].uscc}"].steps if step["step"] == StepKind.SHARE]
    assert (step["share"], step["project_fen"]) == ("1/3", 100_000_000)
    with pytest.raises(CasePaid):
        await corrected(fresh_database, case, title_en="Other")
    await assert_books_hold(fresh_database.url)


async def test_the_part_of_a_suspended_enterprise_goes_to_nobody_and_the_project_is_claimed(
    fresh_database: Database,
) -> None:
    case, firms = await joint(fresh_database, investment_fen=300)
    async with fresh_database.transaction() as session:
        locked = await participant_queries.lock_participant(session, firms[0].id)
        await participants.move_participant(
            session,
            AUTHORITY,
            locked,
            ParticipantEvent.SUSPEND,
            reason="失信",
            now=AFTER_YEAR - timedelta(days=2),
        )
    await paid(fresh_database, Officers())
    await world.case(fresh_database, firms[1])
    later = AFTER_YEAR + timedelta(days=60)
    run = await world.opened_run(fresh_database, Officers(), now=later)
    async with fresh_database.connection() as connection:
        claims = await connection.fetch("SELECT enterprise_id, subject FROM subsidy_claim")
    assert [tuple(claim) for claim in claims] == [(firms[1].id, f"project:{case.code}")]
    run = await world.moved(fresh_database, Officers(), run, RunEvent.SNAPSHOT, RunEvent.CALCULATE, now=later)
    again = await project_lines(fresh_database, run)
    assert again[f"{case.code}/{firms[1].uscc}"].status == LineStatus.INELIGIBLE


@pytest.mark.parametrize("before", [(), (RunEvent.APPROVE,), (RunEvent.APPROVE, RunEvent.POST)])
async def test_a_case_revoked_before_its_award_is_paid_is_not_paid(
    fresh_database: Database, before: tuple[RunEvent, ...]
) -> None:
    owner, officers = await world.enterprise(fresh_database), Officers()
    case = await world.case(fresh_database, owner)
    run = await world.publicised(fresh_database, officers)
    if before:
        await world.moved(fresh_database, officers, run, *before, now=AFTER_PUBLICITY)
        with pytest.raises(CasePaid):
            await corrected(fresh_database, case, title_en="Other")
    await revoked(fresh_database, case)
    rest = [event for event in PAYING if event not in before]
    run = await world.moved(fresh_database, officers, run, *rest, now=AFTER_PUBLICITY)
    assert await held(fresh_database, run) == [("revoked", rest[0])]
    with pytest.raises(payment.AwardCaseChanged):
        await decided(fresh_database, officers, run, AwardHoldEvent.RELEASE)
    await decided(fresh_database, officers, run, AwardHoldEvent.FORGO)
    for kind, of in ((AccountKind.SUBSIDY_EXPENSE, None), (AccountKind.SUBSIDY_PAYABLE, owner.id)):
        assert await balance_of(fresh_database, AccountKey(LEDGER_ID, of, kind)) == 0
    await world.moved(fresh_database, officers, run, RunEvent.CLOSE, now=AFTER_PUBLICITY)
    await assert_books_hold(fresh_database.url)


@pytest.mark.edge(58)
async def test_a_case_corrected_after_the_snapshot_is_not_paid_by_it_though_it_was_verified_again(
    fresh_database: Database,
) -> None:
    owner, officers = await world.enterprise(fresh_database), Officers()
    case = await world.case(fresh_database, owner)
    run = await world.publicised(fresh_database, officers)
    again = await corrected(fresh_database, case, investment_fen=7)
    async with fresh_database.transaction() as session:
        locked = await case_queries.lock_case(session, again.id, visible_to=AUTHORITY)
        await world.verify(session, locked, at=AFTER_YEAR + timedelta(days=1))
    run = await world.moved(fresh_database, officers, run, *PAYING, now=AFTER_PUBLICITY)
    assert await held(fresh_database, run) == [("corrected", RunEvent.APPROVE)]
    payable = AccountKey(LEDGER_ID, owner.id, AccountKind.SUBSIDY_PAYABLE)
    assert await balance_of(fresh_database, payable) == 0


async def held(database: Database, run: SubsidyRun) -> list[tuple[str, str]]:
    async with database.transaction() as session:
        return [(hold.cause, hold.stage) for hold in await run_queries.open_holds(session, run.id)]


async def decided(
    database: Database, officers: Officers, run: SubsidyRun, event: AwardHoldEvent
) -> AwardHold:
    async with database.transaction() as session:
        locked = await run_queries.lock_run(session, run.id)
        [hold] = await run_queries.open_holds(session, run.id)
        return await run_actions.move_hold(
            session, officers.payer, locked, hold, event, reason="名单已撤销", now=AFTER_PUBLICITY
        )


async def test_a_project_registered_twice_is_flagged_for_review_until_one_is_revoked(
    fresh_database: Database,
) -> None:
    owner, other = await world.enterprise(fresh_database), await world.enterprise(fresh_database)
    title = "海洋气象数据融合支撑近海作业安全"
    first = await world.case(fresh_database, owner, title_zh=title)
    second = await world.case(fresh_database, other, title_zh=f"{title}（二期）", investment_fen=5)
    unlike = await world.case(fresh_database, owner, investment_fen=7)
    officers = Officers()
    run = await world.opened_run(fresh_database, officers)
    run = await world.moved(fresh_database, officers, run, RunEvent.SNAPSHOT, RunEvent.CALCULATE)
    lines = await project_lines(fresh_database, run)
    flagged = {code for code, line in lines.items() if Flag.ALIKE in line.flags}
    assert flagged == {first.code, second.code}
    assert unlike.code in lines
    await revoked(fresh_database, second)
    run = await world.opened_run(fresh_database, officers, supersedes=run.id)
    run = await world.moved(fresh_database, officers, run, RunEvent.SNAPSHOT, RunEvent.CALCULATE)
    lines = await project_lines(fresh_database, run)
    assert [code for code, line in lines.items() if line.flags] == []
    assert lines[second.code].status == LineStatus.INELIGIBLE


async def test_a_corrected_investment_is_held_until_it_is_verified_again(fresh_database: Database) -> None:
    case = await world.case(fresh_database, await world.enterprise(fresh_database))
    case = await corrected(fresh_database, case, investment_fen=100_000_000)
    officers = Officers()
    run = await world.publicised(fresh_database, officers)
    assert (await project_lines(fresh_database, run))[case.code].status == LineStatus.HELD
    async with fresh_database.transaction() as session:
        await world.verify(session, await case_queries.lock_case(session, case.id, visible_to=AUTHORITY))
    run = await world.opened_run(fresh_database, officers, supersedes=run.id)
    run = await world.moved(fresh_database, officers, run, RunEvent.SNAPSHOT, RunEvent.CALCULATE)
    assert (await project_lines(fresh_database, run))[case.code].amount_fen == 30_000_000


@pytest.mark.edge(48)
async def test_a_case_revoked_after_payment_drifts_and_its_number_is_never_paid_again(
    fresh_database: Database,
) -> None:
    owner = await world.enterprise(fresh_database)
    case = await world.case(fresh_database, owner)
    officers = Officers()
    run = await paid(fresh_database, officers)
    await revoked(fresh_database, case)
    anew = await world.case(fresh_database, owner)
    later = AFTER_PUBLICITY + timedelta(days=1)
    async with fresh_database.transaction() as session:
        number: dict[str, Any] = {"list_name": case.list_name, "list_number": case.list_number}
        locked = await case_queries.lock_case(session, anew.id, visible_to=AUTHORITY)
        await cases.correct_case(session, AUTHORITY, locked, reason="同一编号", now=moment(), **number)
        await world.verify(session, locked)
    async with fresh_database.transaction() as session:
        view = await run_queries.get_run(session, run.id)
        found, grounds = await drift_of(session, view, now=later), await grounds_of(session, view, now=later)
    assert [(one.cause, one.amount_fen) for one in grounds] == [(RecoveryCause.REVOKED, 60_000_000)]
    assert found.comparison.delta_fen == -60_000_000
    assert {change.candidate for change in found.comparison.changes if change.after_fen} == set()


@pytest.mark.parametrize(
    ("change", "guard"),
    [
        ("verified_by = registered_by, state = 'verified'", "subsidy_case_hands_separate"),
        ("corrected_by = verified_by", "subsidy_case_hands_separate"),
        ("paper_id = NULL", "subsidy_case_paper_check"),
        ("state = 'registered'", "subsidy_case_verified_check"),
        ("verified_by = NULL", "subsidy_case_verified_check"),
        ("list_number = NULL", "subsidy_case_list_check"),
        ("registered_by = NULL", "subsidy_case_kept"),
        ("code = 'other'", "subsidy_case_kept"),
        ("state = 'ended'", "subsidy_case_state_check"),
    ],
)
async def test_not_even_the_owner_verifies_with_one_hand_or_without_a_paper(
    fresh_database: Database, change: str, guard: str
) -> None:
    await world.case(fresh_database, await world.enterprise(fresh_database))
    owner = await asyncpg.connect(fresh_database.url)
    try:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
            await owner.execute(f"UPDATE subsidy_case SET {change}")  # noqa: S608 - constants
        assert constraint_of(caught.value, {guard}) == guard
    finally:
        await owner.close()


async def test_a_revoked_case_never_comes_back_and_a_paper_never_changes(fresh_database: Database) -> None:
    case = await world.case(fresh_database, await world.enterprise(fresh_database))
    await revoked(fresh_database, case)
    owner = await asyncpg.connect(fresh_database.url)
    try:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="ends when it is revoked"):
            await owner.execute("UPDATE subsidy_case SET state = 'verified'")
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
            await owner.execute("UPDATE subsidy_paper SET size = size + 1")
    finally:
        await owner.close()
