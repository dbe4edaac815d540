"""Uses recorded late, or written down after a contract stood again: by what it authorised when they took place."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI

from datamarket.contracts import actions, metering, queries
from datamarket.contracts.terms import ContractEvent, Demand, Use
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from datamarket.foundation.settings import Settings
from datamarket.server.app import create_app
from datamarket.stoppages import actions as stoppages
from datamarket.stoppages.terms import StoppageCause
from tests.conftest import client_of
from tests.world import trading
from tests.world.people import AUTHORITY, NOON
from tests.world.trading import LEDGER_ID, Agreement

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
THEN, NOW = NOON + 5 * DAY, NOON + 10 * DAY
USE = {"purpose": "industrial_development"}


async def late(database: Database, deal: Agreement, at: datetime, now: datetime = NOW) -> str | None:
    """The code that refuses a use that is said to be of an instant in the past, if one does."""
    return await refusal(database, deal, at, now, recorded_at=now)


async def refusal(
    database: Database, deal: Agreement, at: datetime, now: datetime, recorded_at: datetime | None = None
) -> str | None:
    demand = Demand(deal.contract.id, deal.buyer.id, deal.purpose, 1, at, recorded_at=recorded_at)
    async with database.plain_transaction() as connection:
        [outcome] = await metering.record_uses(connection, [(deal.buyer_account, demand)], now=now)
    assert isinstance(outcome, Use | MarketError)
    return outcome.code if isinstance(outcome, MarketError) else None


async def moved(database: Database, deal: Agreement, event: ContractEvent, now: datetime) -> None:
    async with database.transaction() as session:
        contract = await queries.lock_contract(session, deal.contract.id, visible_to=AUTHORITY)
        await actions.move_contract(
            session, AUTHORITY, contract, event, ledger_id=LEDGER_ID, reason="核查", now=now
        )


async def test_both_times_are_kept_shown_and_told(database: Database, settings: Settings) -> None:
    deal = await trading.active_contract(database, quota=5, funds=None)
    app: FastAPI = create_app(settings, database, read_clock=lambda: NOW)
    buyer, path = client_of(app, deal.buyer_account, NOW), f"/contracts/{deal.contract.id}/uses"
    body = USE | {"used_at": THEN.isoformat()}
    made = (await buyer.post(path, json=body)).json()
    assert [datetime.fromisoformat(made[name]) for name in ("at", "recorded_at")] == [THEN, NOW]
    items: list[dict[str, Any]] = [body, USE, body | {"used_at": (NOW + HOUR).isoformat()}]
    batch = (await buyer.post(f"{path}/batch", json={"items": items})).json()
    assert [item["code"] for item in batch["items"]] == [None, None, "contract.use-ahead"]
    told = (await buyer.get(path)).json()["items"]
    assert sorted(use["recorded_at"] == use["at"] for use in told) == [False, False, True]
    assert next(use for use in told if use["id"] == made["id"]) == made
    early = body | {"used_at": (NOW - 7 * DAY - timedelta(seconds=1)).isoformat()}
    dry = (await buyer.post(f"{path}/dry-run", json=early)).json()
    assert (dry["rule"], dry["code"], dry["used"]) == ("term", "contract.use-too-late", 3)
    events = (
        await client_of(app, AUTHORITY, NOW).get("/audit-events", params={"subject": str(deal.contract.id)})
    ).json()
    assert sum("used_at" in event["facts"] for event in events["items"]) == 2


async def test_a_use_is_recorded_for_seven_days_and_not_before_the_terms_in_force(database: Database) -> None:
    deal = await trading.active_contract(database, funds=None)
    codes = [await late(database, deal, NOW - lateness) for lateness in (7 * DAY, 7 * DAY + HOUR, -HOUR)]
    assert codes == [None, "contract.use-too-late", "contract.use-ahead"]
    assert await late(database, deal, NOON - HOUR, NOON + DAY) == "contract.use-too-late", (
        "before its signature"
    )


async def test_a_contract_that_has_expired_since_counts_what_was_used_within_its_term(
    fresh_database: Database,
) -> None:
    deal = await trading.active_contract(fresh_database, funds=None, quota=2, term_to=NOW - DAY)
    assert await actions.expire_due(fresh_database, LEDGER_ID, NOW) == 1
    assert await late(fresh_database, deal, NOW - DAY) == "contract.outside-term"
    instants = [NOW - DAY - HOUR * hours for hours in (1, 2, 3)]
    codes = [await late(fresh_database, deal, at) for at in instants]
    assert codes == [None, None, "contract.quota-exhausted"]
    assert await late(fresh_database, deal, THEN, NOW + 9 * DAY) == "contract.use-too-late"


async def test_what_was_suspended_then_stays_denied_though_it_was_resumed(database: Database) -> None:
    deal = await trading.active_contract(database, funds=None)
    await moved(database, deal, ContractEvent.SUSPEND, THEN)
    assert await late(database, deal, THEN - HOUR) == "contract.not-active", "while it is suspended"
    await moved(database, deal, ContractEvent.RESUME, THEN + DAY)
    instants = THEN - HOUR, THEN + HOUR, THEN + DAY + HOUR
    assert [await late(database, deal, at) for at in instants] == [None, "contract.not-active", None]
    await moved(database, deal, ContractEvent.TERMINATE, NOW)
    assert await late(database, deal, THEN - HOUR) == "contract.not-active"


@pytest.mark.parametrize("lifted", [True, False])
async def test_the_chain_that_stood_then_decides(database: Database, lifted: bool) -> None:
    deal = await trading.active_contract(database, funds=None)
    link: UUID = deal.buyer.id
    async with database.transaction() as session:
        await stoppages.stop(session, AUTHORITY, link, StoppageCause.PARTY_SUSPENDED, reason="核查", now=THEN)
    if lifted:
        async with database.transaction() as session:
            await stoppages.lift(session, AUTHORITY, link, now=THEN + DAY)
    instants = THEN - HOUR, THEN + HOUR, THEN + DAY + HOUR
    stopped = "contract.stopped"
    assert [await late(database, deal, at) for at in instants] == [None, stopped, None if lifted else stopped]
    assert business_date(THEN) < business_date(NOW)


@pytest.mark.parametrize("suspended", [True, False])
async def test_a_use_that_waited_until_a_contract_stood_again_is_decided_by_when_it_was_asked(
    database: Database, suspended: bool
) -> None:
    deal = await trading.active_contract(database, funds=None)
    if suspended:
        for event, at in ((ContractEvent.SUSPEND, THEN), (ContractEvent.RESUME, NOW)):
            await moved(database, deal, event, at)
    else:
        async with database.transaction() as session:
            await stoppages.stop(
                session, AUTHORITY, deal.buyer.id, StoppageCause.PARTY_SUSPENDED, reason="核查", now=THEN
            )
        async with database.transaction() as session:
            await stoppages.lift(session, AUTHORITY, deal.buyer.id, now=NOW)
    asked = THEN - HOUR, THEN + HOUR, NOW - HOUR, NOW, NOW + HOUR
    broken = "contract.not-active" if suspended else "contract.stopped"
    codes = [await refusal(database, deal, at, NOW + HOUR) for at in asked]
    assert codes == [None, broken, broken, None, None]
    assert await refusal(database, deal, trading.TERM_FROM - HOUR, NOW) == "contract.outside-term"


async def test_a_contract_restored_before_it_was_stopped_has_stood_throughout(database: Database) -> None:
    deal = await trading.active_contract(database, funds=None)
    async with database.transaction() as session:
        await stoppages.stop(
            session,
            AUTHORITY,
            deal.buyer.id,
            StoppageCause.PARTY_SUSPENDED,
            reason="核查",
            wind_down_days=9,
            now=THEN,
        )
    async with database.transaction() as session:
        await stoppages.lift(session, AUTHORITY, deal.buyer.id, now=THEN + DAY)
    async with database.transaction() as session:
        [meter] = (await queries.lock_meters(session, [deal.contract.id])).values()
    assert (meter.stands_from, meter.stopped_by) == (meter.term_from, None)
