"""What is watched: payouts and the bank, invariants, the audit trail, and the chain of authority on any day that is past."""

from datamarket.foundation.clock import business_date
from datamarket.portal.desk.reading import listed, names_in
from datamarket.portal.pages import Shown, page
from datamarket.portal.sessions import Visit

TRAIL_FIELDS = ("subject", "action", "after")


@page("/oversight/payouts", "oversight/payouts.html", signed_in=True)
async def batches(visit: Visit) -> Shown:
    """Batches of payouts, newest first."""
    return await listed(visit, "/payouts/batches")


@page("/oversight/payouts/{batch_id}", "oversight/batch.html", signed_in=True)
async def batch(visit: Visit, batch_id: str) -> Shown:
    """One batch: who made, approved and sent it, and each payout with the bank's answer."""
    asked = dict(visit.request.query_params)
    record, allowed = await visit.ask.get_all(
        f"/payouts/batches/{batch_id}", f"/payouts/batches/{batch_id}/allowed-events"
    )
    payouts = await visit.ask.get("/payouts", batch=batch_id, limit=100, after=asked.get("after"))
    return {
        "batch": record, "allowed": allowed["events"], "payouts": payouts, "asked": asked,
        "names": await names_in(visit, [record, payouts]),
    }  # fmt: skip


@page("/oversight/bank", "oversight/bank.html", signed_in=True)
async def bank(visit: Visit) -> Shown:
    """The bank against the books at the end of a day."""
    statements = await visit.ask.get("/bank/statements", limit=12)
    newest = statements["items"][0]["day"] if statements["items"] else None
    day = visit.request.query_params.get("day") or newest
    found, problem = None, None
    if day:
        found, problem = await visit.ask.hear("/bank/reconciliation", day=day)
    return {
        "statements": statements["items"], "day": day, "found": found, "problem": problem,
        "names": await names_in(visit, [statements, found or {}]),
    }  # fmt: skip


@page("/oversight/trades", "oversight/trades.html", signed_in=True)
async def trades(visit: Visit) -> Shown:
    """Trades of which one is traced, newest first."""
    return await listed(visit, "/trades")


@page("/oversight/chain", "oversight/chain.html", signed_in=True)
async def chain(visit: Visit) -> Shown:
    """By which authority a contract stood on a day: each link with its document, its term, and what has stopped it."""
    asked = dict(visit.request.query_params)
    contract_id, on = asked.get("contract", ""), asked.get("at", "")
    contracts = await visit.ask.get("/contracts", limit=50, after=asked.get("after"))
    found, problem, contract = None, None, None
    if contract_id:
        contract, problem = await visit.ask.hear(f"/contracts/{contract_id}")
    if contract:
        at = on and f"{on}T23:59:59+08:00"
        found, problem = await visit.ask.hear(f"/contracts/{contract_id}/authority", at=at)
    return {
        "contracts": contracts, "contract": contract, "chain": found, "problem": problem, "asked": asked,
        "names": await names_in(visit, [contracts, contract or {}, found or {}]),
        "today": business_date(visit.request.app.state.read_clock()),
    }  # fmt: skip


@page("/oversight/checks", "oversight/checks.html", signed_in=True)
async def checks(visit: Visit) -> Shown:
    """The invariants of the market, each in one sentence, and what was last found."""
    answer = await visit.ask.get("/checks")
    return {"checks": answer["checks"]}


@page("/oversight/trail", "oversight/trail.html", signed_in=True)
async def trail(visit: Visit) -> Shown:
    """What was done, newest first: of one subject, or of one kind of deed."""
    asked = {
        name: visit.request.query_params[name]
        for name in TRAIL_FIELDS
        if visit.request.query_params.get(name)
    }
    answer, problem = await visit.ask.hear("/audit-events", limit=50, **asked)
    shown = answer["items"] if answer else []
    return {
        "answer": answer, "problem": problem, "asked": asked, "names": await names_in(visit, [{"subject": one["subject_id"], "actor": one["actor_id"], "organisation": one["organisation_id"]} for one in shown]),
    }  # fmt: skip
