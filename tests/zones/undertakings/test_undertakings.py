"""Who undertakes a renewal lets contracts outlast the mandate; it is fulfilled by a renewal, or told when it falls due."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from datamarket.contracts.rules import ContractStopped, TermBeyondMandate
from datamarket.foundation.db import Database
from datamarket.participants.terms import ParticipantKind
from datamarket.zones.mandates import actions as mandate_actions
from datamarket.zones.terms import MandateEvent
from datamarket.zones.undertakings import actions, queries
from datamarket.zones.undertakings.tables import RenewalUndertaking
from tests.conftest import ClientFor
from tests.world import trading, zones
from tests.world.participants import acting_for, admitted
from tests.world.people import AUTHORITY, NOON
from tests.world.trading import LEDGER_ID
from tests.zones.mandates.test_life import move

ENDS = datetime(2027, 4, 30, 16, tzinfo=UTC)
DUE = datetime(2027, 3, 31, 16, tzinfo=UTC)
"""The mandate of these tests ends with April 2027, and its renewal is due a month before."""
RENEWED: dict[str, Any] = {"filed_on": date(2027, 3, 1), "reason": None}


async def short_zone(database: Database) -> zones.OperatedZone:
    async with database.transaction() as session:
        return await zones.open_zone(session, term_to=date(2027, 5, 1))


async def undertake(database: Database, operated: zones.OperatedZone) -> RenewalUndertaking:
    async with database.transaction() as session:
        return await actions.give_undertaking(
            session,
            operated.account,
            zone_id=operated.zone.id,
            mandate_id=operated.mandate.id,
            document="青海洋承诺〔2024〕3号",
            document_sha256="0f" * 32,
            renewed_to=date(2028, 1, 1),
            due_on=date(2027, 4, 1),
            now=NOON,
        )


async def told_of(database: Database, operated: zones.OperatedZone) -> list[str]:
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT action FROM audit_event WHERE subject_id = $1 ORDER BY id", operated.mandate.id
        )
    return sorted(row[0] for row in rows if "undertaking" in row[0])


async def test_contracts_outlast_a_mandate_only_upon_an_undertaking_and_stop_at_its_end(
    fresh_database: Database,
) -> None:
    operated = await short_zone(fresh_database)
    with pytest.raises(TermBeyondMandate) as refused:
        await trading.requested_contract(fresh_database, operated=operated)
    assert refused.value.facts == {"term_to": date(2027, 12, 31), "mandate_to": date(2027, 5, 1)}
    await undertake(fresh_database, operated)
    deal = await trading.active_contract(fresh_database, operated=operated)
    await trading.used(fresh_database, deal, at=ENDS - timedelta(seconds=1))
    with pytest.raises(ContractStopped) as stopped:
        await trading.used(fresh_database, deal, at=ENDS)
    assert stopped.value.facts["link"] == "mandate"
    with pytest.raises(TermBeyondMandate):
        await trading.requested_contract(
            fresh_database, operated=operated, term_to=datetime(2028, 1, 1, tzinfo=UTC)
        )
    await move(fresh_database, operated, MandateEvent.RENEW, term_to=date(2028, 1, 1), **RENEWED)
    await trading.used(fresh_database, deal, at=ENDS)
    assert await actions.tell_overdue(fresh_database, LEDGER_ID, DUE) == 0
    assert await told_of(fresh_database, operated) == [
        "zones.give-undertaking",
        "zones.undertaking-fulfilled",
    ]


async def test_what_falls_due_unfulfilled_is_told_once_and_relied_on_no_more(
    fresh_database: Database,
) -> None:
    operated = await short_zone(fresh_database)
    await undertake(fresh_database, operated)
    await move(
        fresh_database, operated, MandateEvent.RENEW, term_to=date(2027, 12, 1), **RENEWED
    )  # not as far as was undertaken
    assert await actions.tell_overdue(fresh_database, LEDGER_ID, DUE - timedelta(seconds=1)) == 0
    assert await actions.tell_overdue(fresh_database, LEDGER_ID, DUE) == 1
    assert await actions.tell_overdue(fresh_database, LEDGER_ID, DUE) == 0
    assert "zones.undertaking-overdue" in await told_of(fresh_database, operated)
    async with fresh_database.transaction(reading=True) as session:
        assert await queries.find_good(session, operated.mandate.id, date(2027, 4, 1)) is None
    await move(fresh_database, operated, MandateEvent.RENEW, term_to=date(2028, 6, 1), **RENEWED)
    assert "zones.undertaking-fulfilled" in await told_of(fresh_database, operated)


async def test_the_next_mandate_of_the_operator_that_joins_is_its_renewal(fresh_database: Database) -> None:
    operated = await short_zone(fresh_database)
    row = await undertake(fresh_database, operated)
    async with fresh_database.transaction() as session:
        await zones.mandate(
            session, operated.zone, operated.operator, term_from=date(2027, 5, 1), term_to=date(2028, 1, 1)
        )
    async with fresh_database.transaction(reading=True) as session:
        found = await session.get(RenewalUndertaking, row.id)
    assert found is not None
    assert found.fulfilled_at is not None
    assert await mandate_actions.expire_due(fresh_database, LEDGER_ID, ENDS) > 0


async def test_an_undertaking_is_the_operators_within_the_term_and_one_at_a_time(
    client_for: ClientFor, database: Database
) -> None:
    operated = await short_zone(database)
    async with database.transaction() as session:
        other = acting_for(await admitted(session, ParticipantKind.ZONE_OPERATOR))
    path = f"/zones/{operated.zone.id}/mandates/{operated.mandate.id}"
    body = {
        "document": "承诺书1号",
        "document_sha256": "ab" * 32,
        "renewed_to": "2028-01-01",
        "due_on": "2027-04-01",
    }
    operator = client_for(operated.account)
    for changed, code in (
        ({"due_on": "2027-05-02"}, "undertaking.due-wrong"),
        ({"due_on": "2024-06-03"}, "undertaking.due-wrong"),
        ({"renewed_to": "2027-05-01"}, "mandate.term-empty"),
        ({"renewed_to": "2032-05-02"}, "mandate.term-too-long"),
    ):
        refused = await operator.post(f"{path}/undertakings", json=body | changed)
        assert refused.json()["code"] == code
    stranger = await client_for(other).post(f"{path}/undertakings", json=body)
    assert stranger.json()["code"] == "resource.zone-not-yours"
    assert (await client_for(AUTHORITY).post(f"{path}/undertakings", json=body)).status_code == 403
    given = await operator.post(f"{path}/undertakings", json=body)
    assert (given.status_code, given.json()["overdue_at"]) == (201, None)
    assert (await operator.post(f"{path}/undertakings", json=body)).json()["code"] == "undertaking.open"
    listed = (await operator.get(f"{path}/undertakings")).json()
    assert [item["id"] for item in listed["items"]] == [given.json()["id"]]
    affected = (await client_for(AUTHORITY).get(f"{path}/affected", params={"event": "expire"})).json()
    assert affected["undertaking"]["due_on"] == "2027-04-01"
    await move(database, operated, MandateEvent.WITHDRAW)
    late = await operator.post(f"{path}/undertakings", json=body)
    assert late.json()["code"] == "undertaking.mandate-not-in-force"
