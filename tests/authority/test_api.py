"""The chain shown at any instant, as the audit tells it; a mandate renewed, withdrawn with a plan, reinstated."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from datamarket.auth.terms import Role
from datamarket.contracts.rules import TermBeyondMandate
from datamarket.foundation.db import Database
from tests.conftest import Client, ClientFor
from tests.contracts.test_chain import act, standing_deal
from tests.world import orders, trading, zones
from tests.world.people import AUTHORITY, NOON, actor, moment
from tests.zones.undertakings.test_undertakings import short_zone, undertake

CHAIN = ["buyer", "provider", "operator", "mandate", "zone", "scenario", "resource", "version", "listing"]
STOPPING = {"suspend", "close", "withdraw-mandate", "recall-product"}
RESTORING = {"restore", "reopen", "reinstate-mandate", "reinstate-product"}
_EVENTS = """
SELECT e.at, split_part(e.action, '.', 2) AS verb, e.subject_id FROM audit_event e
 WHERE e.action NOT LIKE 'contracts.%' AND e.subject_id IN (
       SELECT target_id FROM contract_link WHERE contract_id = $1
       UNION SELECT product_id FROM contract WHERE id = $1)
 ORDER BY e.id
"""


async def shown(reader: Client, deal: trading.Agreement, at: datetime | None = None) -> dict[str, Any]:
    asked = {} if at is None else {"at": at.isoformat()}
    answer = await reader.get(f"/contracts/{deal.contract.id}/authority", params=asked)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_the_chain_is_shown_link_by_link_with_its_documents(
    database: Database, client_for: ClientFor
) -> None:
    deal, operated = await standing_deal(database)
    told = await shown(client_for(deal.buyer_account), deal, moment())
    assert (told["stands"], told["state"]) == (True, "active")
    assert [link["kind"] for link in told["links"]] == CHAIN
    links = {link["kind"]: link for link in told["links"]}
    assert links["buyer"]["document"] == deal.buyer.uscc
    assert (links["mandate"]["target_id"], links["mandate"]["document"]) == (
        str(operated.mandate.id),
        "2023-01-01",
    )
    assert (links["mandate"]["term_to"], links["mandate"]["ends_on"]) == ("2028-01-01", "2028-01-01")
    assert links["resource"]["document"].startswith("370200-2024-")
    assert {link["state"] for link in told["links"]} == {"standing"}
    later = await shown(client_for(deal.buyer_account), deal, datetime(2027, 6, 2, 16, tzinfo=UTC))
    over = {link["kind"]: link["since"] for link in later["links"] if link["state"] == "over"}
    assert (later["stands"], over) == (False, {"resource": "2027-06-02T16:00:00Z"})
    before = await shown(client_for(deal.buyer_account), deal, NOON - timedelta(days=1))
    assert (before["stands"], before["state"]) == (False, None)
    stranger = actor(Role.BUYER, organisation=operated.operator.id)
    assert (await client_for(stranger).get(f"/contracts/{deal.contract.id}/authority")).status_code == 404


async def test_a_contract_that_is_not_signed_by_both_stands_on_nothing(
    database: Database, client_for: ClientFor
) -> None:
    asked = await trading.requested_contract(database)
    told = await shown(client_for(asked.buyer_account), asked, moment())
    assert (told["stands"], told["state"], told["links"]) == (False, "requested", [])


async def test_the_chain_at_each_past_instant_is_what_the_audit_alone_tells(
    database: Database, client_for: ClientFor
) -> None:
    deal, operated = await standing_deal(database)
    instants = [moment()]
    for link, end in (
        ("zone", True),
        ("provider", True),
        ("zone", False),
        ("mandate", True),
        ("provider", False),
        ("version", True),
        ("mandate", False),
        ("version", False),
    ):
        await act(database, deal, operated, link, end=end)
        instants.append(moment())
    async with database.connection() as connection:
        events = await connection.fetch(_EVENTS, deal.contract.id)
    reader, stood = client_for(AUTHORITY), []
    for at in instants:
        stopped: set[object] = set()
        for event in events:
            if event["at"] <= at and event["verb"] in STOPPING:
                stopped.add(event["subject_id"])
            elif event["at"] <= at and event["verb"] in RESTORING:
                stopped.discard(event["subject_id"])
        told = await shown(reader, deal, at)
        found = [link for link in told["links"] if link["state"] != "standing"]
        assert (len(found), told["stands"]) == (len(stopped), not stopped)
        stood.append(told["stands"])
    assert stood == [True, *[False] * 7, True]


async def move(client: Client, operated: zones.OperatedZone, **body: Any) -> tuple[int, dict[str, Any]]:
    path = f"/zones/{operated.zone.id}/mandates/{operated.mandate.id}/events"
    answer = await client.post(path, json=body)
    return answer.status_code, answer.json()


async def test_a_withdrawal_with_money_held_needs_a_plan_and_the_money_runs_its_course(
    database: Database, client_for: ClientFor
) -> None:
    deal, operated = await standing_deal(database)
    await orders.placed(database, deal)
    await orders.delivered(database, deal, 2)
    authority = client_for(AUTHORITY)
    path = f"/zones/{operated.zone.id}/mandates/{operated.mandate.id}"
    affected = (await authority.get(f"{path}/affected", params={"event": "withdraw"})).json()
    assert (affected["listings"], affected["contracts"], affected["orders"]) == (1, 1, 2)
    assert (affected["event"], affected["held_fen"]) == ("withdraw", 9_000)
    assert (affected["contract_ids"], len(affected["order_ids"])) == ([str(deal.contract.id)], 2)
    status, told = await move(authority, operated, event="withdraw", reason="评估不合格")
    assert (status, told["code"]) == (409, "mandate.withdrawal-unplanned")
    buyer, uses = client_for(deal.buyer_account), f"/contracts/{deal.contract.id}/uses"
    await trading.used(database, deal, at=NOON - timedelta(hours=1))
    status, told = await move(
        authority, operated, event="withdraw", reason="评估不合格", plan="已交付的照常验收，其余撤销"
    )
    assert (status, told["state"], told["state_zh"]) == (200, "withdrawn", "已收回")
    refused = await buyer.post(uses, json={"purpose": "industrial_development"})
    assert (refused.status_code, refused.json()["code"]) == (409, "contract.stopped")
    assert "the mandate no longer stands" in refused.json()["detail"]
    again = (await authority.get(f"{path}/affected")).json()
    assert (again["listings"], again["contracts"], again["held_fen"]) == (0, 0, 9_000)


async def test_a_renewal_lengthens_what_contracts_stand_on(database: Database, client_for: ClientFor) -> None:
    async with database.transaction() as session:
        operated = await zones.open_zone(session)
    authority = client_for(AUTHORITY)
    beyond: dict[str, Any] = {"term_to": datetime(2029, 6, 1, tzinfo=UTC), "operated": operated}
    with pytest.raises(TermBeyondMandate):
        await trading.requested_contract(database, **beyond)
    filed = {"filed_on": "2024-05-30"}
    assert (await move(authority, operated, event="renew"))[1]["code"] == "mandate.renewal-unstated"
    assert (await move(authority, operated, event="renew", term_to="2027-01-01", **filed))[1]["code"] == (
        "mandate.term-empty"
    )
    assert (await move(authority, operated, event="renew", term_to="2033-01-02", **filed))[1]["code"] == (
        "mandate.term-too-long"
    )
    status, told = await move(authority, operated, event="renew", term_to="2033-01-01", **filed)
    assert (status, told["term_to"], told["version"]) == (200, "2033-01-01", 2)
    deal = await trading.active_contract(database, **beyond)
    [link] = [link for link in (await shown(authority, deal, moment()))["links"] if link["kind"] == "mandate"]
    assert (link["term_to"], link["state"]) == ("2033-01-01", "standing")


async def test_what_outlasts_the_mandate_is_named_with_the_undertaking_it_relies_on(
    database: Database, client_for: ClientFor
) -> None:
    operated = await short_zone(database)
    within = await trading.active_contract(
        database, operated=operated, term_to=datetime(2027, 1, 1, tzinfo=UTC)
    )
    await undertake(database, operated)
    beyond = await trading.active_contract(database, operated=operated)
    authority = client_for(AUTHORITY)
    path = f"/zones/{operated.zone.id}/mandates/{operated.mandate.id}/affected"
    both = sorted([str(within.contract.id), str(beyond.contract.id)])
    for event, named in (
        ("withdraw", both),
        ("hand_over", both),
        ("expire", [str(beyond.contract.id)]),
    ):
        affected = (await authority.get(path, params={"event": event})).json()
        assert (affected["contract_ids"], affected["contracts"]) == (named, len(named))
        assert (affected["listings"], len(affected["listing_ids"])) == (2, 2)
    mandate = next(
        link for link in (await shown(authority, beyond, moment()))["links"] if link["kind"] == "mandate"
    )
    assert (mandate["undertaking"]["state"], mandate["undertaking"]["due_on"]) == ("given", "2027-04-01")
    late = await shown(authority, beyond, datetime(2027, 4, 2, tzinfo=UTC))
    states = [link["undertaking"]["state"] for link in late["links"] if link["undertaking"]]
    assert states == ["overdue"]
