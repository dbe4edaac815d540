"""Organisations over HTTP: applying, admission with its history, control, certificates, races."""

import asyncio
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from datamarket.auth.terms import Role
from datamarket.foundation.db import Database
from datamarket.foundation.errors import NotFound
from datamarket.participants import actions as participant_actions
from datamarket.participants import queries as participants_queries
from datamarket.participants import rules as participants_rules
from datamarket.participants.affiliations import actions as affiliation_actions
from datamarket.participants.affiliations import queries as affiliation_queries
from datamarket.participants.affiliations.rules import ControlCircle
from datamarket.participants.terms import ParticipantEvent, ParticipantKind
from tests.conftest import ClientFor
from tests.world.participants import admitted, applicant, suspend, unique_uscc
from tests.world.people import AUDITOR, AUTHORITY, NOON, actor, moment, unique

BUYER = actor(Role.BUYER)


def application(**changed: Any) -> dict[str, Any]:
    return {
        "uscc": unique_uscc(),
        "name_zh": f"青岛{unique('甲')}",
        "name_en": unique("Jia"),
        "kind": "enterprise",
        "income_class": "enterprise",
        "division": "370212",
        "industry": "6450",
    } | changed


async def test_an_organisation_applies_is_admitted_suspended_restored_and_leaves(
    client_for: ClientFor,
) -> None:
    authority = client_for(AUTHORITY)
    created = await authority.post("/participants", json=application())
    assert created.status_code == 201
    assert created.json()["state"] == "applied"
    path = f"/participants/{created.json()['id']}"
    assert (await authority.get(f"{path}/allowed-events")).json()["events"] == ["admit", "withdraw"]
    for event, reason, state in [
        ("admit", None, "admitted"),
        ("suspend", "材料存疑", "suspended"),
        ("restore", None, "admitted"),
        ("withdraw", "业务终止", "withdrawn"),
    ]:
        moved = await authority.post(f"{path}/events", json={"event": event, "reason": reason})
        assert (moved.status_code, moved.json()["state"]) == (200, state)
    assert (await authority.get(f"{path}/allowed-events")).json() == {"state": "withdrawn", "events": []}
    held = (await client_for(AUDITOR).get(f"{path}/standings")).json()["items"]
    assert [s["state"] for s in held] == ["applied", "admitted", "suspended", "admitted", "withdrawn"]
    assert [s["to_at"] is None for s in held] == [False, False, False, False, True]
    assert held[2]["reason"] == "材料存疑"
    assert all(one["to_at"] == other["from_at"] for one, other in pairwise(held))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"uscc": "9137"}, "participant.uscc-length"),
        ({"uscc": "91370212QDMA0001O5"}, "participant.uscc-character"),
        ({"uscc": "91370212QDMA0001XE"}, "participant.uscc-check-digit"),
        ({"division": "990000"}, "participant.division"),
        ({"industry": "IT"}, "participant.industry"),
        ({"kind": "king"}, "request.invalid"),
        ({"name_zh": "   "}, "request.invalid"),
    ],
)
async def test_a_faulty_application_is_refused_with_the_exact_fault(
    client_for: ClientFor, changed: dict[str, Any], code: str
) -> None:
    refused = await client_for(AUTHORITY).post("/participants", json=application(**changed))
    assert (refused.status_code, refused.json()["code"]) == (422, code)


async def test_a_credit_code_belongs_to_one_organisation(client_for: ClientFor) -> None:
    authority, body = client_for(AUTHORITY), application()
    assert (await authority.post("/participants", json=body)).status_code == 201
    again = await authority.post("/participants", json=body | {"name_zh": "另一家"})
    assert (again.status_code, again.json()["code"]) == (409, "participant.uscc-taken")


