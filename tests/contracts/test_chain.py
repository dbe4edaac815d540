"""The chain of authority: each use needs every link; what a link stops goes on when it is restored; time ends by itself."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from datamarket.authority import queries as authority
from datamarket.authority.terms import LinkState
from datamarket.catalogue.listings.terms import ListingState
from datamarket.catalogue.products import actions as product_actions
from datamarket.catalogue.products import queries as product_queries
from datamarket.catalogue.products.rules import ZoneWithoutMandate
from datamarket.catalogue.products.terms import ProductEvent
from datamarket.contracts import actions as contract_actions
from datamarket.contracts.rules import ContractNotActive, ContractStopped, TermBeyondMandate, TermInvalid
from datamarket.contracts.terms import ContractEvent, ContractState
from datamarket.foundation.db import Database, PageAsked
from datamarket.foundation.states import TransitionNotAllowed
from datamarket.participants import actions as participant_actions
from datamarket.participants import queries as participant_queries
from datamarket.participants.terms import ParticipantEvent
from datamarket.trading.orders import actions as order_actions
from datamarket.trading.orders.terms import OrderEvent, OrderState
from datamarket.zones import actions as zone_actions
from datamarket.zones import queries as zone_queries
from datamarket.zones.mandates import actions as mandate_actions
from datamarket.zones.resources import actions as resource_actions
from datamarket.zones.resources import queries as resource_queries
from datamarket.zones.resources.rules import OPERATOR_EVENTS, RenewalOutsideWindow
from datamarket.zones.resources.terms import ResourceEvent
from datamarket.zones.terms import MandateEvent, ZoneEvent
from tests.world import orders, trading, zones
from tests.world.people import AUTHORITY, NOON, moment
from tests.world.trading import LEDGER_ID, Agreement
from tests.world.zones import OperatedZone

REASON = "授权核查"


async def standing_deal(database: Database, **chosen: Any) -> tuple[Agreement, OperatedZone]:
    """An active contract on a zone of its own."""
    async with database.transaction() as session:
        operated = await zones.open_zone(session)
    return await trading.active_contract(database, operated=operated, **chosen), operated


async def act(database: Database, deal: Agreement, operated: OperatedZone, link: str, *, end: bool) -> None:
    """Whoever may ends the link, or restores it."""
    async with database.transaction() as session:
        if link in {"buyer", "provider", "operator"}:
            party = {"buyer": deal.buyer, "provider": deal.provider, "operator": operated.operator}[link]
            row = await participant_queries.lock_participant(session, party.id)
            step = ParticipantEvent.SUSPEND if end else ParticipantEvent.RESTORE
            await participant_actions.move_participant(
                session, AUTHORITY, row, step, reason=REASON, now=moment()
            )
        elif link == "zone":
            zone = await zone_queries.lock_zone(session, operated.zone.id)
            turn = ZoneEvent.CLOSE if end else ZoneEvent.REOPEN
            await zone_actions.move_zone(session, AUTHORITY, zone, turn, reason=REASON, now=moment())
        elif link == "mandate":
            mandate = await zone_queries.lock_mandate(session, operated.zone.id, operated.mandate.id)
            move = MandateEvent.WITHDRAW if end else MandateEvent.REINSTATE
            await mandate_actions.move_mandate(session, AUTHORITY, mandate, move, reason=REASON, now=moment())
        else:
            described = await product_queries.lock_product(
                session, deal.contract.product_id, visible_to=AUTHORITY
            )
            event = ProductEvent.RECALL if end else ProductEvent.REINSTATE
            await product_actions.move_product(
                session, AUTHORITY, described, event, reason=REASON, now=moment()
            )


async def cancel_registration(database: Database, operated: OperatedZone) -> None:
    async with database.connection() as connection:
        key = await connection.fetchval("SELECT id FROM resource WHERE zone_id = $1", operated.zone.id)
    async with database.transaction() as session:
        row = await resource_queries.lock_resource(session, key, visible_to=AUTHORITY)
        await resource_actions.move_resource(
            session, AUTHORITY, row, ResourceEvent.CANCEL, reason=REASON, now=moment()
        )


async def listing_of(database: Database, deal: Agreement) -> tuple[str, str | None]:
    async with database.connection() as connection:
        row = await connection.fetchrow(
            "SELECT state, stopped_by FROM listing WHERE id = $1", deal.contract.listing_id
        )
    assert row is not None
    return row[0], row[1]


async def told(database: Database, deal: Agreement) -> list[str]:
    """What the audit says of the contract and its listing, of stops alone."""
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT action FROM audit_event WHERE subject_id = ANY ($1) ORDER BY id",
            [deal.contract.id, deal.contract.listing_id],
        )
    return [row[0] for row in rows if row[0].split(".")[1].split("-")[0] in {"stop", "restore", "expire"}]


@pytest.mark.parametrize("link", ["buyer", "provider", "operator", "mandate", "zone", "version"])
async def test_what_a_link_stops_goes_on_when_it_is_restored(database: Database, link: str) -> None:
    deal, operated = await standing_deal(database)
    await trading.used(database, deal)
    await act(database, deal, operated, link, end=True)
    with pytest.raises(ContractStopped) as refused:
        await trading.used(database, deal)
    assert (refused.value.facts["link"], refused.value.code) == (link, "contract.stopped")
    with pytest.raises(ContractStopped):
        await trading.trade(database, deal)
    with pytest.raises(ContractStopped):
        await orders.placed(database, deal)
    on_sale = (ListingState.PUBLISHED, None)
    assert await listing_of(database, deal) == (
        on_sale if link == "buyer" else (ListingState.SUSPENDED, link)
    )
    await act(database, deal, operated, link, end=False)
    await trading.trade(database, deal)
    assert await listing_of(database, deal) == on_sale
    events = ["contracts.stop", "contracts.restore"]
    listed = ["catalogue.stop-listing", "catalogue.restore-listing"] if link != "buyer" else []
    assert sorted(await told(database, deal)) == sorted(events + listed)


async def test_a_cancelled_registration_stops_for_good(database: Database) -> None:
    deal, operated = await standing_deal(database)
    await cancel_registration(database, operated)
    with pytest.raises(ContractStopped) as refused:
        await trading.used(database, deal)
    assert refused.value.facts["link"] == "resource"
    assert await listing_of(database, deal) == (ListingState.SUSPENDED, "resource")


async def test_two_causes_need_both_to_go(database: Database) -> None:
    deal, operated = await standing_deal(database)
    await act(database, deal, operated, "zone", end=True)
    await act(database, deal, operated, "provider", end=True)
    await act(database, deal, operated, "zone", end=False)
    with pytest.raises(ContractStopped) as refused:
        await trading.used(database, deal)
    assert refused.value.facts["link"] == "provider"
    assert await listing_of(database, deal) == (ListingState.SUSPENDED, "provider")
    await act(database, deal, operated, "provider", end=False)
    await trading.used(database, deal)
    assert await listing_of(database, deal) == (ListingState.PUBLISHED, None)


async def test_a_stop_leaves_alone_what_the_provider_suspended_itself(database: Database) -> None:
    deal, operated = await standing_deal(database)
    await trading.move(database, deal, deal.provider_account, ContractEvent.SUSPEND, REASON)
    await act(database, deal, operated, "zone", end=True)
    await act(database, deal, operated, "zone", end=False)
    with pytest.raises(ContractNotActive):
        await trading.used(database, deal)
    await trading.move(database, deal, deal.provider_account, ContractEvent.RESUME)
    await trading.used(database, deal)


async def test_a_registration_that_lapses_stops_by_the_clock(fresh_database: Database) -> None:
    """Registered on 3 June 2024 for three years; the contract runs until the end of 2027."""
    deal, _ = await standing_deal(fresh_database)
    await trading.used(fresh_database, deal, at=datetime(2027, 6, 2, 15, 59, tzinfo=UTC))
    with pytest.raises(ContractStopped) as refused:
        await trading.used(fresh_database, deal, at=datetime(2027, 6, 2, 16, tzinfo=UTC))
    assert refused.value.facts == {"link": "resource", "since": "2027-06-02T16:00:00+00:00"}
    await mandate_actions.expire_due(fresh_database, LEDGER_ID, datetime(2027, 6, 2, 16, tzinfo=UTC))
    assert await listing_of(fresh_database, deal) == (ListingState.SUSPENDED, "resource")
    assert "catalogue.stop-listing" in await told(fresh_database, deal)


async def test_a_contract_ends_with_the_mandate_at_the_latest(database: Database) -> None:
    beyond = datetime(2036, 1, 1, tzinfo=UTC)
    with pytest.raises(TermBeyondMandate) as refused:
        await trading.requested_contract(database, of_zone=True, term_to=beyond)
    assert refused.value.facts == {"term_to": date(2036, 1, 1), "mandate_to": date(2028, 1, 1)}
    of_own_data = await trading.requested_contract(database, term_to=beyond)
    assert of_own_data.contract.state == ContractState.REQUESTED


@pytest.mark.parametrize(
    ("link", "refusal"),
    [("mandate", ZoneWithoutMandate), ("zone", ContractStopped), ("provider", ContractStopped)],
)
async def test_nobody_signs_upon_a_broken_link(
    database: Database, link: str, refusal: type[Exception]
) -> None:
    async with database.transaction() as session:
        operated = await zones.open_zone(session)
    asked = await trading.requested_contract(database, operated=operated)
    await trading.move(database, asked, asked.provider_account, ContractEvent.AGREE)
    await trading.move(database, asked, asked.provider_account, ContractEvent.SIGN)
    await act(database, asked, operated, link, end=True)
    with pytest.raises(refusal):
        await trading.move(database, asked, asked.buyer_account, ContractEvent.SIGN)
    await act(database, asked, operated, link, end=False)
    signed = await trading.move(database, asked, asked.buyer_account, ContractEvent.SIGN)
    assert signed.state == ContractState.ACTIVE


async def test_what_was_delivered_is_accepted_though_the_chain_broke_and_silence_waits(
    fresh_database: Database,
) -> None:
    deal, operated = await standing_deal(fresh_database)
    first, second = [await orders.delivered(fresh_database, deal) for _ in range(2)]
    waiting = await orders.placed(fresh_database, deal)
    await act(fresh_database, deal, operated, "zone", end=True)
    with pytest.raises(ContractStopped):
        await orders.moved(fresh_database, deal.provider_account, waiting.id, OrderEvent.DELIVER)
    accepted = await orders.moved(fresh_database, deal.buyer_account, first.id, OrderEvent.ACCEPT)
    assert accepted.state == OrderState.ACCEPTED
    late = NOON + timedelta(days=30)
    assert await order_actions.accept_by_silence(fresh_database, LEDGER_ID, late) == 0
    assert (
        await order_actions.expire_overdue(fresh_database, LEDGER_ID, late) == 1
    )  # what was held is free again
    await trading.move(fresh_database, deal, AUTHORITY, ContractEvent.TERMINATE, REASON)
    assert await order_actions.accept_by_silence(fresh_database, LEDGER_ID, late) == 1
    async with fresh_database.connection() as connection:
        state = await connection.fetchval("SELECT state FROM trade_order WHERE id = $1", second.id)
    assert state == OrderState.ACCEPTED


async def test_a_contract_expires_by_its_term_and_settles_what_was_delivered(
    fresh_database: Database,
) -> None:
    ends = NOON + timedelta(days=20)
    deal = await trading.active_contract(fresh_database, term_to=ends)
    await orders.delivered(fresh_database, deal)
    assert await contract_actions.expire_due(fresh_database, LEDGER_ID, ends - timedelta(seconds=1)) == 0
    assert await contract_actions.expire_due(fresh_database, LEDGER_ID, ends) == 1
    assert await contract_actions.expire_due(fresh_database, LEDGER_ID, ends) == 0
    with pytest.raises(ContractNotActive) as refused:
        await trading.used(fresh_database, deal, at=ends - timedelta(days=1))
    assert refused.value.facts == {"state": ContractState.EXPIRED}
    assert await told(fresh_database, deal) == ["contracts.expire"]
    assert await order_actions.accept_by_silence(fresh_database, LEDGER_ID, ends) == 1


@pytest.mark.parametrize("steps", [0, 1, 2])
async def test_what_nobody_answered_is_over_with_its_term(fresh_database: Database, steps: int) -> None:
    """Requested, agreed, signed by one."""
    ends = NOON + timedelta(days=20)
    asked = await trading.requested_contract(fresh_database, term_to=ends)
    for event in (ContractEvent.AGREE, ContractEvent.SIGN)[:steps]:
        await trading.move(fresh_database, asked, asked.provider_account, event)
    assert await contract_actions.expire_due(fresh_database, LEDGER_ID, ends - timedelta(seconds=1)) == 0
    assert await contract_actions.expire_due(fresh_database, LEDGER_ID, ends) == 1
    assert await told(fresh_database, asked) == ["contracts.expire"]
    with pytest.raises(TransitionNotAllowed):
        await trading.move(fresh_database, asked, asked.buyer_account, ContractEvent.WITHDRAW, REASON)


async def move_registration(
    database: Database, operated: OperatedZone, event: ResourceEvent, now: datetime
) -> None:
    by = operated.account if event in OPERATOR_EVENTS else AUTHORITY
    async with database.transaction() as session:
        [row] = await resource_queries.list_resources(
            session, visible_to=AUTHORITY, zone_id=operated.zone.id, page=PageAsked(2)
        )
        row = await resource_queries.lock_resource(session, row.id, visible_to=AUTHORITY)
        await resource_actions.move_resource(session, by, row, event, now=now)


async def test_a_registration_is_renewed_in_its_last_sixty_days_and_never_after(
    fresh_database: Database,
) -> None:
    """Registered on 3 June 2024 for three years: what would have stopped then goes on."""
    deal, operated = await standing_deal(fresh_database)
    ends = datetime(2027, 6, 2, 16, tzinfo=UTC)
    for asked in (ends - timedelta(days=60, seconds=1), ends):
        with pytest.raises(RenewalOutsideWindow):
            await move_registration(fresh_database, operated, ResourceEvent.RENEW, asked)
    with pytest.raises(ContractStopped):
        await trading.used(fresh_database, deal, at=ends)
    await move_registration(fresh_database, operated, ResourceEvent.RENEW, ends - timedelta(days=60))
    await trading.used(fresh_database, deal, at=ends)
    assert await told(fresh_database, deal) == ["contracts.restore"]


async def test_a_registration_that_lapsed_is_made_anew_and_restores_exactly_what_it_stopped(
    fresh_database: Database,
) -> None:
    deal, operated = await standing_deal(fresh_database)
    ends, anew = datetime(2027, 6, 2, 16, tzinfo=UTC), datetime(2027, 7, 1, 2, tzinfo=UTC)
    with pytest.raises(TransitionNotAllowed):
        await move_registration(fresh_database, operated, ResourceEvent.SUBMIT, ends - timedelta(seconds=1))
    await mandate_actions.expire_due(fresh_database, LEDGER_ID, ends)
    await act(fresh_database, deal, operated, "zone", end=True)
    await move_registration(fresh_database, operated, ResourceEvent.SUBMIT, anew)
    await act(fresh_database, deal, operated, "zone", end=False)
    assert await listing_of(fresh_database, deal) == (ListingState.SUSPENDED, "resource")
    for step, event in enumerate(zones.REGISTRATION_STEPS[1:]):
        await move_registration(fresh_database, operated, event, anew + timedelta(days=15 * step))
    assert await listing_of(fresh_database, deal) == (ListingState.PUBLISHED, None)
    await trading.used(fresh_database, deal, at=anew + timedelta(days=46))
    async with fresh_database.transaction(reading=True) as session:
        lapsed = await authority.chain_at(session, deal.contract.id, anew + timedelta(days=15))
        again = await authority.chain_at(session, deal.contract.id, anew + timedelta(days=46))
    assert [(link.kind, link.cause) for link in lapsed if link.state != LinkState.STANDING] == [
        ("resource", "registration_lapsed")
    ]
    assert all(link.state == LinkState.STANDING for link in again)


async def test_nobody_signs_a_contract_of_which_the_term_is_over(database: Database) -> None:
    asked = await trading.requested_contract(database, term_to=moment() + timedelta(milliseconds=60))
    await trading.move(database, asked, asked.provider_account, ContractEvent.AGREE)
    while moment() < asked.contract.term_to:
        pass
    with pytest.raises(TermInvalid):
        await trading.move(database, asked, asked.provider_account, ContractEvent.SIGN)
