"""Offers, counter-offers and amendments over HTTP: whose turn it is, what is checked, what is in force when."""

from datetime import timedelta
from typing import Any

import pytest

from datamarket.contracts import actions
from datamarket.contracts import queries as contract_queries
from datamarket.contracts.negotiation import actions as negotiation
from datamarket.contracts.rules import LAPSED, AnswerLate, TermInvalid
from datamarket.contracts.terms import ContractEvent, OfferEvent, Purpose
from datamarket.foundation.db import Database
from datamarket.trading.actions import Recorder
from datamarket.zones.terms import UseClass
from tests.conftest import ClientFor
from tests.world import catalogue, orders, trading
from tests.world.people import AUTHORITY, NOON, moment
from tests.world.trading import LEDGER_ID, Agreement

LATER = NOON + timedelta(days=31)


class Table:
    """Both sides of one contract, and its paths."""

    def __init__(self, deal: Agreement, client_for: ClientFor) -> None:
        self.deal, self.path = deal, f"/contracts/{deal.contract.id}"
        self.buyer, self.provider = client_for(deal.buyer_account), client_for(deal.provider_account)

    async def offers(self, by: Any, **terms: Any) -> Any:
        return await by.post(f"{self.path}/offers", json=terms)

    async def answers(self, by: Any, number: int, event: str, reason: str | None = None) -> Any:
        return await by.post(f"{self.path}/offers/{number}/events", json={"event": event, "reason": reason})

    async def moves(self, by: Any, event: str, reason: str | None = None) -> Any:
        return await by.post(f"{self.path}/events", json={"event": event, "reason": reason})

    async def now(self) -> Any:
        return (await self.buyer.get(self.path)).json()


async def test_offer_counter_offer_accepted_agreed_and_signed(
    database: Database, client_for: ClientFor
) -> None:
    table = Table(await trading.requested_contract(database), client_for)
    waiting = (await table.now())["waiting"]
    assert (waiting["party"], waiting["until"][:10], waiting["then"]) == ("provider", "2024-07-03", "expired")
    made = await table.offers(table.provider, price_fen=2_500, quota=100, reason="量大从优")
    assert (made.status_code, made.headers["ETag"]) == (201, '"2"')
    [price, quota] = made.json()["differences"]
    assert (price["clause_zh"], price["before_zh"], price["after_en"]) == ("单价", "30.00 元", "CNY 25.00")
    assert (quota["before_en"], quota["after_zh"]) == ("none", "100")
    counter = await table.offers(table.buyer, price_fen=2_000)
    assert (counter.json()["number"], counter.json()["quota"]) == (3, 100)
    again = await table.offers(table.provider, price_fen=2_200)
    assert again.json()["base_number"] == 3
    for by, event, state in (
        (table.buyer, "accept", "accepted"),
        (table.provider, "agree", "agreed"),
        (table.provider, "sign", "part_signed"),
    ):
        assert (await table.moves(by, event)).json()["state"] == state
    assert (await table.now())["waiting"]["party"] == "buyer"
    signed = (await table.moves(table.buyer, "sign")).json()
    assert (signed["state"], signed["price_fen"], signed["waiting"]) == ("active", 2_200, None)
    await trading.deposit(database, table.deal.buyer.id)
    assert (await trading.trade(database, table.deal, 3)).amount_fen == 3 * 2_200
    versions = (await table.provider.get(f"{table.path}/versions")).json()["items"]
    assert [version["number"] for version in versions] == [4]
    offers = (await table.buyer.get(f"{table.path}/offers?limit=3")).json()
    assert [offer["state"] for offer in offers["items"]] == ["replaced"] * 3
    assert offers["next"]