async def test_only_the_authority_registers_and_moves_and_everyone_in_the_market_reads(
    client_for: ClientFor, database: Database
) -> None:
    async with database.transaction() as session:
        waiting = await applicant(session)
    path = f"/participants/{waiting.id}"
    buyer = client_for(BUYER)
    assert (await buyer.get(path)).status_code == 200
    assert (await buyer.get(f"{path}/allowed-events")).json() == {"state": "applied", "events": []}
    assert (await buyer.post(f"{path}/events", json={"event": "admit"})).status_code == 403
    assert (await buyer.post("/participants", json=application())).status_code == 403
    assert (await client_for(None).get(path)).status_code == 401
    missing = await buyer.get(f"/participants/{AUTHORITY.account_id}")
    assert (missing.status_code, missing.json()["code"]) == (404, "not-found")


async def test_a_suspension_without_a_reason_changes_nothing(
    client_for: ClientFor, database: Database
) -> None:
    async with database.transaction() as session:
        firm = await admitted(session)
    authority = client_for(AUTHORITY)
    refused = await authority.post(f"/participants/{firm.id}/events", json={"event": "suspend"})
    assert (refused.status_code, refused.json()["code"]) == (422, "participant.reason-missing")
    assert (await authority.get(f"/participants/{firm.id}")).json()["state"] == "admitted"


async def test_names_change_before_admission_under_if_match_and_never_after(client_for: ClientFor) -> None:
    authority = client_for(AUTHORITY)
    created = await authority.post("/participants", json=application())
    path, names = f"/participants/{created.json()['id']}", {"name_zh": "更名后", "name_en": "Renamed"}
    assert (await authority.patch(path, json=names)).status_code == 428
    tag = created.headers["etag"]
    renamed = await authority.patch(path, json=names, headers={"If-Match": tag})
    assert (renamed.status_code, renamed.json()["name_zh"]) == (200, "更名后")
    assert (await authority.patch(path, json=names, headers={"If-Match": tag})).status_code == 412
    await authority.post(f"{path}/events", json={"event": "admit"})
    late = await authority.patch(path, json=names, headers={"If-Match": "*"})
    assert (late.status_code, late.json()["code"]) == (409, "participant.name-fixed")


async def test_the_list_filters_and_pages_by_cursor(client_for: ClientFor, database: Database) -> None:
    name = unique("100%_海")
    async with database.transaction() as session:
        firms = [await applicant(session, name=f"{name} {n}") for n in range(3)]
        await applicant(session, ParticipantKind.THIRD_PARTY, name=name)
        await admitted(session, name=name)
    client, seen, after = client_for(BUYER), list[str](), ""
    while after is not None:
        query = {"text": name, "kind": "enterprise", "state": "applied", "limit": "2", "after": after}
        page = (await client.get("/participants", params=query)).json()
        seen += [item["id"] for item in page["items"]]
        after = page["next"]
    assert seen == sorted(str(firm.id) for firm in firms)
    assert (await client.get("/participants", params={"text": f"_{name}"})).json()["items"] == []
    assert (await client.get("/participants", params={"after": "x"})).json()["code"] == "page.cursor-invalid"


async def test_who_was_suspended_is_known_by_instant(database: Database) -> None:
    day = timedelta(days=1)
    async with database.transaction() as session:
        firm = await admitted(session)
        for event, at in [(ParticipantEvent.SUSPEND, NOON + day), (ParticipantEvent.RESTORE, NOON + 3 * day)]:
            await participant_actions.move_participant(session, AUTHORITY, firm, event, reason="核查", now=at)
        at_instants = [
            firm.id in await participants_queries.suspended_at(session, NOON + n * day) for n in (0, 1, 2, 3)
        ]
        assert at_instants == [False, True, True, False]


