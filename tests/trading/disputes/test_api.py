"""Disputes over HTTP: opened with evidence, answered in time, settled, decided or withdrawn; the money is held meanwhile."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from datamarket.auth.terms import Actor
from datamarket.foundation.db import Database
from datamarket.foundation.money import Fen
from datamarket.foundation.settings import Settings
from datamarket.ledger.terms import AccountKind
from datamarket.server.app import create_app
from datamarket.trading.terms import Trade
from tests.conftest import Client, ClientFor, client_of
from tests.world import catalogue, disputes, orders, payouts, trading
from tests.world.people import AUTHORITY, NOON
from tests.world.trading import Agreement, active_contract

PRICE = 3_000
INCOME = AccountKind.PROVIDER_INCOME
DOCUMENT = {"name": "质量检测报告.pdf", "digest": "9f" * 32}
AFTER_THE_DEADLINE = NOON + timedelta(days=15)


async def sold(database: Database, quantity: int = 10) -> tuple[Agreement, Trade]:
    deal = await active_contract(database)
    return deal, await trading.trade(database, deal, quantity)


async def disputed(client: Client, trade: Trade, **asked: Any) -> dict[str, Any]:
    answer = await client.post(f"/trades/{trade.id}/disputes", json={"reason": "质量不符"} | asked)
    assert answer.status_code == 201, answer.text
    dispute: dict[str, Any] = answer.json()
    return dispute


def path_of(dispute: dict[str, Any]) -> str:
    return f"/trades/{dispute['trade_id']}/disputes/{dispute['id']}"


async def event(client: Client, dispute: dict[str, Any], name: str, **more: Any) -> dict[str, Any]:
    answer = await client.post(f"{path_of(dispute)}/events", json={"event": name} | more)
    assert answer.status_code == 200, answer.text
    moved: dict[str, Any] = answer.json()
    return moved


async def refusal(client: Client, dispute: dict[str, Any], name: str, **more: Any) -> tuple[int, str]:
    answer = await client.post(f"{path_of(dispute)}/events", json={"event": name} | more)
    return answer.status_code, answer.json()["code"]


async def allowed(client: Client, dispute: dict[str, Any]) -> list[str]:
    events: list[str] = (await client.get(f"{path_of(dispute)}/allowed-events")).json()["events"]
    return events


@pytest.fixture
def later(database: Database, settings: Settings) -> Callable[[Actor], Client]:
    """Clients after the time for an answer."""
    app = create_app(settings, database, read_clock=lambda: AFTER_THE_DEADLINE)

    def make(who: Actor) -> Client:
        return client_of(app, who, AFTER_THE_DEADLINE)

    return make


async def test_a_dispute_is_answered_and_settled_for_a_part(
    database: Database, client_for: ClientFor
) -> None:
    deal, trade = await sold(database)
    buyer, seller = client_for(deal.buyer_account), client_for(deal.provider_account)
    dispute = await disputed(buyer, trade, documents=[DOCUMENT])
    assert (dispute["state"], dispute["amount_fen"]) == ("opened", 10 * PRICE)
    assert await allowed(seller, dispute) == ["answer", "offer"]
    await event(seller, dispute, "answer", reason="三份已重新交付", documents=[DOCUMENT])
    assert await refusal(buyer, dispute, "settle") == (409, "dispute.nothing-offered")
    await event(seller, dispute, "offer", amount_fen=7_001)
    assert await refusal(seller, dispute, "settle") == (409, "dispute.nothing-offered")
    settled = await event(buyer, dispute, "settle")
    assert (settled["state"], settled["outcome_fen"]) == ("settled", 7_001)
    assert settled["documents"] == settled["answer_documents"] == [DOCUMENT]
    refunds = (await buyer.get(f"/trades/{trade.id}/refunds")).json()["items"]
    assert [(refund["id"], refund["amount_fen"]) for refund in refunds] == [(settled["refund_id"], 7_001)]
    shown = (await buyer.get(f"/trades/{trade.id}")).json()
    assert (shown["state"], shown["refunded_fen"], shown["version"]) == ("partly_refunded", 7_001, 2)
    assert (await orders.standing(database, deal.provider.id, INCOME))[1] == 0
    assert [item["id"] for item in (await seller.get(f"/trades/{trade.id}/disputes")).json()["items"]] == [
        dispute["id"]
    ]


async def test_while_a_dispute_is_open_nothing_else_is_refunded_and_income_is_held(
    database: Database, client_for: ClientFor
) -> None:
    deal, trade = await sold(database)
    seller = client_for(deal.provider_account)
    dispute = await disputed(client_for(deal.buyer_account), trade, amount_fen=PRICE)
    again = await seller.post(f"/trades/{trade.id}/disputes", json={"reason": "-"})
    assert (again.status_code, again.json()["code"]) == (409, "dispute.open-already")
    refund = await seller.post(f"/trades/{trade.id}/refunds", json={"reason": "-"})
    assert (refund.status_code, refund.json()["code"]) == (409, "trade.disputed")
    balance, held = await orders.standing(database, deal.provider.id, INCOME)
    assert (balance, held) == (trade.split.provider_fen, (balance + 9) // 10)
    await event(client_for(deal.buyer_account), dispute, "withdraw")
    assert await orders.standing(database, deal.provider.id, INCOME) == (balance, 0)
    refund = await seller.post(f"/trades/{trade.id}/refunds", json={"reason": "-"})
    assert (refund.status_code, refund.json()["amount_fen"]) == (201, 10 * PRICE)


async def test_the_authority_decides_what_was_answered(database: Database, client_for: ClientFor) -> None:
    deal, trade = await sold(database)
    buyer, seller, authority = map(client_for, (deal.buyer_account, deal.provider_account, AUTHORITY))
    dispute = await disputed(seller, trade, amount_fen=9_000)
    decision = {"amount_fen": 9_000, "reason": "依据检测报告"}
    assert await refusal(authority, dispute, "decide", **decision) == (409, "dispute.decision-early")
    await event(buyer, dispute, "answer", reason="全部不符")
    assert await allowed(authority, dispute) == ["decide"]
    assert await refusal(authority, dispute, "decide", amount_fen=9_000) == (422, "dispute.reason-missing")
    assert await refusal(authority, dispute, "decide", reason="-") == (422, "dispute.outcome-not-within")
    decided = await event(authority, dispute, "decide", **decision)
    assert (decided["state"], decided["outcome_fen"], decided["outcome_reason"]) == (
        "decided",
        9_000,
        "依据检测报告",
    )
    assert await refusal(authority, dispute, "decide", **decision) == (409, "state.transition-not-allowed")
    assert await orders.standing(database, deal.buyer.id, AccountKind.BUYER_FUNDS) == (
        trading.PLENTY - 10 * PRICE + 9_000,
        0,
    )


async def test_after_its_time_the_answer_is_refused_and_the_authority_decides_without(
    database: Database, client_for: ClientFor, later: Callable[[Actor], Client]
) -> None:
    deal, trade = await sold(database)
    dispute = (await disputes.opened(database, deal.buyer_account, trade.id, at=NOON)).model_dump()
    seller, authority = later(deal.provider_account), later(AUTHORITY)
    assert await allowed(seller, dispute) == ["offer"]
    assert await refusal(seller, dispute, "answer", reason="-") == (409, "dispute.answer-late")
    decided = await event(authority, dispute, "decide", amount_fen=0, reason="证据不足")
    assert (decided["outcome_fen"], decided["refund_id"]) == (0, None)
    shown = (await seller.get(f"/trades/{trade.id}")).json()
    assert (shown["state"], shown["refunded_fen"]) == ("settled", 0)


async def test_each_side_does_what_is_its_own(database: Database, client_for: ClientFor) -> None:
    deal, trade = await sold(database)
    buyer, seller = client_for(deal.buyer_account), client_for(deal.provider_account)
    dispute = await disputed(buyer, trade, amount_fen=PRICE)
    for client, name in ((buyer, "answer"), (seller, "withdraw"), (seller, "decide")):
        assert await refusal(client, dispute, name, reason="-") == (403, "dispute.not-your-move")
    assert await refusal(buyer, dispute, "offer", amount_fen=PRICE + 1) == (422, "dispute.outcome-not-within")
    assert await refusal(buyer, dispute, "withdraw", amount_fen=1) == (422, "dispute.outcome-not-within")
    assert await refusal(buyer, dispute, "withdraw", documents=[DOCUMENT]) == (
        422,
        "dispute.documents-not-asked",
    )
    stranger = client_for((await active_contract(database)).buyer_account)
    assert await refusal(stranger, dispute, "withdraw") == (404, "not-found")
    assert (await stranger.get(path_of(dispute))).status_code == 404
    elsewhere = dispute | {"trade_id": str((await trading.trade(database, deal)).id)}
    assert await refusal(buyer, elsewhere, "withdraw") == (404, "not-found")
    assert (await stranger.post(f"/trades/{trade.id}/disputes", json={"reason": "-"})).status_code == 404
    stale = await buyer.post(
        f"{path_of(dispute)}/events", json={"event": "withdraw"}, headers={"If-Match": '"7"'}
    )
    assert stale.status_code == 412


async def test_a_dispute_is_within_what_is_left_of_its_trade(
    database: Database, client_for: ClientFor
) -> None:
    deal, trade = await sold(database, 2)
    await trading.refund(database, deal, trade.id, Fen(1))
    buyer = client_for(deal.buyer_account)
    beyond = await buyer.post(f"/trades/{trade.id}/disputes", json={"reason": "-", "amount_fen": 2 * PRICE})
    assert (beyond.status_code, beyond.json()["code"]) == (409, "ledger.refund-exceeds")
    assert (await disputed(buyer, trade))["amount_fen"] == 2 * PRICE - 1
    free = await active_contract(database, plan=catalogue.FREE)
    given = await trading.trade(database, free, 1)
    nothing = await client_for(free.buyer_account).post(f"/trades/{given.id}/disputes", json={"reason": "-"})
    assert (nothing.status_code, nothing.json()["code"]) == (409, "trade.nothing-to-refund")


async def test_a_payout_leaves_what_is_disputed_and_income_that_was_paid_out_is_not_held(
    fresh_database: Database,
) -> None:
    deal, trade = await sold(fresh_database)
    await disputes.opened(fresh_database, deal.buyer_account, trade.id, Fen(PRICE))
    tenth = (trade.split.provider_fen + 9) // 10
    await payouts.sent(fresh_database, payouts.Officers())
    assert await orders.standing(fresh_database, deal.provider.id, INCOME) == (tenth, tenth)
    paid = await active_contract(fresh_database, provider=deal.provider)
    later = await trading.trade(fresh_database, paid, 10)
    await payouts.sent(fresh_database, payouts.Officers())
    nothing_left = await disputes.opened(fresh_database, paid.buyer_account, later.id)
    assert nothing_left.hold_id is None
    half = await trading.trade(fresh_database, paid, 5)
    part = await disputes.opened(fresh_database, paid.buyer_account, half.id)
    assert part.hold_id is not None


async def test_disputes_show_in_inboxes_and_public_figures(
    fresh_database: Database, settings: Settings
) -> None:
    deal, trade = await sold(fresh_database)
    dispute = await disputes.opened(fresh_database, deal.buyer_account, trade.id, Fen(PRICE), at=NOON)
    app = create_app(settings, fresh_database, read_clock=lambda: NOON)

    async def waiting(who: Actor) -> list[tuple[str, str]]:
        items = (await client_of(app, who, app.state.read_clock()).get("/inbox")).json()["items"]
        return [(item["kind"], item["subject_id"]) for item in items]

    assert await waiting(deal.provider_account) == [("dispute_to_answer", str(dispute.id))]
    assert await waiting(deal.buyer_account) == await waiting(AUTHORITY) == []
    visitor = client_of(app, None, NOON)
    figures = (await visitor.get("/statistics/overview")).json()["turnover"]
    assert (figures["disputed_fen"], figures["net_fen"]) == (PRICE, 10 * PRICE)
    app.state.read_clock = lambda: AFTER_THE_DEADLINE
    assert await waiting(deal.provider_account) == []
    assert await waiting(AUTHORITY) == [("dispute_to_decide", str(dispute.id))]
