"""The life of a contract over HTTP: who may move it, what is frozen, what is refused."""

from datetime import timedelta

import pytest

from datamarket.auth.terms import Role
from datamarket.catalogue.venues.terms import FeePayer
from datamarket.contracts.rules import CONTRACT_LIFE, MOVED_BY
from datamarket.contracts.terms import ContractEvent, ContractState, Party, Purpose
from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from datamarket.participants.affiliations import actions as participants
from datamarket.zones.terms import UseClass
from tests.conftest import ClientFor
from tests.world import catalogue, trading, zones
from tests.world.participants import acting_for, admitted, suspend
from tests.world.people import AUTHORITY, NOON, actor, moment

TERM = {"term_from": NOON.isoformat(), "term_to": (NOON + timedelta(days=365)).isoformat()}
ASKED = TERM | {"purposes": ["industrial_development"], "use_class": "industry"}


async def test_requested_agreed_signed_by_both_is_active(database: Database, client_for: ClientFor) -> None:
    async with database.transaction() as session:
        listed = await catalogue.published_listing(session, plan=catalogue.PER_CALL)
        buyer_id = (await admitted(session)).id
    buyer = client_for(actor(Role.BUYER, organisation=buyer_id))
    seller = client_for(listed.account)
    made = await buyer.post("/contracts", json=ASKED | {"listing_id": str(listed.listing.id), "quota": 50})
    assert made.status_code == 201, made.text
    contract = made.json()
    assert (contract["state"], contract["state_zh"], contract["price_fen"]) == ("requested", "已请求", 3_000)
    path = f"/contracts/{contract['id']}"
    allowed = [(await client.get(f"{path}/allowed-events")).json()["events"] for client in (buyer, seller)]
    assert allowed == [["withdraw"], ["agree", "reject", "withdraw", "offer"]]
    early = await buyer.post(f"{path}/events", json={"event": "agree"})
    assert (early.status_code, early.json()["code"]) == (403, "contract.not-your-move")
    unagreed = await seller.post(f"{path}/events", json={"event": "sign"})
    assert unagreed.json()["code"] == "state.transition-not-allowed"
    assert (await seller.post(f"{path}/events", json={"event": "agree"})).json()["state"] == "agreed"
    assert (await buyer.post(f"{path}/events", json={"event": "sign"})).json()["state"] == "part_signed"
    twice = await buyer.post(f"{path}/events", json={"event": "sign"})
    assert twice.json()["code"] == "contract.signed-already"
    stale = await seller.post(f"{path}/events", json={"event": "sign"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    signed = await seller.post(f"{path}/events", json={"event": "sign"}, headers={"If-Match": '"3"'})
    assert signed.json()["state"] == "active"
    unreasoned = await seller.post(f"{path}/events", json={"event": "terminate"})
    assert unreasoned.json()["code"] == "contract.reason-missing"
    for event, state in (("suspend", "suspended"), ("resume", "active"), ("terminate", "ended")):
        moved = await client_for(AUTHORITY).post(f"{path}/events", json={"event": event, "reason": "核查"})
        assert moved.json()["state"] == state
    assert (
        await client_for(actor(Role.BUYER, organisation=listed.venue.operator_id)).get(path)
    ).status_code == 404


async def test_what_is_refused_at_the_request(database: Database, client_for: ClientFor) -> None:
    async with database.transaction() as session:
        listed = await catalogue.published_listing(session, plan=catalogue.PER_CALL)
        public = await catalogue.published_zone_listing(
            session, use_class=UseClass.PUBLIC_GOOD, plan=catalogue.FREE
        )
        shared = await catalogue.published_listing(
            session, on=await catalogue.venue(session, fee_payer=FeePayer.BUYER)
        )
        someone, paused = await admitted(session), await admitted(session)
        await suspend(session, paused.id)
    buyer = client_for(acting_for(someone))
    asked = ASKED | {"listing_id": str(listed.listing.id)}
    ended = {
        "term_from": (NOON - timedelta(days=9)).isoformat(),
        "term_to": (NOON - timedelta(days=1)).isoformat(),
    }
    for body, code in (
        (asked | {"listing_id": str(someone.id)}, "not-found"),
        (asked | ended, "contract.term-invalid"),
        (asked | {"term_to": asked["term_from"]}, "contract.term-invalid"),
        (asked | {"term_to": "9999-12-31T23:59:59-12:00"}, "request.invalid"),
        (asked | {"term_to": "tomorrow"}, "request.invalid"),
        (asked | {"term_to": 1_900_000_000}, "request.invalid"),
        (asked | {"purposes": ["public_welfare"]}, "contract.purpose-class-mismatch"),
        (asked | {"purposes": ["research", "public_welfare"]}, "contract.purpose-class-mismatch"),
        (asked | {"purposes": []}, "request.invalid"),
        (asked | {"quota": 1.5}, "request.invalid"),
        (asked | {"listing_id": str(public.listing.id)}, "contract.scenario-class-mismatch"),
        (asked | {"listing_id": str(shared.listing.id)}, "contract.fee-payer-not-settled"),
    ):
        answer = await buyer.post("/contracts", json=body)
        assert answer.json()["code"] == code, (body, answer.text)
    own = await client_for(actor(Role.BUYER, organisation=listed.maker.id)).post("/contracts", json=asked)
    assert own.json()["code"] == "contract.own-product"
    out = await client_for(acting_for(paused)).post("/contracts", json=asked)
    assert out.status_code == 409
    office = await client_for(actor(Role.BUYER)).post("/contracts", json=asked)
    assert office.json()["code"] == "auth.organisation-needed"


async def test_an_operator_or_its_affiliate_never_redevelops_what_its_zone_delivered(
    database: Database,
) -> None:
    async with database.transaction() as session:
        operated = await zones.open_zone(session)
        listed = await catalogue.published_zone_listing(session, operated=operated, plan=catalogue.PER_CALL)
        daughter = await admitted(session)
        affiliation = await participants.affiliate(
            session,
            AUTHORITY,
            controller_id=operated.operator.id,
            controlled_id=daughter.id,
            from_on=NOON.date(),
            now=moment(),
        )
        assert affiliation.to_on is None
    for buyer in (daughter, operated.operator):
        with pytest.raises(MarketError, match="operator-redevelopment"):
            await trading.requested_contract(database, listed=listed, buyer=buyer, redevelopment=True)
        await trading.requested_contract(database, listed=listed, buyer=buyer)


async def test_an_affiliation_between_request_and_signature_is_found(database: Database) -> None:
    async with database.transaction() as session:
        operated = await zones.open_zone(session)
        listed = await catalogue.published_zone_listing(session, operated=operated, plan=catalogue.PER_CALL)
    asked = await trading.requested_contract(database, listed=listed, redevelopment=True)
    await trading.move(database, asked, asked.provider_account, ContractEvent.AGREE)
    async with database.transaction() as session:
        await participants.affiliate(
            session,
            AUTHORITY,
            controller_id=operated.operator.id,
            controlled_id=asked.buyer.id,
            from_on=NOON.date(),
            now=moment(),
        )
    with pytest.raises(MarketError, match="operator-redevelopment"):
        await trading.move(database, asked, asked.buyer_account, ContractEvent.SIGN)


async def test_the_price_is_frozen_and_public_data_is_free_for_the_public_good(database: Database) -> None:
    async with database.transaction() as session:
        listed = await catalogue.published_zone_listing(session, plan=catalogue.PER_CALL)
    good = await trading.active_contract(
        database,
        listed=listed,
        use_class=UseClass.PUBLIC_GOOD,
        purposes=frozenset({Purpose.PUBLIC_GOVERNANCE}),
    )
    assert (good.contract.price_model, good.contract.price_fen) == ("free", 0)
    paid = await trading.active_contract(database, listed=listed)
    assert (paid.contract.price_model, paid.contract.price_fen) == ("per_call", 3_000)
    once = await trading.active_contract(database, plan=catalogue.ONE_OFF, quota=40)
    assert once.contract.quota == 1


@pytest.mark.parametrize("state", ContractState)
@pytest.mark.parametrize("event", ContractEvent)
def test_every_event_has_its_mover_and_no_ended_contract_moves(
    state: ContractState, event: ContractEvent
) -> None:
    assert MOVED_BY[event] <= set(Party)
    if state in {ContractState.ENDED, ContractState.REJECTED, ContractState.WITHDRAWN}:
        assert (state, event) not in CONTRACT_LIFE.table