async def test_control_is_recorded_ended_and_read_from_both_sides(
    client_for: ClientFor, database: Database
) -> None:
    async with database.transaction() as session:
        parent, child = await admitted(session), await admitted(session)
    authority = client_for(AUTHORITY)
    path = f"/participants/{child.id}/affiliations"
    body = {"controller_id": str(parent.id), "from_on": "2023-01-01"}
    created = await authority.post(path, json=body)
    assert (created.status_code, created.json()["to_on"]) == (201, None)
    for faulty, code in [
        (body, "affiliation.overlap"),
        (body | {"controller_id": str(child.id)}, "affiliation.self-control"),
        (body | {"to_on": "2022-01-01"}, "participant.term-empty"),
        (body | {"controller_id": str(AUTHORITY.account_id)}, "not-found"),
    ]:
        assert (await authority.post(path, json=faulty)).json()["code"] == code
    back = await authority.post(
        f"/participants/{parent.id}/affiliations", json=body | {"controller_id": str(child.id)}
    )
    assert (back.status_code, back.json()["code"]) == (409, "affiliation.circle")
    end = f"{path}/{created.json()['id']}/events"
    ended = await authority.post(end, json={"event": "end", "on": "2024-01-01"})
    assert (ended.status_code, ended.json()["to_on"]) == (200, "2024-01-01")
    again = await authority.post(end, json={"event": "end", "on": "2024-02-01"})
    assert again.json()["code"] == "affiliation.ended"
    for side in (parent, child):
        listed = await client_for(BUYER).get(f"/participants/{side.id}/affiliations")
        assert [item["id"] for item in listed.json()["items"]] == [created.json()["id"]]
    stranger = f"/participants/{AUTHORITY.account_id}/affiliations/{created.json()['id']}/events"
    assert (await authority.post(stranger, json={"event": "end", "on": "2025-01-01"})).status_code == 404


async def related_days(database: Database, a: UUID, b: UUID, days: list[date]) -> list[bool]:
    """As the function says, having checked on each day that the view says the same, both ways round."""
    answers = []
    async with database.transaction() as session:
        view = text(
            "SELECT 1 FROM related_party WHERE a_id = :a AND b_id = :b"
            " AND from_on <= :on AND (to_on IS NULL OR to_on > :on)"
        )
        connection = await session.connection()
        for on in days:
            answer = await affiliation_queries.are_related(session, a, b, on)
            assert answer == await affiliation_queries.are_related(session, b, a, on)
            for one, other in ((a, b), (b, a)):
                row = (await connection.execute(view, {"a": one, "b": other, "on": on})).first()
                assert (row is not None) == answer
            answers.append(answer)
    return answers


async def test_related_are_chains_and_common_controllers_on_the_days_that_all_links_share(
    database: Database,
) -> None:
    async with database.transaction() as session:
        group, holding, firm, sister, stranger = [await admitted(session) for _ in range(5)]
        for controller, controlled, begins, ends in [
            (group, holding, date(2020, 1, 1), None),
            (holding, firm, date(2022, 1, 1), date(2024, 1, 1)),
            (group, sister, date(2021, 1, 1), date(2023, 1, 1)),
        ]:
            await affiliation_actions.affiliate(
                session,
                AUTHORITY,
                controller_id=controller.id,
                controlled_id=controlled.id,
                from_on=begins,
                to_on=ends,
                now=moment(),
            )
    days = [date(2021, 12, 31), date(2022, 1, 1), date(2022, 12, 31), date(2023, 1, 1), date(2024, 1, 1)]
    assert await related_days(database, group.id, firm.id, days) == [False, True, True, True, False]
    assert await related_days(database, sister.id, firm.id, days) == [False, True, True, False, False]
    assert await related_days(database, sister.id, holding.id, days) == [True, True, True, False, False]
    assert await related_days(database, stranger.id, firm.id, days) == [False] * 5
    assert await related_days(database, firm.id, firm.id, days) == [False] * 5


async def test_control_may_turn_round_once_the_first_has_ended(database: Database) -> None:
    async with database.transaction() as session:
        one, middle, other = [await admitted(session) for _ in range(3)]

        async def control(a: UUID, b: UUID, begins: date, ends: date | None) -> None:
            await affiliation_actions.affiliate(
                session, AUTHORITY, controller_id=a, controlled_id=b, from_on=begins, to_on=ends, now=moment()
            )

        await control(one.id, middle.id, date(2020, 1, 1), date(2024, 1, 1))
        await control(middle.id, other.id, date(2021, 1, 1), None)
        with pytest.raises(ControlCircle):
            await control(other.id, one.id, date(2023, 12, 31), None)
        await control(other.id, one.id, date(2024, 1, 1), None)


