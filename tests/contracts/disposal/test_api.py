"""Notice, the end of a contract, and what its buyer proves then."""

from datetime import datetime, timedelta

import pytest

from datamarket.contracts import actions
from datamarket.contracts import queries as contract_queries
from datamarket.contracts.disposal import actions as disposal
from datamarket.contracts.disposal import queries as disposals
from datamarket.contracts.disposal.terms import DisposalState
from datamarket.contracts.negotiation import actions as negotiation
from datamarket.contracts.rules import OutsideTerm
from datamarket.contracts.terms import OfferState
from datamarket.foundation.db import Database
from datamarket.zones import queries as zone_queries
from datamarket.zones.mandates import actions as mandates
from datamarket.zones.terms import ExitCourse, MandateEvent
from tests.conftest import ClientFor
from tests.world import catalogue, trading, zones
from tests.world.participants import acting_for, admitted
from tests.world.people import AUTHORITY, NOON, moment
from tests.world.trading import LEDGER_ID

PROOF = {"kind": "deleted", "digest": "0f" * 32}


async def test_a_termination_with_notice_goes_on_until_its_day(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.requested_contract(database)
    path, buyer = f"/contracts/{deal.contract.id}", client_for(deal.buyer_account)
    provider = client_for(deal.provider_account)
    await provider.post(f"{path}/offers", json={"annex": {"notice_days": 10, "retention_days": 3}})
    for by, event in ((buyer, "accept"), (provider, "agree"), (provider, "sign"), (buyer, "sign")):
        await by.post(f"{path}/events", json={"event": event})
    given = (await buyer.post(f"{path}/events", json={"event": "terminate", "reason": "转产"})).json()
    assert (given["state"], given["ends_at"][:10]) == ("active", "2024-06-13")
    again = await provider.post(f"{path}/events", json={"event": "terminate", "reason": "转产"})
    assert again.json()["code"] == "contract.notice-given"
    late = await provider.post(f"{path}/offers", json={"quota": 5})
    assert late.json()["code"] == "contract.notice-given"
    allowed = (await buyer.get(f"{path}/allowed-events")).json()["events"]
    assert allowed == []
    ends = datetime.fromisoformat(given["ends_at"])
    await trading.used(database, deal, at=ends - timedelta(seconds=1))
    with pytest.raises(OutsideTerm):
        await trading.used(database, deal, at=ends)
    await actions.expire_due(database, LEDGER_ID, ends - timedelta(seconds=1))
    assert (await buyer.get(path)).json()["state"] == "active"
    await actions.expire_due(database, LEDGER_ID, ends)
    ended = (await buyer.get(path)).json()
    assert (ended["state"], ended["reason"]) == ("ended", "转产")
    duty = (await buyer.get(f"{path}/disposal")).json()
    assert (duty["state"], duty["due_at"][:10]) == ("due", "2024-06-16")


async def test_the_authority_ends_at_once_and_the_buyer_proves_disposal_once(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.active_contract(database, plan=catalogue.PER_CALL)
    path, buyer = f"/contracts/{deal.contract.id}", client_for(deal.buyer_account)
    early = await buyer.get(f"{path}/disposal")
    assert early.status_code == 404
    body = {"event": "terminate", "reason": "核查"}
    ended = await client_for(AUTHORITY).post(f"{path}/events", json=body)
    assert ended.json()["state"] == "ended"
    async with database.transaction() as session:
        stranger = acting_for(await admitted(session))
    assert (await client_for(stranger).get(f"{path}/disposal")).status_code == 404
    wrong = await client_for(deal.provider_account).post(f"{path}/disposal", json=PROOF)
    assert wrong.status_code == 403
    short = await buyer.post(f"{path}/disposal", json=PROOF | {"digest": "0f"})
    assert short.status_code == 422
    proved = await buyer.post(f"{path}/disposal", json=PROOF, headers={"If-Match": '"1"'})
    assert (proved.status_code, proved.json()["state"]) == (200, "proved")
    twice = await buyer.post(f"{path}/disposal", json=PROOF)
    assert twice.json()["code"] == "state.transition-not-allowed"


async def test_what_is_not_disposed_of_in_time_is_told_once_and_may_still_be_proved(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.active_contract(database, term_to=NOON + timedelta(days=1))
    path, buyer = f"/contracts/{deal.contract.id}", client_for(deal.buyer_account)
    over = NOON + timedelta(days=1)
    await actions.expire_due(database, LEDGER_ID, over)
    due = moment() + timedelta(days=40)
    assert await disposal.watch_due(database, LEDGER_ID, due) >= 1
    assert await disposal.watch_due(database, LEDGER_ID, due) == 0
    duty = (await buyer.get(f"{path}/disposal")).json()
    assert duty["state"] == DisposalState.OVERDUE
    audit = await client_for(AUTHORITY).get(f"/audit-events?subject={deal.contract.id}&limit=100")
    told = [event["action"] for event in audit.json()["items"]]
    assert told.count("contracts.disposal-overdue") == 1
    proved = await buyer.post(f"{path}/disposal", json=PROOF | {"kind": "returned"})
    assert proved.json()["state"] == DisposalState.PROVED


async def test_a_contract_that_ends_with_its_mandate_leaves_nothing_open_and_owes_disposal(
    fresh_database: Database,
) -> None:
    async with fresh_database.transaction() as session:
        operated = await zones.open_zone(session)
    deal = await trading.active_contract(fresh_database, operated=operated)
    async with fresh_database.transaction() as session:
        by = deal.buyer_account
        row = await contract_queries.lock_contract(session, deal.contract.id, visible_to=by)
        await negotiation.offer_terms(session, by, row, {"quota": 5}, now=moment())
        mandate = await zone_queries.lock_mandate(session, operated.zone.id, operated.mandate.id)
        await mandates.move_mandate(
            session,
            AUTHORITY,
            mandate,
            MandateEvent.WITHDRAW,
            reason="收回",
            exit_course=ExitCourse.END,
            now=NOON + timedelta(hours=1),
        )
    assert await negotiation.lapse_due(fresh_database, LEDGER_ID, NOON + timedelta(hours=2)) == 1
    async with fresh_database.transaction(reading=True) as session:
        found = await contract_queries.get_contract(session, deal.contract.id, visible_to=AUTHORITY)
        duty = await disposals.get_disposal(session, deal.contract.id)
        offer = await contract_queries.find_offer(session, deal.contract.id, OfferState.OPEN)
    assert (found.state, found.awaits, found.answer_by, offer) == ("ended", None, None, None)
    assert duty.due_at == NOON + timedelta(days=30, hours=1)
    assert await negotiation.lapse_due(fresh_database, LEDGER_ID, NOON + timedelta(hours=3)) == 0
