"""Certificates over HTTP."""

from typing import Any

from datamarket.auth.terms import Role
from datamarket.foundation.db import Database
from tests.conftest import ClientFor
from tests.world.participants import admitted, applicant
from tests.world.people import AUTHORITY, actor

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