async def test_of_two_controls_that_would_close_a_circle_at_once_one_is_refused(
    client_for: ClientFor, database: Database
) -> None:
    async with database.transaction() as session:
        one, other = await admitted(session), await admitted(session)
    authority = client_for(AUTHORITY)
    answers = await asyncio.gather(
        *(
            authority.post(
                f"/participants/{controlled.id}/affiliations",
                json={"controller_id": str(controller.id), "from_on": "2024-01-01"},
            )
            for controller, controlled in ((one, other), (other, one))
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_of_two_events_at_once_the_second_sees_the_first(
    client_for: ClientFor, database: Database
) -> None:
    async with database.transaction() as session:
        firm = await admitted(session)
    authority, suspension = client_for(AUTHORITY), {"event": "suspend", "reason": "核查"}
    answers = await asyncio.gather(
        *(authority.post(f"/participants/{firm.id}/events", json=suspension) for _ in range(3))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]


async def test_a_certificate_is_of_an_admitted_organisation_and_once_at_a_time(
    client_for: ClientFor, database: Database
) -> None:
    async with database.transaction() as session:
        firm, waiting = await admitted(session), await applicant(session)
    authority = client_for(AUTHORITY)
    body: dict[str, Any] = {
        "participant_id": str(firm.id),
        "kind": "data_merchant",
        "granted_by": "市大数据主管部门",
        "granted_on": "2023-01-01",
        "until_on": "2026-01-01",
    }
    created = await authority.post("/qualifications", json=body)
    assert (created.status_code, created.json()["kind_zh"]) == (201, "数商")
    faults: list[tuple[dict[str, Any], str]] = [
        ({"granted_on": "2025-12-31", "until_on": None}, "qualification.overlap"),
        ({"participant_id": str(waiting.id)}, "participant.not-admitted"),
        ({"kind": "chief_data_officer"}, "qualification.holder"),
        ({"until_on": "2023-01-01"}, "participant.term-empty"),
    ]
    for changed, code in faults:
        assert (await authority.post("/qualifications", json=body | changed)).json()["code"] == code
    renewal = body | {"granted_on": "2026-01-01", "until_on": None}
    assert (await authority.post("/qualifications", json=renewal)).status_code == 201
    for person in ("王某", "李某"):
        officer = body | {"kind": "chief_data_officer", "holder": person}
        assert (await authority.post("/qualifications", json=officer)).status_code == 201
    query = {"participant": str(firm.id), "kind": "chief_data_officer"}
    listed = (await client_for(BUYER).get("/qualifications", params=query)).json()
    assert sorted(item["holder"] for item in listed["items"]) == ["李某", "王某"]


async def test_only_the_admitted_may_act(database: Database) -> None:
    async with database.transaction() as session:
        firm, held = await admitted(session), await admitted(session)
        await suspend(session, held.id)
        await participants_queries.check_admitted(session, firm.id)
        with pytest.raises(participants_rules.ParticipantNotAdmitted):
            await participants_queries.check_admitted(session, firm.id, held.id)
        with pytest.raises(NotFound):
            await participants_queries.check_admitted(session, AUTHORITY.account_id)
        with pytest.raises(participants_rules.ParticipantKindWrong):
            await participants_queries.check_admitted_as(session, firm.id, ParticipantKind.ZONE_OPERATOR)


async def test_the_audit_trail_tells_each_step(client_for: ClientFor, database: Database) -> None:
    async with database.transaction() as session:
        firm = await admitted(session)
        await suspend(session, firm.id)
    events = (await client_for(AUDITOR).get("/audit-events", params={"subject": str(firm.id)})).json()[
        "items"
    ]
    assert sorted(event["action"] for event in events) == [
        "participants.admit",
        "participants.register",
        "participants.suspend",
    ]
