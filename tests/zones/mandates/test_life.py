"""A mandate after it was granted: evaluated, withdrawn after days of wind-down, reinstated where nobody followed, over by its term."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from datamarket.contracts.rules import ContractStopped
from datamarket.foundation.db import Database
from datamarket.foundation.states import ReasonMissing, TransitionNotAllowed
from datamarket.participants.terms import ParticipantKind
from datamarket.zones import queries
from datamarket.zones.limits import limits_on
from datamarket.zones.mandates import actions, rules
from datamarket.zones.rules import MandateOverlaps
from datamarket.zones.tables import Mandate
from datamarket.zones.terms import MandateEvent, MandateState
from tests.world import trading, zones
from tests.world.participants import admitted
from tests.world.people import AUTHORITY, NOON
from tests.world.trading import LEDGER_ID


async def opened(database: Database) -> zones.OperatedZone:
    async with database.transaction() as session:
        return await zones.open_zone(session)


async def move(
    database: Database,
    operated: zones.OperatedZone,
    event: MandateEvent,
    *,
    now: datetime = NOON,
    reason: str | None = "年度评估",
    **stated: Any,
) -> Mandate:
    async with database.transaction() as session:
        mandate = await queries.lock_mandate(session, operated.zone.id, operated.mandate.id)
        return await actions.move_mandate(
            session, AUTHORITY, mandate, event, reason=reason, now=now, **stated
        )


async def test_an_evaluation_is_kept_and_changes_nothing(database: Database) -> None:
    operated = await opened(database)
    moved = await move(database, operated, MandateEvent.EVALUATE)
    assert (moved.state, moved.version, moved.reason) == (MandateState.GRANTED, 2, None)
    with pytest.raises(ReasonMissing):
        await move(database, operated, MandateEvent.EVALUATE, reason=" ")
    with pytest.raises(rules.RenewalUnstated):
        await move(database, operated, MandateEvent.EVALUATE, term_to=date(2030, 1, 1))
    with pytest.raises(rules.ExpiryByClock):
        await move(database, operated, MandateEvent.EXPIRE)


async def test_contracts_go_on_for_the_days_of_wind_down(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    operated = await opened(database)
    deal = await trading.active_contract(database, operated=operated)
    monkeypatch.setattr(actions, "limits_on", lambda day: replace(limits_on(day), wind_down_days=30))
    withdrawn = NOON + timedelta(days=1)
    moved = await move(database, operated, MandateEvent.WITHDRAW, now=withdrawn)
    assert (moved.state, moved.ended_on) == (MandateState.WITHDRAWN, date(2024, 6, 4))
    await trading.used(database, deal, at=withdrawn + timedelta(days=30, seconds=-1))
    with pytest.raises(ContractStopped) as refused:
        await trading.used(database, deal, at=withdrawn + timedelta(days=30))
    assert refused.value.facts["since"] == "2024-07-04T04:00:00+00:00"


async def test_a_withdrawn_mandate_makes_room_and_is_reinstated_only_where_nobody_followed(
    database: Database,
) -> None:
    operated = await opened(database)
    await move(database, operated, MandateEvent.WITHDRAW)
    async with database.transaction() as session:
        successor = await admitted(session, ParticipantKind.ZONE_OPERATOR)
        zone = await queries.lock_zone(session, operated.zone.id)
        await zones.mandate(session, zone, successor, term_from=date(2024, 6, 3))
        assert zone.operator_id == successor.id
    with pytest.raises(MandateOverlaps):
        await move(database, operated, MandateEvent.REINSTATE)


async def test_a_mandate_is_over_by_its_term_and_by_nobodys_hand(fresh_database: Database) -> None:
    operated = await opened(fresh_database)
    over = datetime(2027, 12, 31, 16, tzinfo=UTC)
    assert await actions.expire_due(fresh_database, LEDGER_ID, over - timedelta(seconds=1)) == 0
    with pytest.raises(rules.MandateOver):
        await move(
            fresh_database,
            operated,
            MandateEvent.RENEW,
            now=over,
            term_to=date(2030, 1, 1),
            filed_on=date(2027, 12, 1),
        )
    assert await actions.expire_due(fresh_database, LEDGER_ID, over) == 1
    async with fresh_database.transaction(reading=True) as session:
        mandate = await queries.get_mandate(session, operated.zone.id, operated.mandate.id)
    assert mandate.state == MandateState.EXPIRED
    with pytest.raises(TransitionNotAllowed):
        await move(fresh_database, operated, MandateEvent.WITHDRAW)
