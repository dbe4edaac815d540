"""Organisations over HTTP: applying, admission with its history, names, races."""

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from datamarket.auth.terms import Role
from datamarket.foundation.db import Database
from datamarket.foundation.errors import NotFound
from datamarket.participants import actions as participant_actions
from datamarket.participants import queries as participants_queries
from datamarket.participants import rules as participants_rules
from datamarket.participants.terms import ParticipantEvent, ParticipantKind
from tests.conftest import ClientFor
from tests.world.participants import admitted, applicant, suspend, unique_uscc
from tests.world.people import AUDITOR, AUTHORITY, NOON, actor, unique

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


async def test_only_the_admitted_may_act(database: Database) -> None:
    async with database.transaction() as session:
        firm, held = await admitted(session), await admitted(session)
        await suspend(session, held.id)
        await participants_queries.lock_admitted(session, firm.id)
        with pytest.raises(participants_rules.ParticipantNotAdmitted):
            await participants_queries.lock_admitted(session, firm.id, held.id)
        with pytest.raises(NotFound):
            await participants_queries.lock_admitted(session, AUTHORITY.account_id)
        with pytest.raises(participants_rules.ParticipantKindWrong):
            await participants_queries.lock_admitted_as(session, firm.id, ParticipantKind.ZONE_OPERATOR)