async def test_who_is_not_at_turn_is_refused_with_a_code(database: Database, client_for: ClientFor) -> None:
    table = Table(await trading.requested_contract(database), client_for)
    for by, code in (
        (table.buyer, "contract.offer-out-of-turn"),
        (client_for(AUTHORITY), "contract.not-your-move"),
    ):
        assert (await table.offers(by, price_fen=1)).json()["code"] == code
    assert (await table.moves(table.provider, "offer")).json()["code"] == "contract.terms-needed"
    unchanged = await table.offers(table.provider, price_fen=3_000)
    assert unchanged.json()["code"] == "contract.offer-unchanged"
    over = await table.offers(table.provider, price_fen=1, valid_until=NOON.isoformat())
    assert over.json()["code"] == "contract.offer-over"
    assert (await table.offers(table.provider, price_fen=1)).status_code == 201
    assert (await table.offers(table.provider, price_fen=2)).json()["code"] == "contract.offer-out-of-turn"
    assert (await table.moves(table.provider, "agree")).json()["code"] == "state.transition-not-allowed"
    allowed = (await table.buyer.get(f"{table.path}/allowed-events")).json()["events"]
    assert allowed == ["request", "accept", "withdraw"]
    unreasoned = await table.moves(table.buyer, "withdraw")
    assert unreasoned.json()["code"] == "contract.reason-missing"
    assert (await table.moves(table.buyer, "withdraw", "价高")).json()["state"] == "withdrawn"
    last = (await table.buyer.get(f"{table.path}/offers")).json()["items"][-1]
    assert last["state"] == "withdrawn"
    ended = await table.offers(table.buyer, price_fen=5)
    assert ended.json()["code"] == "state.transition-not-allowed"


