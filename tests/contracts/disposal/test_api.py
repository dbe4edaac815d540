"""Notice, the end of a contract, and what its buyer proves then."""

from datetime import datetime, timedelta

import pytest

from datamarket.contracts import actions
from datamarket.contracts.disposal import actions as disposal
from datamarket.contracts.disposal.terms import DisposalState
from datamarket.contracts.rules import OutsideTerm
from datamarket.foundation.db import Database
from tests.conftest import ClientFor
from tests.world import catalogue, trading
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
    assert await actions.expire_due(database, LEDGER_ID, ends - timedelta(seconds=1)) == 0
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
