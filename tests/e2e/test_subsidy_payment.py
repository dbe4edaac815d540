"""Awards through the bank: instructed one by one, paid by what the bank executed, refused, paid again or forgone."""

from fractions import Fraction
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from datamarket.auth.terms import Role
from datamarket.foundation import checks
from datamarket.foundation.db import Database, owner_connection
from datamarket.foundation.settings import Settings
from datamarket.ledger.terms import AccountKey, AccountKind
from datamarket.notices.events.terms import EventType
from datamarket.participants.tables import Participant
from datamarket.participants.terms import ParticipantEvent
from datamarket.payouts import rules as payout_rules
from datamarket.payouts.bank.simulated import BankRules
from datamarket.server.app import create_app
from datamarket.subsidy.runs import payment, whole
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs.tables import AwardHold, SubsidyRun
from datamarket.subsidy.runs.terms import AwardHoldEvent, RunEvent, RunState
from datamarket.subsidy.terms import LineStatus
from tests.conftest import Client, client_of
from tests.e2e.test_subsidy_standing import DAY, decide, holds_of, move, payable
from tests.world import notices
from tests.world import subsidy as world
from tests.world.books import assert_books_hold, balance_of
from tests.world.participants import acting_for
from tests.world.payouts import REASONS
from tests.world.subsidy import AFTER_PUBLICITY, YEAR, Officers
from tests.world.trading import LEDGER_ID

CASE_FEN, TURNOVER_FEN, SECOND_FEN = 60_000_000, 200_000, 100_001


async def instructed(database: Database) -> tuple[Participant, Participant, Officers, SubsidyRun]:
    """Three awards, two of one payee, in a batch that nobody has approved."""
    first, second = await world.two_sellers_and_a_case(database)
    officers = Officers()
    run = await world.publicised(database, officers)
    steps = (RunEvent.APPROVE, RunEvent.POST, RunEvent.PAY)
    return (
        first,
        second,
        officers,
        await world.moved(database, officers, run, *steps, now=AFTER_PUBLICITY, bank=None),
    )


def refusing(payee: Participant, code: str = "AC04") -> BankRules:
    return BankRules(Fraction(0), 0, 0, REASONS, {payee.uscc: code})


async def statuses(database: Database, run: SubsidyRun) -> dict[UUID, LineStatus]:
    async with database.transaction() as session:
        return {line: now.status for line, now in (await run_queries.awards_now(session, run.id)).items()}


async def told_to(client: Client) -> tuple[set[str], set[str]]:
    """The states of one's lines of the year, and what waits."""
    lines = (await client.get("/subsidy/lines", params={"year": YEAR})).json()["items"]
    waiting = (await client.get("/inbox")).json()["items"]
    return {item["line"]["status_zh"] for item in lines}, {item["kind"] for item in waiting}