async def test_every_version_passes_the_checks_of_a_request_and_other_purposes_are_priced_anew(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        listed = await catalogue.published_zone_listing(session, plan=catalogue.PER_CALL)
    table = Table(await trading.requested_contract(database, listed=listed), client_for)
    mixed = await table.offers(table.provider, purposes=["research", "public_welfare"])
    assert mixed.json()["code"] == "contract.purpose-class-mismatch"
    long = await table.offers(table.provider, term_to="2150-01-01T00:00:00+08:00")
    assert long.json()["code"] == "contract.term-beyond-mandate"
    backwards = await table.offers(table.provider, term_to="2020-01-01T00:00:00+08:00")
    assert backwards.json()["code"] == "contract.term-invalid"
    free = (await table.offers(table.provider, purposes=["public_governance"])).json()
    assert (free["price_model"], free["price_fen"], free["use_class"]) == ("free", 0, UseClass.PUBLIC_GOOD)
    paid = await table.offers(table.buyer, price_fen=5)
    assert paid.json()["code"] == "listing.plan-faulty"
    back = (await table.offers(table.buyer, purposes=["research"], price_fen=2_000)).json()
    assert (back["price_model"], back["price_fen"]) == ("per_call", 2_000)
    async with database.transaction() as session:
        shared = await catalogue.published_zone_listing(
            session, use_class=UseClass.PUBLIC_GOOD, plan=catalogue.FREE
        )
    good = await trading.requested_contract(database, listed=shared, use_class=UseClass.PUBLIC_GOOD)
    kept = await Table(good, client_for).offers(client_for(good.provider_account), purposes=["research"])
    assert kept.json()["code"] == "contract.scenario-class-mismatch"


@pytest.mark.parametrize("moved", [(), ("offer",), ("offer", "accept"), ("agree",), ("agree", "sign")])
async def test_what_nobody_answers_expires_with_a_reason(
    database: Database, client_for: ClientFor, moved: tuple[str, ...]
) -> None:
    table = Table(await trading.requested_contract(database), client_for)
    for event in moved:
        if event == "offer":
            await table.offers(table.provider, price_fen=5)
        else:
            await table.moves(table.buyer if event == "accept" else table.provider, event)
    before = await table.now()
    await negotiation.lapse_due(database, LEDGER_ID, NOON + timedelta(days=14))
    assert await table.now() == before
    await negotiation.lapse_due(database, LEDGER_ID, LATER)
    after = await table.now()
    assert (after["state"], after["reason"], after["waiting"]) == ("expired", LAPSED, None)
    last = (await table.buyer.get(f"{table.path}/offers")).json()["items"][-1]
    assert last["state"] == "expired"


async def test_an_amendment_that_the_other_side_signs_is_in_force_and_the_old_terms_stay_readable(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.active_contract(database, quota=5)
    table, desk = Table(deal, client_for), Recorder(LEDGER_ID)
    await table_trade(database, desk, deal)
    offered = await table.offers(table.provider, price_fen=2_000, quota=9, purposes=["research"])
    assert offered.status_code == 201, offered.text
    waiting = await table.now()
    assert (waiting["price_fen"], waiting["waiting"]["party"], waiting["waiting"]["then"]) == (
        3_000,
        "buyer",
        "active",
    )
    assert (await table_trade(database, desk, deal)).amount_fen == 3_000
    own = await table.answers(table.provider, 2, "sign")
    assert own.json()["code"] == "contract.not-your-move"
    allowed = [
        (await by.get(f"{table.path}/offers/2/allowed-events")).json()["events"]
        for by in (table.buyer, table.provider)
    ]
    assert allowed == [["sign", "reject"], ["withdraw"]]
    signed = await table.answers(table.buyer, 2, "sign")
    assert (signed.status_code, signed.json()["state"]) == (200, "in_force")
    now = await table.now()
    assert (now["price_fen"], now["terms_number"], now["waiting"]) == (2_000, 2, None)
    first, second = (await table.buyer.get(f"{table.path}/versions")).json()["items"]
    assert first["in_force_to"] == second["in_force_from"]
    use = {"purpose": deal.purpose}
    assert (await table.buyer.post(f"{table.path}/uses", json=use)).json()["code"] == (
        "contract.purpose-not-authorised"
    )
    assert (await table_trade(database, desk, deal, "research")).amount_fen == 2_000


async def table_trade(
    database: Database, recorder: Recorder, deal: Agreement, purpose: str | None = None
) -> Any:
    """One unit sold by a process that remembers the terms."""
    intent = trading.intent(deal)._replace(purpose=Purpose(purpose or deal.purpose))
    async with database.plain_transaction() as connection:
        [outcome] = await recorder.record_trades(connection, [intent], now=moment())
    assert not isinstance(outcome, Exception), outcome
    return outcome


async def test_a_use_metered_after_an_amendment_is_priced_by_it_where_the_old_terms_are_remembered(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.active_contract(database)
    table, recorder = Table(deal, client_for), Recorder(LEDGER_ID)
    await table_trade(database, recorder, deal)
    await table.offers(table.buyer, price_fen=1_000)
    assert (await table.answers(table.provider, 2, "sign")).status_code == 200
    use_id = await trading.used(database, deal)
    priced = trading.intent(deal)._replace(purpose=None, quantity=None, use_id=use_id)
    async with database.plain_transaction() as connection:
        [outcome] = await recorder.record_trades(connection, [priced], now=moment())
    assert getattr(outcome, "amount_fen", outcome) == 1_000


async def test_what_is_not_settled_keeps_its_terms(database: Database, client_for: ClientFor) -> None:
    deal = await trading.active_contract(database, quota=50)
    table = Table(deal, client_for)
    await trading.used(database, deal, 10)
    await table.offers(table.provider, price_fen=1, quota=60)
    waits = await table.answers(table.buyer, 2, "sign")
    assert waits.json()["code"] == "contract.amendment-waits"
    below = await table.offers(table.buyer, quota=9)
    assert below.status_code == 201
    assert (await table.answers(table.provider, 3, "sign")).json()["code"] == "contract.quota-below-used"
    assert (await table.answers(table.provider, 3, "reject")).json()["code"] == "offer.reason-missing"
    assert (await table.answers(table.provider, 3, "reject", "不足")).json()["state"] == "rejected"
    renewal = await table.offers(table.buyer, term_to="2029-01-01T00:00:00+08:00")
    assert [one["clause"] for one in renewal.json()["differences"]] == ["term_to"]
    assert (await table.answers(table.provider, 4, "sign")).status_code == 200
    await orders.placed(database, deal)
    await table.offers(table.provider, term_to="2026-01-01T00:00:00+08:00")
    assert (await table.answers(table.buyer, 5, "sign")).json()["code"] == "contract.amendment-waits"
    assert (await table.answers(table.provider, 5, "withdraw", "改期")).json()["state"] == "withdrawn"
    assert (await table.answers(table.buyer, 5, "sign")).json()["code"] == "state.transition-not-allowed"
    assert (await table.answers(table.buyer, 6, "sign")).status_code == 404


async def test_what_an_amendment_can_not_change_and_when_there_can_be_none(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.active_contract(database)
    table = Table(deal, client_for)
    for terms, code in (
        ({"term_from": "2024-01-02T00:00:00+08:00"}, "contract.term-begun"),
        ({"purposes": ["public_welfare"]}, "contract.use-class-fixed"),
    ):
        assert (await table.offers(table.buyer, **terms)).json()["code"] == code
    stale = await table.buyer.post(f"{table.path}/offers", json={"quota": 5}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    await table.offers(table.buyer, quota=5)
    assert (await table.offers(table.buyer, quota=6)).json()["code"] == "contract.offer-out-of-turn"
    await negotiation.lapse_due(database, LEDGER_ID, LATER)
    assert (await table.now())["waiting"] is None
    assert (await table.now())["state"] == "active"
    await table.offers(table.provider, quota=7)
    assert (await table.moves(table.provider, "terminate", "到期不续")).json()["state"] == "ended"
    offers = (await table.buyer.get(f"{table.path}/offers")).json()["items"]
    assert [offer["state"] for offer in offers] == ["in_force", "expired", "expired"]
    closed = await table.answers(table.buyer, 3, "sign")
    assert closed.json()["code"] == "state.transition-not-allowed"
    assert (await table.offers(table.buyer, quota=8)).json()["code"] == "state.transition-not-allowed"


async def test_an_answer_after_its_time_is_refused_before_the_chore_comes(database: Database) -> None:
    deal = await trading.requested_contract(database)
    async with database.transaction() as session:
        contract = await contract_queries.lock_contract(
            session, deal.contract.id, visible_to=deal.provider_account
        )
        with pytest.raises(AnswerLate):
            await actions.move_contract(
                session,
                deal.provider_account,
                contract,
                ContractEvent.AGREE,
                ledger_id=LEDGER_ID,
                now=LATER,
            )


async def test_a_renewal_is_linked_to_its_authority_anew(database: Database, client_for: ClientFor) -> None:
    deal = await trading.active_contract(database, of_zone=True)
    table, office = Table(deal, client_for), client_for(AUTHORITY)

    async def mandate() -> Any:
        at = (NOON + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
        chain = (await table.buyer.get(f"{table.path}/authority?at={at}")).json()
        assert chain["stands"], chain
        [link] = [link for link in chain["links"] if link["kind"] == "mandate"]
        return link

    signed = await mandate()
    longer = f"{int(signed['term_to'][:4]) + 1}{signed['term_to'][4:]}"
    beyond = await table.offers(table.buyer, term_to=f"{longer}T00:00:00+08:00")
    assert beyond.json()["code"] == "contract.term-beyond-mandate"
    path = f"/zones/{deal.contract.zone_id}/mandates/{signed['target_id']}/events"
    renewal = {"event": "renew", "term_to": longer, "filed_on": "2024-06-03"}
    assert (await office.post(path, json=renewal)).status_code == 200
    assert (await mandate())["term_to"] == signed["term_to"]
    assert (await table.offers(table.buyer, term_to=f"{longer}T00:00:00+08:00")).status_code == 201
    assert (await table.answers(table.provider, 2, "sign")).status_code == 200
    assert (await mandate())["term_to"] == longer
    assert (await table.now())["term_to"][:4] == str(int(longer[:4]) - 1)


async def test_what_is_over_is_not_renewed_before_the_chore_comes(database: Database) -> None:
    over = NOON + timedelta(days=1)
    deal = await trading.active_contract(database, term_to=over)
    async with database.transaction() as session:
        row = await contract_queries.lock_contract(session, deal.contract.id, visible_to=deal.buyer_account)
        longer = {"term_to": over + timedelta(days=9)}
        with pytest.raises(TermInvalid):
            await negotiation.offer_terms(session, deal.buyer_account, row, longer, now=over)
        late = await negotiation.offer_terms(
            session, deal.buyer_account, row, longer, now=over - timedelta(hours=1)
        )
        with pytest.raises(TermInvalid):
            await negotiation.answer_amendment(
                session, deal.provider_account, row, late.number, OfferEvent.SIGN, now=over
            )
