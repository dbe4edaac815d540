"""The registration of resources over HTTP, step by step, and who sees what of it."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest

from datamarket.auth.terms import Role
from datamarket.foundation.db import Database
from datamarket.zones.resources import actions as resource_actions
from datamarket.zones.resources import rules as resource_rules
from datamarket.zones.resources.terms import ResourceEvent
from datamarket.zones.terms import Level
from tests.conftest import ClientFor
from tests.world import zones as world
from tests.world.participants import acting_for, admitted, suspend
from tests.world.people import AUDITOR, AUTHORITY, actor, moment, unique


async def test_a_resource_is_registered_step_by_step_by_operator_and_authority(
    client_for: ClientFor, database: Database
) -> None:
    async with database.transaction() as session:
        operated, supplier = await world.open_zone(session), await world.supplying_unit(session)
    operator, authority, visitor = (client_for(who) for who in (operated.account, AUTHORITY, None))
    code = unique("RES")
    drafted = await operator.post(
        "/resources",
        json={
            "zone_id": str(operated.zone.id),
            "supplying_unit_id": str(supplier.id),
            "code": code,
            "name_zh": "近海浮标实时观测数据",
            "name_en": "Live observations of near-shore buoys",
            "level": "general",
        },
    )
    assert (drafted.status_code, drafted.json()["state"]) == (201, "draft")
    path = f"/resources/{drafted.json()['id']}"
    assert (await visitor.get(path)).status_code == 404
    assert (await client_for(acting_for(supplier)).get(path)).status_code == 200
    assert (await operator.get(f"{path}/allowed-events")).json()["events"] == ["submit"]
    assert (await authority.get(f"{path}/allowed-events")).json()["events"] == []
    for client, event, state in [
        (operator, "submit", "submitted"),
        (authority, "accept", "accepted"),
        (authority, "review", "reviewed"),
        (authority, "publicise", "publicised"),
        (authority, "code", "registered"),
    ]:
        moved = await client.post(f"{path}/events", json={"event": event})
        assert (moved.status_code, moved.json()["state"]) == (200, state)
    shown = (await visitor.get(path)).json()
    assert shown["registration_code"] == f"370200-2024-{code}"
    assert (shown["registered_on"], shown["valid_to"]) == ("2024-06-03", "2027-06-03")
    early = await operator.post(f"{path}/events", json={"event": "renew"})
    assert (early.status_code, early.json()["code"]) == (409, "resource.renewal-outside-window")
    change = {"kind": "change", "name_zh": "浮标与潮位", "name_en": "Buoys and tides", "reason": "新增潮位站"}
    filed = await authority.post(f"{path}/filings", json=change)
    assert (filed.status_code, filed.json()["name_zh"]) == (201, "浮标与潮位")
    cancelled = await authority.post(f"{path}/events", json={"event": "cancel", "reason": "数据停供"})
    assert cancelled.json()["state"] == "cancelled"
    kinds = [item["kind"] for item in (await visitor.get(f"{path}/filings")).json()["items"]]
    assert sorted(kinds) == ["cancellation", "change", "first"]
    assert (await authority.post(f"{path}/filings", json=change)).json()["code"] == "resource.not-registered"


async def test_each_registers_only_what_is_theirs_to_register(
    client_for: ClientFor, database: Database
) -> None:
    async with database.transaction() as session:
        operated, other = await world.open_zone(session), await world.open_zone(session)
        resource = await world.draft_resource(session, operated)
        public = await world.registered_resource(session, operated)
    events = f"/resources/{resource.id}/events"
    foreign = client_for(other.account)
    assert (await foreign.post(events, json={"event": "submit"})).status_code == 404
    renewal = await foreign.post(f"/resources/{public.id}/events", json={"event": "renew"})
    assert (renewal.status_code, renewal.json()["code"]) == (403, "resource.zone-not-yours")
    own = await client_for(operated.account).post(events, json={"event": "accept"})
    assert (own.status_code, own.json()["code"]) == (403, "resource.event-not-yours")
    for_them = await client_for(AUTHORITY).post(events, json={"event": "submit"})
    assert (for_them.status_code, for_them.json()["code"]) == (403, "resource.event-not-yours")
    buyer = client_for(actor(Role.BUYER))
    assert (await buyer.get(f"/resources/{public.id}/allowed-events")).json()["events"] == []
    assert (await buyer.get(f"/resources/{resource.id}/allowed-events")).status_code == 404


async def test_a_returned_registration_is_mended_under_if_match_and_submitted_again(
    client_for: ClientFor, database: Database
) -> None:
    async with database.transaction() as session:
        operated = await world.open_zone(session)
        resource = await world.draft_resource(session, operated)
    operator, authority = client_for(operated.account), client_for(AUTHORITY)
    path = f"/resources/{resource.id}"
    mended = {"name_zh": "补正后", "name_en": "Mended", "level": "important"}
    await operator.post(f"{path}/events", json={"event": "submit"})
    fixed = await operator.patch(path, json=mended, headers={"If-Match": "*"})
    assert (fixed.status_code, fixed.json()["code"]) == (409, "resource.content-fixed")
    assert (await authority.post(f"{path}/events", json={"event": "return"})).status_code == 422
    returned = await authority.post(f"{path}/events", json={"event": "return", "reason": "名称不符"})
    assert returned.json()["reason"] == "名称不符"
    assert (await operator.patch(path, json=mended)).status_code == 428
    tag = returned.headers["etag"]
    changed = await operator.patch(path, json=mended, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["level"]) == (200, "important")
    again = await operator.post(f"{path}/events", json={"event": "submit"})
    assert (again.json()["state"], again.json()["reason"]) == ("submitted", None)


async def test_who_supplies_is_an_admitted_supplying_unit_at_draft_and_at_submission(
    client_for: ClientFor, database: Database
) -> None:
    async with database.transaction() as session:
        operated, firm = await world.open_zone(session), await admitted(session)
        supplier = await world.supplying_unit(session)
        resource = await world.draft_resource(session, operated, supplier=supplier)
        await suspend(session, supplier.id)
    operator = client_for(operated.account)
    submitted = await operator.post(f"/resources/{resource.id}/events", json={"event": "submit"})
    assert submitted.json()["code"] == "participant.not-admitted"
    for unit, code in ((firm, "participant.kind-wrong"), (supplier, "participant.not-admitted")):
        drafted = await operator.post(
            "/resources",
            json={
                "zone_id": str(operated.zone.id),
                "supplying_unit_id": str(unit.id),
                "code": unique("RES"),
                "name_zh": "资源",
                "name_en": "Resource",
                "level": "general",
            },
        )
        assert drafted.json()["code"] == code


async def test_a_level_changes_only_with_a_record_of_who_and_why(
    client_for: ClientFor, database: Database
) -> None:
    async with database.transaction() as session:
        operated = await world.open_zone(session)
        resource = await world.registered_resource(session, operated, level=Level.CORE)
    path = f"/resources/{resource.id}/level-assessments"
    body = {"level": "important", "reason": "已脱敏，个人标识不可复原"}
    assert (await client_for(operated.account).post(path, json=body)).status_code == 403
    authority = client_for(AUTHORITY)
    assessed = await authority.post(path, json=body)
    assert assessed.status_code == 201
    assert (assessed.json()["before"], assessed.json()["after"]) == ("core", "important")
    assert assessed.json()["assessed_by"] == str(AUTHORITY.account_id)
    assert (await authority.post(path, json=body)).json()["code"] == "resource.level-unchanged"
    assert (await client_for(None).get(path)).json()["items"] == [assessed.json()]
    assert (await client_for(None).get(f"/resources/{resource.id}")).json()["level"] == "important"


async def test_visitors_list_what_is_public_and_the_operator_its_drafts_too(
    client_for: ClientFor, database: Database
) -> None:
    async with database.transaction() as session:
        operated = await world.open_zone(session)
        draft = await world.draft_resource(session, operated)
        public = await world.registered_resource(session, operated)
        important = await world.registered_resource(session, operated, level=Level.IMPORTANT)

    async def listed(who: Any, **filters: str) -> set[str]:
        query = {"zone": str(operated.zone.id), **filters}
        page = (await client_for(who).get("/resources", params=query)).json()
        return {item["id"] for item in page["items"]}

    everything = {str(draft.id), str(public.id), str(important.id)}
    assert await listed(None) == everything - {str(draft.id)}
    assert await listed(operated.account) == everything
    assert await listed(AUDITOR) == everything
    assert await listed(None, level="important") == {str(important.id)}
    assert await listed(AUDITOR, state="draft") == {str(draft.id)}
    assert await listed(None, state="draft") == set()
    first = (
        await client_for(None).get("/resources", params={"zone": str(operated.zone.id), "limit": "1"})
    ).json()
    rest = await listed(None, after=first["next"])
    assert rest | {item["id"] for item in first["items"]} == everything - {str(draft.id)}


async def test_publicity_and_renewal_keep_to_the_rule_in_force_on_the_day(database: Database) -> None:
    def noon(year: int, month: int, day: int) -> datetime:
        return datetime(year, month, day, 4, tzinfo=UTC)

    async with database.transaction() as session:
        operated = await world.open_zone(session, term_from=date(2024, 1, 1), term_to=date(2029, 1, 1))
        resource = await world.draft_resource(session, operated)

        async def move(event: ResourceEvent, at: datetime) -> None:
            by = operated.account if event in resource_rules.OPERATOR_EVENTS else AUTHORITY
            await resource_actions.move_resource(session, by, resource, event, now=at)

        for event in world.REGISTRATION_STEPS[:4]:
            await move(event, noon(2025, 6, 2))
        with pytest.raises(resource_rules.RegistrationPublicityRunning):
            await move(ResourceEvent.CODE, noon(2025, 6, 16))
        await move(ResourceEvent.CODE, noon(2025, 6, 17))
        assert resource.valid_to == date(2028, 6, 17)
        for outside in (noon(2028, 4, 17), noon(2028, 6, 17)):
            with pytest.raises(resource_rules.RenewalOutsideWindow):
                await move(ResourceEvent.RENEW, outside)
        await move(ResourceEvent.RENEW, noon(2028, 4, 18))
        assert resource.valid_to == date(2031, 6, 17)


async def test_a_code_given_elsewhere_is_kept_and_belongs_to_one_resource(
    client_for: ClientFor, database: Database
) -> None:
    async with database.transaction() as session:
        operated = await world.open_zone(session)
        waiting = [await world.draft_resource(session, operated) for _ in range(2)]
        for resource in waiting:
            for event in world.REGISTRATION_STEPS[:4]:
                by = operated.account if event in resource_rules.OPERATOR_EVENTS else AUTHORITY
                await resource_actions.move_resource(session, by, resource, event, now=moment())
    given = {"event": "code", "registration_code": unique("QD")}
    authority = client_for(AUTHORITY)
    answers = await asyncio.gather(
        *(authority.post(f"/resources/{resource.id}/events", json=given) for resource in waiting)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["code"] == "resource.registration-code-taken"
