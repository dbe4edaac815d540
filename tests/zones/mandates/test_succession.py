"""One mandate after another: what runs under a mandate that ends is ended, waits for the next one, or stops."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from datamarket.authority import queries as authority
from datamarket.contracts import queries as contracts
from datamarket.contracts.rules import ContractNotActive, ContractStopped, OperatorChanged
from datamarket.contracts.terms import ContractEvent, ContractState
from datamarket.foundation.db import Database
from datamarket.participants.tables import Participant
from datamarket.participants.terms import ParticipantKind
from datamarket.trading.orders import actions as order_actions
from datamarket.zones import queries
from datamarket.zones.mandates import actions, rules
from datamarket.zones.tables import Mandate
from datamarket.zones.terms import ExitCourse, MandateEvent, MandateState
from tests.contracts.test_chain import standing_deal
from tests.world import orders, trading, zones
from tests.world.participants import admitted
from tests.world.people import AUTHORITY, NOON
from tests.world.trading import LEDGER_ID
from tests.zones.mandates.test_life import move, opened
from tests.zones.undertakings.test_undertakings import undertake

TODAY = date(2024, 6, 3)


async def follow(
    database: Database, operated: zones.OperatedZone, operator: Participant | None = None, **term: Any
) -> Mandate:
    """The next mandate of the zone, for the same operator unless another is given."""
    async with database.transaction() as session:
        zone = await queries.lock_zone(session, operated.zone.id)
        return await zones.mandate(
            session, zone, operator or operated.operator, **({"term_from": TODAY} | term)
        )


async def another(database: Database) -> Participant:
    async with database.transaction() as session:
        return await admitted(session, ParticipantKind.ZONE_OPERATOR)


async def state_of(database: Database, deal: trading.Agreement) -> str:
    async with database.transaction(reading=True) as session:
        return (await contracts.get_contract(session, deal.contract.id, visible_to=AUTHORITY)).state


async def test_contracts_that_wait_go_on_under_the_next_mandate_of_their_operator(database: Database) -> None:
    deal, operated = await standing_deal(database)
    withdrawn = await move(database, operated, MandateEvent.WITHDRAW, exit_course=ExitCourse.MOVE)
    assert withdrawn.exit_course == ExitCourse.MOVE
    with pytest.raises(ContractStopped):
        await trading.used(database, deal)
    granted = await follow(database, operated)
    await trading.trade(database, deal)
    async with database.transaction(reading=True) as session:
        former = await queries.get_mandate(session, operated.zone.id, operated.mandate.id)
        before = await authority.chain_at(session, deal.contract.id, NOON)
        after = await authority.chain_at(session, deal.contract.id, NOON + timedelta(days=1))
    assert former.followed_by == granted.id
    assert [link.target_id for link in before if link.kind == "mandate"] in ([], [operated.mandate.id])
    assert [link.target_id for link in after if link.kind == "mandate"] == [granted.id]
    async with database.connection() as connection:
        carried = await connection.fetchval(
            "SELECT facts ->> 'to' FROM audit_event WHERE subject_id = $1 AND action = 'contracts.carry'",
            deal.contract.id,
        )
    assert carried == str(granted.id)


async def test_contracts_that_wait_end_where_another_operator_takes_the_zone(
    fresh_database: Database,
) -> None:
    """Their income names the former one; what was delivered is still settled, by silence too."""
    deal, operated = await standing_deal(fresh_database)
    await orders.delivered(fresh_database, deal)
    await move(fresh_database, operated, MandateEvent.WITHDRAW, exit_course=ExitCourse.MOVE)
    late = NOON + timedelta(days=30)
    assert await order_actions.accept_by_silence(fresh_database, LEDGER_ID, late) == 0
    await follow(fresh_database, operated, await another(fresh_database))
    assert await state_of(fresh_database, deal) == ContractState.ENDED
    with pytest.raises(ContractNotActive):
        await trading.used(fresh_database, deal)
    assert await order_actions.accept_by_silence(fresh_database, LEDGER_ID, late) == 1


async def test_contracts_end_with_a_mandate_whose_exit_says_so(database: Database) -> None:
    deal, operated = await standing_deal(database)
    asked = await trading.requested_contract(database, operated=operated)
    await move(database, operated, MandateEvent.WITHDRAW, exit_course=ExitCourse.END)
    assert await state_of(database, deal) == ContractState.ENDED
    assert await state_of(database, asked) == ContractState.REQUESTED
    await move(database, operated, MandateEvent.REINSTATE)
    with pytest.raises(ContractNotActive):
        await trading.used(database, deal)


async def test_without_an_exit_contracts_stop_and_wait_for_nobody_else(database: Database) -> None:
    deal, operated = await standing_deal(database)
    moved = await move(database, operated, MandateEvent.WITHDRAW)
    assert moved.exit_course == ExitCourse.WIND_DOWN
    await follow(database, operated)
    with pytest.raises(ContractStopped):
        await trading.used(database, deal)
    with pytest.raises(rules.ExitMisplaced):
        await move(database, operated, MandateEvent.REINSTATE, exit_course=ExitCourse.END)


async def test_a_mandate_granted_before_its_term_takes_over_when_that_begins(
    fresh_database: Database,
) -> None:
    async with fresh_database.transaction() as session:
        operated = await zones.open_zone(session, term_to=date(2027, 5, 1))
    await undertake(fresh_database, operated)
    deal = await trading.active_contract(fresh_database, operated=operated)
    begins = datetime(2027, 4, 30, 16, tzinfo=UTC)
    granted = await follow(fresh_database, operated, term_from=date(2027, 5, 1), term_to=date(2032, 5, 1))
    with pytest.raises(ContractStopped):
        await trading.used(fresh_database, deal, at=begins)
    await actions.expire_due(fresh_database, LEDGER_ID, begins - timedelta(seconds=1))
    with pytest.raises(ContractStopped):
        await trading.used(fresh_database, deal, at=begins)
    await actions.expire_due(fresh_database, LEDGER_ID, begins)
    await trading.used(fresh_database, deal, at=begins)
    async with fresh_database.transaction(reading=True) as session:
        former = await queries.get_mandate(session, operated.zone.id, operated.mandate.id)
    assert (former.state, former.followed_by) == (MandateState.EXPIRED, granted.id)
    assert await actions.expire_due(fresh_database, LEDGER_ID, begins) == 0


async def test_nobody_signs_what_names_a_former_operator(database: Database) -> None:
    operated = await opened(database)
    asked = await trading.requested_contract(database, operated=operated)
    await trading.move(database, asked, asked.provider_account, ContractEvent.AGREE)
    await move(database, operated, MandateEvent.WITHDRAW)
    await follow(database, operated, await another(database))
    with pytest.raises(OperatorChanged):
        await trading.move(database, asked, asked.provider_account, ContractEvent.SIGN)
