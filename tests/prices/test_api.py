"""Permitted incomes over HTTP: filed, reviewed, approved by three accounts, explained to the fen."""

from typing import Any
from uuid import UUID

from datamarket.auth.terms import Role
from datamarket.foundation.db import Database
from tests.conftest import ClientFor
from tests.world import zones
from tests.world.people import AUDITOR, AUTHORITY, REVIEWER, actor, unique
from tests.world.prices import SHA
from tests.world.zones import OperatedZone


def figure(kind: str, amount_fen: int) -> dict[str, Any]:
    return {"kind": kind, "amount_fen": amount_fen, "document": f"监审 {kind}", "document_sha256": SHA}


def asked(operated: OperatedZone, **changed: Any) -> dict[str, Any]:
    figures = [
        figure("labour", 1_000_001),
        figure("subsidy", 200_000),
        figure("base", 1_000_003),
        figure("tax", 7),
    ]
    return {"zone_id": str(operated.zone.id), "year": 2024, "figures": figures, "margin": "5.5%"} | changed


async def zone_of(database: Database) -> OperatedZone:
    async with database.transaction() as session:
        return await zones.open_zone(session)


async def test_an_income_is_filed_reviewed_and_approved_by_three_and_its_steps_add_up(
    database: Database, client_for: ClientFor
) -> None:
    operated = await zone_of(database)
    operator, authority = client_for(operated.account), client_for(AUTHORITY)
    key = {"Idempotency-Key": unique("income")}
    twice = [
        await operator.post("/prices/permitted-incomes", json=asked(operated), headers=key) for _ in range(2)
    ]
    income = twice[0].json()
    assert (twice[0].status_code, twice[1].json()) == (201, income)
    told = [(step["kind"], step["amount_fen"]) for step in income["steps"]]
    # (2.5553 % + 5.5 %) of 1 000 003 fen is 80 553.24…, half up
    assert told == [("cost", 1_000_001), ("subsidies", -200_000), ("profit", 80_553), ("taxes", 7)]
    assert income["amount_fen"] == sum(amount for _, amount in told) == 880_561
    assert income["steps"][2]["source"] == "(2.5553% + 5.5%) × 监审 base"
    path = f"/prices/permitted-incomes/{income['id']}"
    reviewed = await client_for(REVIEWER).post(f"{path}/events", json={"event": "review"})
    assert (reviewed.status_code, reviewed.json()["state"]) == (200, "reviewed")
    assert (await authority.get(f"{path}/allowed-events")).json()["events"] == ["approve", "return"]
    approved = await authority.post(f"{path}/events", json={"event": "approve"}, headers={"If-Match": '"2"'})
    assert (approved.status_code, approved.json()["state_zh"]) == (200, "已核定")
    assert (await client_for(AUDITOR).get(path)).json() == approved.json()
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT action FROM audit_event WHERE subject_id = $1", UUID(income["id"])
        )
    verbs = ("approve", "file", "review")
    assert sorted(row["action"] for row in rows) == [f"prices.{verb}-income" for verb in verbs]


async def test_who_files_reviews_or_approves_does_so_once(database: Database, client_for: ClientFor) -> None:
    operated = await zone_of(database)
    made = await client_for(operated.account).post("/prices/permitted-incomes", json=asked(operated))
    path, authority = f"/prices/permitted-incomes/{made.json()['id']}/events", client_for(AUTHORITY)
    for code, client, body in (
        ("income.not-your-move", client_for(operated.account), {"event": "review"}),
        ("income.not-your-move", client_for(REVIEWER), {"event": "approve"}),
        ("income.not-your-move", authority, {"event": "compare"}),
        ("state.transition-not-allowed", authority, {"event": "approve"}),
        ("income.reason-missing", authority, {"event": "return"}),
        ("not-found", client_for((await zone_of(database)).account), {"event": "review"}),
    ):
        refused = await client.post(path, json=body)
        assert (code, refused.json()["code"]) == (code, code)
    assert (await authority.post(path, json={"event": "review"})).status_code == 200
    same = await authority.post(path, json={"event": "approve"})
    assert (same.status_code, same.json()["code"]) == (403, "income.same-person")
    other = await client_for(actor(Role.AUTHORITY)).post(path, json={"event": "approve"})
    assert other.json()["state"] == "approved"


async def test_what_no_rule_allows_is_not_filed(database: Database, client_for: ClientFor) -> None:
    operated = await zone_of(database)
    operator = client_for(operated.account)
    stranger = client_for((await zone_of(database)).account)
    for code, client, changed in (
        ("income.margin-too-high", operator, {"margin": "6.000000000001%"}),
        ("income.margin-malformed", operator, {"margin": "six"}),
        ("income.rate-unstated", operator, {"year": 2022}),
        ("request.invalid", operator, {"figures": []}),
        ("request.invalid", operator, {"figures": [figure("labour", -1)]}),
        ("resource.zone-not-yours", stranger, {}),
        ("auth.not-permitted", client_for(AUTHORITY), {}),
    ):
        refused = await client.post("/prices/permitted-incomes", json=asked(operated, **changed))
        assert (code, refused.json()["code"]) == (code, code)


async def test_a_year_is_filed_once_and_anew_when_it_was_returned(
    database: Database, client_for: ClientFor
) -> None:
    operated = await zone_of(database)
    operator = client_for(operated.account)
    first = (await operator.post("/prices/permitted-incomes", json=asked(operated))).json()
    twice = await operator.post("/prices/permitted-incomes", json=asked(operated))
    assert (twice.status_code, twice.json()["code"]) == (409, "income.filed-already")
    path = f"/prices/permitted-incomes/{first['id']}/events"
    back = await client_for(AUTHORITY).post(path, json={"event": "return", "reason": "附件不全"})
    assert back.json()["state"] == "returned"
    anew = await operator.post("/prices/permitted-incomes", json=asked(operated, margin="5%"))
    assert anew.status_code == 201
    page = (await operator.get("/prices/permitted-incomes", params={"year": 2024})).json()
    assert {item["id"] for item in page["items"]} == {first["id"], anew.json()["id"]}
