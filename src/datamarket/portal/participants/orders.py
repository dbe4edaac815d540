"""Orders and trades of the caller: where each stands, who acts next, and every fen of a trade up to its payout."""

from typing import Any

from datamarket.portal.desk.reading import listed, names_in
from datamarket.portal.pages import Shown, page
from datamarket.portal.participants.contracts import steps
from datamarket.portal.sessions import Visit


@page("/my/orders", "participants/orders.html", signed_in=True)
async def orders(visit: Visit) -> Shown:
    """The caller's orders, newest first."""
    return await listed(visit, "/orders")


@page("/my/orders/{order_id}", "participants/order.html", signed_in=True)
async def order(visit: Visit, order_id: str) -> Shown:
    """One order with its deadlines and what may be done with it."""
    record, allowed = await visit.ask.get_all(f"/orders/{order_id}", f"/orders/{order_id}/allowed-events")
    contract = await visit.ask.get(f"/contracts/{record['contract_id']}")
    names = await names_in(visit, [record, contract])
    way = tuple(
        step
        for step in ("placed", "delivered", "curing", "accepted")
        if step != "curing" or record["cure_by"]
    )
    return {
        "order": record, "contract": contract, "allowed": allowed["events"], "names": names, "steps": steps(way, record["state"], "delivered" if record["delivered_at"] else None),
    }  # fmt: skip


@page("/my/trades", "participants/trades.html", signed_in=True)
async def trades(visit: Visit) -> Shown:
    """The caller's trades, newest first."""
    return await listed(visit, "/trades")


@page("/oversight/trades/{trade_id}", "participants/trade.html", signed_in=True)
@page("/my/trades/{trade_id}", "participants/trade.html", signed_in=True)
async def trade(visit: Visit, trade_id: str) -> Shown:
    """One trade from its use over entry and legs to accounts and payouts, as far as it is the caller's to see."""
    certificate, refunds, disputes = await visit.ask.get_all(
        f"/trades/{trade_id}/certificate",
        f"/trades/{trade_id}/refunds?limit=100",
        f"/trades/{trade_id}/disputes?limit=100",
    )
    record = certificate["trade"]
    entry = (
        await visit.ask.find(f"/ledger/entries/{certificate['entry_id']}")
        if certificate["entry_id"]
        else None
    )
    legs = entry["legs"] if entry else []
    accounts = {
        leg["account_id"]: await visit.ask.find(f"/ledger/accounts/{leg['account_id']}") for leg in legs
    }
    payouts = {
        leg["account_id"]: await _paid_out(visit, leg, record) for leg in legs if leg["amount_fen"] < 0
    }
    return {
        "trade": record, "certificate": certificate, "entry": entry, "accounts": accounts, "payouts": payouts,
        "refunds": refunds["items"], "disputes": disputes["items"],
        "names": await names_in(visit, [record, entry or {}, refunds, disputes]),
    }  # fmt: skip


@page("/my/trades/{trade_id}/disputes/{dispute_id}", "participants/dispute.html", signed_in=True)
async def dispute(visit: Visit, trade_id: str, dispute_id: str) -> Shown:
    """What is not accepted of a trade: what each side says and shows, and the outcome."""
    at = f"/trades/{trade_id}/disputes/{dispute_id}"
    record, allowed, sold = await visit.ask.get_all(at, f"{at}/allowed-events", f"/trades/{trade_id}")
    reached = "answered" if record["answered_at"] else None
    return {
        "dispute": record, "allowed": allowed["events"], "trade": sold, "names": await names_in(visit, [record, sold]),
        "steps": steps(("opened", "answered"), record["state"], reached), "closed": record["closed_at"] is not None,
    }  # fmt: skip


async def _paid_out(visit: Visit, leg: dict[str, Any], record: dict[str, Any]) -> list[dict[str, Any]]:
    """The newest payouts of the account since the trade: money has no marks, so all of them may hold its share."""
    answer = await visit.ask.find("/payouts", payee=leg["owner_id"], account=leg["account_id"], limit=100)
    since = record["recorded_at"][:10]
    return [
        one
        for one in (answer or {"items": []})["items"]
        if one["decided_on"] is None or one["decided_on"] >= since
    ][:3]
