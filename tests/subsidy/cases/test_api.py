"""Cases over HTTP."""

from datamarket.foundation.db import Database
from tests.conftest import ClientFor
from tests.world import subsidy as world
from tests.world.participants import acting_for
from tests.world.people import AUTHORITY, unique


async def test_a_case_is_registered_once_verified_once_and_seen_by_its_own_enterprise(
    database: Database, client_for: ClientFor
) -> None:
    owner, stranger = await world.enterprise(database), await world.enterprise(database)
    authority = client_for(AUTHORITY)
    body = {
        "code": unique("CASE"),
        "enterprise_id": str(owner.id),
        "title_zh": "海洋气象数据",
        "title_en": "Ocean weather",
        "field": "ocean",
        "level": "national",
        "listed_on": "2024-05-24",
        "investment_fen": 333_333_333,
    }
    made = await authority.post("/subsidy/cases", json=body)
    assert made.status_code == 201, made.text
    again = await authority.post("/subsidy/cases", json=body | {"enterprise_id": str(stranger.id)})
    assert (again.status_code, again.json()["code"]) == (409, "subsidy.case-code-taken")
    path = f"/subsidy/cases/{made.json()['id']}"
    assert (await client_for(acting_for(owner)).get(path)).json()["verified_by"] is None
    assert (await client_for(acting_for(stranger)).get(path)).status_code == 404
    assert (await authority.get(f"{path}/allowed-events")).json()["events"] == ["verify"]
    event = {"event": "verify", "investment_fen": 300_000_000}
    verified = await authority.post(f"{path}/events", json=event)
    assert verified.json()["verified_by"] == str(AUTHORITY.account_id)
    twice = await authority.post(f"{path}/events", json=event)
    assert (twice.status_code, twice.json()["code"]) == (409, "subsidy.verified-already")
    listed = await authority.get("/subsidy/cases", params={"enterprise": str(owner.id)})
    assert [case["investment_fen"] for case in listed.json()["items"]] == [300_000_000]
    missing = await authority.post(
        "/subsidy/cases",
        json=body | {"code": unique("CASE"), "investment_fen": None, "verified": True},
    )
    assert (missing.status_code, missing.json()["code"]) == (422, "subsidy.investment-missing")
