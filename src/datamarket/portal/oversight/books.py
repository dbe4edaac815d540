"""The books at a date: what is out of order, debits and credits, months, accounts with statements, and where income went."""

from typing import Any

from datamarket.foundation.clock import business_date
from datamarket.portal.desk.reading import listed, names_in
from datamarket.portal.oversight.flows import flow_of
from datamarket.portal.pages import Shown, page
from datamarket.portal.sessions import Visit
from datamarket.portal.words.figures import day_of

NEWEST_YEARS = 5


@page("/oversight", "oversight/overview.html", signed_in=True)
async def overview(visit: Visit) -> Shown:
    """Whether the books balance, what only waits, and what nobody has done yet."""
    balance, clearing, months, batches, checkpoint, checks = await visit.ask.get_all(
        "/ledger/trial-balance", "/ledger/clearing?limit=10", "/ledger/periods?limit=12", "/payouts/batches?limit=5",
        "/evidence/checkpoints?limit=1", "/checks",
    )  # fmt: skip
    return {
        "balance": balance, "clearing": clearing["items"], "months": months["items"], "batches": batches["items"],
        "checkpoint": next(iter(checkpoint["items"]), None), "checks": checks["checks"],
        "names": await names_in(visit, [clearing, batches]),
    }  # fmt: skip


@page("/oversight/balance", "oversight/balance.html", signed_in=True)
async def balance(visit: Visit) -> Shown:
    """Debits equal credits, on any day."""
    on = visit.request.query_params.get("at", "")
    return {"balance": await visit.ask.get("/ledger/trial-balance", at=on), "on": on}


@page("/oversight/months", "oversight/months.html", signed_in=True)
async def months(visit: Visit) -> Shown:
    """Each month with its state, and what may be done with it now."""
    asked = dict(visit.request.query_params)
    answer = await visit.ask.get("/ledger/periods", limit="24", **asked)
    paths = [f"/ledger/periods/{month['id']}/allowed-events" for month in answer["items"]]
    return {
        "answer": answer,
        "asked": asked,
        "events": [one["events"] for one in await visit.ask.get_all(*paths)],
    }


@page("/oversight/accounts", "oversight/accounts.html", signed_in=True)
async def accounts(visit: Visit) -> Shown:
    """Accounts with their balances, of a kind or an owner."""
    return await listed(visit, "/ledger/accounts")


@page("/oversight/accounts/{account_id}", "oversight/account.html", signed_in=True)
async def account(visit: Visit, account_id: str) -> Shown:
    """The statement of one account: opening, movements with the running balance, closing."""
    at = f"/ledger/accounts/{account_id}"
    asked = {name: value for name, value in visit.request.query_params.items() if value}
    record = await visit.ask.get(at)
    if "to" not in asked:
        newest = (await visit.ask.get(f"{at}/legs", limit=1))["items"]
        asked |= {"to": str(day_of(newest[0]["effective_at"]))} if newest else {}
    statement, problem = await visit.ask.hear(f"{at}/statement", **asked)
    return {
        "account": record, "statement": statement, "problem": problem, "asked": asked,
        "names": await names_in(visit, [record, statement or {}]),
    }  # fmt: skip


@page("/oversight/income", "oversight/income.html", signed_in=True)
async def income(visit: Visit) -> Shown:
    """What the trades of a year brought, and to whom it went: the figures of the year's report, drawn."""
    newest = business_date(visit.request.app.state.read_clock()).year
    year = visit.request.query_params.get("year", "") or await _newest_year(visit) or str(newest)
    report = await visit.ask.get(f"/ledger/reports/year/{year}")
    sections = {section["code"]: section for section in report["sections"]}
    return {
        "year": year, "report": report, "sections": sections, "flow": flow_of(sections, visit.language),
        "years": [str(newest - back) for back in range(NEWEST_YEARS)],
    }  # fmt: skip


async def _newest_year(visit: Visit) -> str | None:
    """The last year in which something was traded."""
    overview: dict[str, Any] = await visit.ask.get("/statistics/overview")
    return str(max(year["year"] for year in overview["years"])) if overview["years"] else None
