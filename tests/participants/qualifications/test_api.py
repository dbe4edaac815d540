"""Certificates over HTTP."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from datamarket.auth.terms import Role
from datamarket.foundation.db import Database
from datamarket.participants.qualifications import actions
from datamarket.participants.qualifications.terms import QualificationKind
from datamarket.statistics.queries import count_market
from tests.conftest import ClientFor
from tests.world.participants import admitted, applicant
from tests.world.people import AUTHORITY, NOON, actor
from tests.world.trading import LEDGER_ID

BUYER = actor(Role.BUYER)


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


async def test_a_certificate_is_over_with_its_days_and_told_once(fresh_database: Database) -> None:
    async with fresh_database.transaction() as session:
        firm = await admitted(session)
        for kind, until in (
            (QualificationKind.DATA_MERCHANT, date(2025, 1, 1)),
            (QualificationKind.THIRD_PARTY_SERVICE, None),
        ):
            await actions.grant_qualification(
                session,
                AUTHORITY,
                participant_id=firm.id,
                kind=kind,
                granted_by="市大数据主管部门",
                granted_on=date(2024, 1, 1),
                until_on=until,
                now=NOON,
            )
    over = datetime(2024, 12, 31, 16, tzinfo=UTC)
    counted = []
    for at in (over - timedelta(seconds=1), over):
        async with fresh_database.transaction(reading=True) as session:
            counted.append((await count_market(session, LEDGER_ID, now=at)).data_merchants)
    assert counted == [1, 0]
    assert await actions.expire_due(fresh_database, LEDGER_ID, over - timedelta(seconds=1)) == 0
    assert [await actions.expire_due(fresh_database, LEDGER_ID, over) for _ in range(2)] == [1, 0]
    async with fresh_database.connection() as connection:
        told = await connection.fetchval(
            "SELECT facts ->> 'kind' FROM audit_event WHERE action = 'participants.expire-qualification'"
        )
    assert told == "data_merchant"
