"""Recorded before the cut-off, or not there: trades, cases, claims, relations, venues, standings, participants alike."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from datamarket.catalogue.venues import actions as venue_actions
from datamarket.catalogue.venues import queries as venue_queries
from datamarket.catalogue.venues.tables import Venue
from datamarket.catalogue.venues.terms import FeePayer, VenueTerms
from datamarket.foundation.db import Database, driver
from datamarket.foundation.ids import new_id
from datamarket.participants import actions as participant_actions
from datamarket.participants import queries as participant_queries
from datamarket.participants.affiliations import actions as affiliation_actions
from datamarket.participants.affiliations import queries as affiliation_queries
from datamarket.participants.tables import Participant
from datamarket.participants.terms import ParticipantEvent, ParticipantKind
from datamarket.subsidy.cases import queries as case_queries
from datamarket.subsidy.facts import snapshot as snapshots
from datamarket.subsidy.facts.snapshot import TakenSnapshot
from datamarket.subsidy.facts.terms import TurnoverOrigin
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs.terms import RunEvent
from datamarket.subsidy.terms import Candidate, FactValue, LineStatus
from tests.world import subsidy as world
from tests.world.books import assert_books_hold
from tests.world.people import AUTHORITY, NOON
from tests.world.subsidy import AFTER_YEAR, MARCH, YEAR, Officers
from tests.world.trading import LEDGER_ID, intent, record

CUTOFF = AFTER_YEAR
TICK = timedelta(microseconds=1)
LATE = CUTOFF + timedelta(days=2)
NOW = CUTOFF + timedelta(days=9)


async def taken(database: Database, *, cutoff: datetime = CUTOFF) -> TakenSnapshot:
    """Of a cut-off nine days ago, from the kept turnover; from every trade it is the same."""
    year = snapshots.RunYear(LEDGER_ID, YEAR, cutoff, new_id(NOON))
    async with database.transaction() as session:
        connection = await driver(session)
        kept = await snapshots.take(connection, year, as_of=NOW)
        counted = await snapshots.take(connection, year, as_of=NOW, turnover_from=TurnoverOrigin.TRADES)
    assert replace(kept, turnover_from=counted.turnover_from, facts=counted.facts) == counted
    world.assert_months_add_up(kept)
    return kept


async def candidates(database: Database, *, cutoff: datetime = CUTOFF) -> Mapping[str, Candidate]:
    found = await taken(database, cutoff=cutoff)
    return {candidate.id: candidate for candidate in found.snapshot.candidates}


async def facts_of(
    database: Database, company: Participant, *, cutoff: datetime = CUTOFF
) -> Mapping[str, FactValue]:
    return (await candidates(database, cutoff=cutoff))[company.uscc].facts


async def move(database: Database, who: Participant, event: ParticipantEvent, at: datetime) -> None:
    async with database.transaction() as session:
        row = await participant_queries.lock_participant(session, who.id)
        await participant_actions.move_participant(session, AUTHORITY, row, event, reason="核查", now=at)


async def qualify(
    database: Database, venue: Venue, since: date | None, until: date | None, at: datetime
) -> Venue:
    async with database.transaction() as session:
        row = await venue_queries.lock_venue(session, venue.id)
        terms = VenueTerms("平台", "Venue", since, "assumed", 100, FeePayer.SELLER, until)
        return await venue_actions.edit_venue(session, AUTHORITY, row, terms=terms, now=at)


@pytest.mark.edge(34)
async def test_a_trade_recorded_after_the_cut_off_is_not_there_until_a_later_cut_off(
    fresh_database: Database,
) -> None:
    on = await world.stage(fresh_database)
    seller = await world.enterprise(fresh_database)
    agreement, _ = await world.sells(on, seller, 1_000, at=MARCH)
    for amount, recorded in ((20, CUTOFF - TICK), (300, CUTOFF), (4_000, LATE)):
        await record(fresh_database, [intent(agreement, amount, at=MARCH)], now=recorded)
    assert (await facts_of(fresh_database, seller))["net_platform_turnover"] == 1_020
    later = await facts_of(fresh_database, seller, cutoff=LATE + TICK)
    assert later["net_platform_turnover"] == 5_320
    run = await world.opened_run(fresh_database, Officers(), cutoff=CUTOFF, now=NOW)
    await world.moved(fresh_database, Officers(), run, RunEvent.SNAPSHOT, RunEvent.CALCULATE, now=NOW)
    await assert_books_hold(fresh_database.url)


async def test_a_case_and_its_verification_and_claim_count_once_they_were_recorded(
    fresh_database: Database,
) -> None:
    owner = await world.enterprise(fresh_database)
    unverified = await world.case(fresh_database, owner, investment_fen=7, verified=False)
    late = await world.case(fresh_database, owner, at=LATE, claimed_elsewhere="省级数据专项")
    async with fresh_database.transaction() as session:
        row = await case_queries.lock_case(session, unverified.id, visible_to=AUTHORITY)
        await world.verify(session, row, at=LATE)
    before = await candidates(fresh_database)
    assert late.code not in before
    assert "verified_investment" not in before[unverified.code].facts
    after = await candidates(fresh_database, cutoff=LATE + TICK)
    assert after[unverified.code].facts["verified_investment"] == 7
    assert after[late.code].facts["claimed_before"] is True


async def test_a_relation_and_its_end_count_once_they_were_recorded(fresh_database: Database) -> None:
    on = await world.stage(fresh_database)
    seller, sister, friend = [await world.enterprise(fresh_database) for _ in range(3)]
    await world.controls(fresh_database, seller, sister, since=date(YEAR, 1, 1))
    await world.controls(fresh_database, seller, friend, since=date(YEAR, 1, 1), at=LATE)
    await world.sells(on, seller, 100, to=sister, at=MARCH)
    await world.sells(on, seller, 7, to=friend, at=MARCH)
    async with fresh_database.transaction() as session:
        [pair] = await affiliation_queries.affiliations_of_pair(session, seller.id, sister.id)
        await affiliation_actions.end_affiliation(session, AUTHORITY, pair, on=date(YEAR, 2, 1), now=LATE)
    assert (await facts_of(fresh_database, seller))["related_party_turnover"] == 100
    after = await facts_of(fresh_database, seller, cutoff=LATE + TICK)
    assert after["related_party_turnover"] == 7


async def test_a_venue_counts_as_it_was_recorded_before_the_cut_off(fresh_database: Database) -> None:
    on = await world.stage(fresh_database)
    seller = await world.enterprise(fresh_database)
    await world.sells(on, seller, 100, at=MARCH)
    await world.sells(on, seller, 7, venue=on.other_venue, at=MARCH)
    await qualify(fresh_database, on.venue, None, None, LATE)
    await qualify(fresh_database, on.other_venue, date(YEAR, 1, 1), None, LATE)
    found = await taken(fresh_database)
    assert [venue["venue"] for venue in found.venues] == [str(on.venue.id)]
    assert (await facts_of(fresh_database, seller))["net_platform_turnover"] == 100
    after = await facts_of(fresh_database, seller, cutoff=LATE + TICK)
    assert after["net_platform_turnover"] == 7


async def test_a_venue_struck_off_keeps_its_earlier_sales_and_later_ones_do_not_count(
    fresh_database: Database,
) -> None:
    on = await world.stage(fresh_database)
    seller, other = await world.enterprise(fresh_database), await world.enterprise(fresh_database)
    july = datetime(YEAR, 6, 30, 16, 0, tzinfo=UTC)
    await qualify(fresh_database, on.venue, date(2023, 1, 1), date(YEAR, 7, 1), july)
    await qualify(fresh_database, on.other_venue, date(2022, 1, 1), date(YEAR, 1, 1), july)
    await world.sells(on, seller, 100, at=july - TICK)
    await world.sells(on, seller, 7, at=july)
    await world.sells(on, other, 30, venue=on.other_venue, at=MARCH)
    facts = await facts_of(fresh_database, seller)
    assert (facts["net_platform_turnover"], facts["unqualified_venue_turnover"]) == (100, 7)
    assert (await facts_of(fresh_database, other))["unqualified_venue_turnover"] == 30
    run = await world.opened_run(fresh_database, Officers(), cutoff=CUTOFF, now=NOW)
    await world.moved(fresh_database, Officers(), run, RunEvent.SNAPSHOT, RunEvent.CALCULATE, now=NOW)
    await assert_books_hold(fresh_database.url)


@pytest.mark.edge(39, part="suspended, then restored")
async def test_standing_is_that_of_the_years_end_and_the_cut_off_and_who_withdrew_stays_withdrawn(
    fresh_database: Database,
) -> None:
    left, withdrew, early, late = [await world.enterprise(fresh_database) for _ in range(4)]
    january = datetime(YEAR + 1, 1, 5, 4, tzinfo=UTC)
    await move(fresh_database, left, ParticipantEvent.SUSPEND, MARCH.replace(month=11))
    await move(fresh_database, left, ParticipantEvent.WITHDRAW, MARCH.replace(month=12))
    await move(fresh_database, withdrew, ParticipantEvent.WITHDRAW, january)
    await move(fresh_database, early, ParticipantEvent.SUSPEND, january)
    await move(fresh_database, early, ParticipantEvent.RESTORE, LATE)
    await move(fresh_database, late, ParticipantEvent.SUSPEND, LATE)
    found = await candidates(fresh_database)
    suspended = {who.uscc: found[who.uscc].facts["suspended"] for who in (left, withdrew, early, late)}
    assert suspended == {left.uscc: True, withdrew.uscc: True, early.uscc: True, late.uscc: False}


@pytest.mark.edge(44)
async def test_who_is_no_enterprise_has_a_line_that_says_so_and_takes_nobodys_rank(
    fresh_database: Database,
) -> None:
    on = await world.stage(fresh_database)
    seller = await world.enterprise(fresh_database)
    operator = await world.enterprise(fresh_database, kind=ParticipantKind.ZONE_OPERATOR)
    unlisted = await world.enterprise(fresh_database, kind=ParticipantKind.ZONE_OPERATOR)
    await world.sells(on, seller, 500_000, at=MARCH)
    await world.sells(on, operator, 800_000_000, at=MARCH)
    await world.sells(on, unlisted, 9_000, venue=on.other_venue, at=MARCH)
    project = await world.case(fresh_database, operator)
    run = await world.opened_run(fresh_database, Officers())
    run = await world.moved(fresh_database, Officers(), run, RunEvent.SNAPSHOT, RunEvent.CALCULATE)
    async with fresh_database.transaction() as session:
        lines = {line.candidate_id: line for line in await run_queries.all_lines(session, run.id)}
    for refused in (lines[operator.uscc], lines[project.code]):
        assert (refused.status, refused.amount_fen) == (LineStatus.INELIGIBLE, 0)
        assert refused.steps[0]["observed"] == "kind=zone_operator"
    assert lines[operator.uscc].base_fen == 800_000_000
    assert (lines[seller.uscc].rank, lines[seller.uscc].amount_fen) == (1, 5_000)
    assert unlisted.uscc not in lines
    assert not any(step.get("predicate") == "is_enterprise" for step in lines[seller.uscc].steps)
