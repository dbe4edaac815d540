"""Zones, mandates and scenarios over HTTP; the races they must survive."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from datamarket.foundation.db import Database
from datamarket.participants.terms import ParticipantKind
from datamarket.zones import actions as zone_actions
from datamarket.zones import queries as zones_queries
from datamarket.zones.rules import OperatorChangesLater
from datamarket.zones.terms import MandateMode, ZoneEvent
from tests.conftest import Client, ClientFor
from tests.world import zones as world
from tests.world.participants import admitted, suspend
from tests.world.people import AUDITOR, AUTHORITY, moment, unique


def mandate_for(operator_id: UUID, **changed: Any) -> dict[str, Any]:
    return {
        "operator_id": str(operator_id),
        "mode": "field",
        "term_from": "2023-01-01",
        "term_to": "2028-01-01",
        "filed_on": "2023-01-10",
    } | changed


def scenario_named(code: str) -> dict[str, Any]:
    return {
        "code": code,
        "name_zh": "海洋气象与灾害预警",
        "name_en": "Ocean weather and hazard warning",
        "use_class": "public_good",
        "family": "沧海图",
    }


async def planned(database: Database, authority: Client) -> tuple[UUID, str]:
    """A zone without a mandate: who is to operate it, and its path."""
    async with database.transaction() as session:
        operator = await admitted(session, ParticipantKind.ZONE_OPERATOR)
    zone = {"code": unique("Z"), "name_zh": "海洋专区", "name_en": "Ocean zone", "field": "ocean"}
    made = await authority.post("/zones", json=zone | {"operator_id": str(operator.id)})
    assert (made.status_code, made.json()["state"]) == (201, "draft")
    return operator.id, f"/zones/{made.json()['id']}"


async def test_a_zone_is_planned_mandated_opened_and_closed(
    client_for: ClientFor, database: Database
) -> None:
    authority, visitor = client_for(AUTHORITY), client_for(None)
    operator_id, path = await planned(database, authority)
    assert (await authority.post(f"{path}/mandates", json=mandate_for(operator_id))).status_code == 201
    opened = await authority.post(f"{path}/events", json={"event": "open"}, headers={"If-Match": '"1"'})
    assert (opened.json()["state"], opened.json()["opened_on"]) == ("open", "2024-06-03")
    assert (await visitor.get(path)).headers["etag"] == '"2"'
    assert (await visitor.get(f"{path}/allowed-events")).json() == {"state": "open", "events": []}
    assert (await authority.get(f"{path}/allowed-events")).json()["events"] == ["close"]
    closed = await authority.post(f"{path}/events", json={"event": "close", "reason": "授权终止"})
    assert (closed.json()["state"], closed.json()["closed_on"]) == ("closed", "2024-06-03")
    late = mandate_for(operator_id, term_from="2028-01-01", term_to="2030-01-01")
    assert (await authority.post(f"{path}/mandates", json=late)).json()["code"] == "zone.closed"


async def test_a_zone_opens_under_a_mandate_and_closes_with_a_reason_as_it_was_last_seen(
    client_for: ClientFor, database: Database
) -> None:
    authority = client_for(AUTHORITY)
    operator_id, path = await planned(database, authority)
    early = await authority.post(f"{path}/events", json={"event": "open"})
    assert (early.status_code, early.json()["code"]) == (409, "zone.mandate-missing")
    await authority.post(f"{path}/mandates", json=mandate_for(operator_id))
    opened = await authority.post(f"{path}/events", json={"event": "open"}, headers={"If-Match": '"1"'})
    assert opened.json()["state"] == "open"
    stale = await authority.post(
        f"{path}/events", json={"event": "close", "reason": "x"}, headers={"If-Match": '"1"'}
    )
    assert stale.status_code == 412
    unreasoned = await authority.post(f"{path}/events", json={"event": "close"})
    assert unreasoned.json()["code"] == "zone.reason-missing"


async def test_scenarios_are_of_an_open_zone_and_stand_with_its_mandates_for_everyone(
    client_for: ClientFor, database: Database
) -> None:
    authority, visitor = client_for(AUTHORITY), client_for(None)
    operator_id, path = await planned(database, authority)
    too_soon = await authority.post(f"{path}/scenarios", json=scenario_named(unique("S")))
    assert too_soon.json()["code"] == "zone.not-open"
    await authority.post(f"{path}/mandates", json=mandate_for(operator_id))
    await authority.post(f"{path}/events", json={"event": "open"})
    added = await authority.post(f"{path}/scenarios", json=scenario_named(unique("S")))
    assert (added.status_code, added.json()["use_class_zh"]) == (201, "公共治理、公益事业")
    assert (await visitor.get(path)).headers["etag"] == '"2"'
    assert (await visitor.get(f"{path}/scenarios")).json()["items"] == [added.json()]
    assert (await visitor.get(f"{path}/mandates")).json()["items"][0]["mode_zh"] == "分领域授权"


async def test_only_the_authority_runs_zones(client_for: ClientFor, database: Database) -> None:
    async with database.transaction() as session:
        operated = await world.open_zone(session)
    path = f"/zones/{operated.zone.id}"
    for client in (client_for(operated.account), client_for(AUDITOR)):
        refused = await client.post(f"{path}/mandates", json=mandate_for(operated.operator.id))
        assert refused.status_code == 403
    assert (await client_for(None).post(f"{path}/events", json={"event": "close"})).status_code == 401
    assert (await client_for(None).get(f"/zones/{operated.operator.id}")).status_code == 404


async def test_a_zone_is_operated_by_an_admitted_zone_operator(
    client_for: ClientFor, database: Database
) -> None:
    async with database.transaction() as session:
        firm = await admitted(session)
        held = await suspend(session, (await admitted(session, ParticipantKind.ZONE_OPERATOR)).id)
    for operator, code in ((firm, "participant.kind-wrong"), (held, "participant.not-admitted")):
        zone = {"code": unique("Z"), "name_zh": "专区", "name_en": "Zone", "field": "ocean"}
        answer = await client_for(AUTHORITY).post("/zones", json=zone | {"operator_id": str(operator.id)})
        assert (answer.status_code, answer.json()["code"]) == (409, code)


async def test_mandates_of_a_zone_follow_each_other_and_never_overlap(
    client_for: ClientFor, database: Database
) -> None:
    async with database.transaction() as session:
        operated = await world.open_zone(session)
    authority, path = client_for(AUTHORITY), f"/zones/{operated.zone.id}/mandates"
    for changed, code in [
        ({"term_from": "2027-12-31", "term_to": "2029-01-01"}, "mandate.overlap"),
        ({"term_from": "2028-01-01", "term_to": "2033-01-02"}, "mandate.term-too-long"),
        ({"term_from": "2028-01-01", "term_to": "2028-01-01"}, "mandate.term-empty"),
    ]:
        refused = await authority.post(path, json=mandate_for(operated.operator.id, **changed))
        assert refused.json()["code"] == code
    long = mandate_for(operated.operator.id, term_from="2028-01-01", term_to="2034-01-01")
    granted = await authority.post(path, json=long | {"reason_long_term": "基础设施投资回收期长"})
    assert granted.status_code == 201
    async with database.transaction() as session:
        in_force = [
            await zones_queries.mandate_at(session, operated.zone.id, day)
            for day in (date(2022, 12, 31), date(2023, 1, 1), date(2027, 12, 31), date(2028, 1, 1))
        ]
    assert [found and found.term_to.year for found in in_force] == [None, 2028, 2028, 2034]


async def test_of_two_overlapping_mandates_granted_at_once_one_is_refused(
    client_for: ClientFor, database: Database
) -> None:
    async with database.transaction() as session:
        operator = await admitted(session, ParticipantKind.ZONE_OPERATOR)
        zone = await world.draft_zone(session, operator)
    authority = client_for(AUTHORITY)
    answers = await asyncio.gather(
        *(
            authority.post(f"/zones/{zone.id}/mandates", json=mandate_for(operator.id, term_to=ends))
            for ends in ("2026-01-01", "2027-01-01", "2028-01-01")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]


async def test_another_operator_takes_an_open_zone_over_within_its_own_term(database: Database) -> None:
    async with database.transaction() as session:
        operated = await world.open_zone(session, term_to=date(2024, 6, 4))
        successor = await admitted(session, ParticipantKind.ZONE_OPERATOR)
        begins, ends = date(2024, 6, 4), date(2028, 1, 1)
        with pytest.raises(OperatorChangesLater):
            await world.mandate(session, operated.zone, successor, term_from=begins, term_to=ends)
        await zone_actions.grant_mandate(
            session,
            AUTHORITY,
            zone_id=operated.zone.id,
            operator_id=successor.id,
            mode=MandateMode.FIELD,
            term_from=begins,
            term_to=ends,
            filed_on=begins,
            now=datetime(2024, 6, 4, 1, tzinfo=UTC),
        )
        assert (await zones_queries.get_zone(session, operated.zone.id)).operator_id == successor.id


async def test_a_closed_zone_takes_no_more_resources_or_scenarios(
    client_for: ClientFor, database: Database
) -> None:
    async with database.transaction() as session:
        operated = await world.open_zone(session)
        scenario = await world.scenario(session, operated.zone.id)
        assert (await zones_queries.get_scenario(session, scenario.id)).code == scenario.code
        await zone_actions.move_zone(
            session, AUTHORITY, operated.zone, ZoneEvent.CLOSE, reason="授权终止", now=moment()
        )
    answer = await client_for(AUTHORITY).post(
        f"/zones/{operated.zone.id}/scenarios", json=scenario_named(unique("S"))
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "zone.not-open")