@pytest.mark.edge(61)
async def test_a_refused_award_is_told_paid_again_once_and_every_subsidy_account_ends_at_zero(
    fresh_database: Database, settings: Settings, tmp_path: Path
) -> None:
    first, second, officers, run = await instructed(fresh_database)
    app = create_app(settings, fresh_database, read_clock=lambda: AFTER_PUBLICITY)
    payee, finance = acting_for(first, Role.PROVIDER), officers.payer
    async with (
        client_of(app, payee, AFTER_PUBLICITY) as own,
        client_of(app, finance, AFTER_PUBLICITY) as desk,
    ):
        assert await told_to(own) == ({"支付中"}, set())
        [batch] = (await desk.get("/payouts/batches")).json()["items"]
        assert (batch["payouts"], batch["kinds"], batch["state"]) == (3, ["subsidy_payable"], "drafted")
        alone = await desk.post(f"/payouts/batches/{batch['id']}/events", json={"event": "approve"})
        assert alone.json()["code"] == "payout.duties-not-separate"
        assert await payable(fresh_database, first) == -CASE_FEN - TURNOVER_FEN
        run = await world.through_bank(fresh_database, officers, run, refusing(first))
        assert await told_to(own) == ({"支付失败"}, {"award_refused"})
        assert (await told_to(desk))[1] == {"award_to_pay_again"}
        failed = (await own.get("/subsidy/lines", params={"year": YEAR})).json()["items"][0]["line"]
        assert failed["refusal"] == {
            "code": "AC04",
            "zh": "收款账户已销户（AC04：账户已销户）",
            "en": "the account is closed (AC04: 账户已销户)",
        }
        closing = await desk.post(f"/subsidy/runs/{run.id}/events", json={"event": "close"})
        assert "2 were refused by the bank" in closing.json()["detail"]
    await assert_books_hold(fresh_database.url)
    await paid_again(fresh_database, officers, run, first)
    await notices.seal(fresh_database, tmp_path)
    feed = await notices.feed(fresh_database, acting_for(first))
    told = [event.type for event in feed.events if event.subject_type == "award"]
    assert told == [EventType.AWARD_FAILED] * 2 + [EventType.AWARD_PAID] * 2
    assert not any(event.subject_type == "award" and event.facts is None for event in feed.events)
    assert await payable(fresh_database, second) == 0


async def paid_again(database: Database, officers: Officers, run: SubsidyRun, first: Participant) -> None:
    """By a new instruction of the two that failed, and of no other; afterwards there is nothing to pay."""
    run = await world.moved(database, officers, run, RunEvent.PAY, now=AFTER_PUBLICITY)
    assert run.state == RunState.PAID
    assert set((await statuses(database, run)).values()) == {LineStatus.PAID}
    with pytest.raises(payout_rules.NothingToPay):
        await world.moved(database, officers, run, RunEvent.PAY, now=AFTER_PUBLICITY)
    async with database.transaction() as session:
        paid = await run_queries.paid_awards(session, run_id=run.id)
    assert sorted(award.paid_fen for award in paid) == [SECOND_FEN, TURNOVER_FEN, CASE_FEN]
    for kind in (AccountKind.SUBSIDY_PAYABLE, AccountKind.PAYOUT_IN_TRANSIT):
        assert await balance_of(database, AccountKey(LEDGER_ID, first.id, kind)) == 0
    bank = await balance_of(database, AccountKey(LEDGER_ID, None, AccountKind.BANK))
    assert bank == -SECOND_FEN - TURNOVER_FEN - CASE_FEN + await deposited(database)
    await world.moved(database, officers, run, RunEvent.CLOSE, now=AFTER_PUBLICITY)
    await assert_books_hold(database.url)


async def deposited(database: Database) -> int:
    async with database.connection() as connection:
        found = await connection.fetchval(
            "SELECT coalesce(sum(l.amount_fen), 0)::bigint FROM ledger_leg l JOIN ledger_entry e ON e.ledger_id = l.ledger_id"
            " AND e.period = l.period AND e.id = l.entry_id JOIN ledger_account a ON a.ledger_id = l.ledger_id"
            " AND a.id = l.account_id WHERE a.kind = 'bank' AND e.kind = 'deposit'"
        )
    return int(found)


async def hold(database: Database, officers: Officers, run: SubsidyRun, line: UUID) -> AwardHold:
    async with database.transaction() as session:
        locked = await run_queries.lock_run(session, run.id)
        return await payment.hold_failed(session, officers.payer, locked, line, now=AFTER_PUBLICITY)


async def test_a_refused_award_may_be_forgone_and_one_that_the_bank_has_may_not(
    fresh_database: Database,
) -> None:
    first, _, officers, run = await instructed(fresh_database)
    in_flight = await statuses(fresh_database, run)
    for line in in_flight:
        with pytest.raises(payment.AwardNotFailed, match="instructed"):
            await hold(fresh_database, officers, run, line)
    run = await world.through_bank(fresh_database, officers, run, refusing(first, "BE01"))
    found = await statuses(fresh_database, run)
    failed = [line for line, status in found.items() if status is LineStatus.FAILED]
    [paid] = [line for line, status in found.items() if status is LineStatus.PAID]
    with pytest.raises(payment.AwardNotFailed, match="paid"):
        await hold(fresh_database, officers, run, paid)
    held = [await hold(fresh_database, officers, run, line) for line in failed]
    assert {(one.cause, one.reason) for one in held} == {("refused", "BE01 户名与账号不符")}
    with pytest.raises(IntegrityError, match="subsidy_award_hold_open_key"):
        await hold(fresh_database, officers, run, failed[0])
    with pytest.raises(payout_rules.NothingToPay):
        await world.moved(fresh_database, officers, run, RunEvent.PAY, now=AFTER_PUBLICITY)
    with pytest.raises(payment.AwardsHeld):
        await world.moved(fresh_database, officers, run, RunEvent.CLOSE, now=AFTER_PUBLICITY)
    await decide(fresh_database, officers.payer, held[0], AwardHoldEvent.FORGO, "账户无法更正")
    await decide(fresh_database, officers.payer, held[1], AwardHoldEvent.RELEASE)
    assert await payable(fresh_database, first) in {-CASE_FEN, -TURNOVER_FEN}
    run = await world.through_bank(fresh_database, officers, run, now=AFTER_PUBLICITY + 3 * DAY)
    assert (run.state, await payable(fresh_database, first)) == (RunState.PAID, 0)
    assert set((await statuses(fresh_database, run)).values()) == {LineStatus.PAID, LineStatus.FORGONE}
    await assert_books_hold(fresh_database.url)


async def test_a_hold_that_comes_after_the_instruction_left_does_not_stop_the_bank(
    fresh_database: Database,
) -> None:
    first, _, officers, run = await instructed(fresh_database)
    [(batch_id, content)] = await whole.send_awards(
        fresh_database, run, payer=officers.payer, cashier=officers.cashier, now=AFTER_PUBLICITY
    )
    await move(fresh_database, first, ParticipantEvent.SUSPEND, AFTER_PUBLICITY)
    with pytest.raises(payout_rules.NothingToPay):
        await world.moved(fresh_database, officers, run, RunEvent.PAY, now=AFTER_PUBLICITY)
    await world.answered(fresh_database, officers, batch_id, content)
    assert set((await statuses(fresh_database, run)).values()) == {LineStatus.PAID}
    assert await holds_of(fresh_database, run) == []
    await assert_books_hold(fresh_database.url)


TAMPERINGS = {
    "an award paid by no answer of the bank": "UPDATE payout SET state = 'sent', decided_on = NULL WHERE award_id = $1",
    "a payment that is of no award": "UPDATE payout SET payee_code = 'X' WHERE award_id = $1",
    "an executed payment that paid nothing": "DELETE FROM subsidy_posting WHERE line_id = $1 AND kind = 'subsidy_paid'",
}


async def test_paid_awards_are_what_the_bank_executed_and_what_the_books_hold(
    fresh_database: Database,
) -> None:
    _, _, officers, run = await instructed(fresh_database)
    run = await world.through_bank(fresh_database, officers, run)
    line = next(iter(await statuses(fresh_database, run)))
    async with owner_connection(fresh_database.url) as owner:
        for done in ["SELECT $1::uuid", *TAMPERINGS.values()]:
            attempt = owner.transaction()
            await attempt.start()
            await owner.execute("SET LOCAL session_replication_role = replica")
            await owner.execute(done, line)
            [awards, *_] = await checks.run(owner, LEDGER_ID, checks.of_room("datamarket.subsidy.runs"))
            await attempt.rollback()
            assert (awards.check.id, awards.holds) == ("I11-awards", done not in TAMPERINGS.values()), awards
