"""Money of the caller: balances, what is held, payouts, and each month's statement that adds up."""

from datetime import timedelta
from typing import Any

from datamarket.foundation.clock import business_date
from datamarket.portal.asking import Declined
from datamarket.portal.desk.reading import names_in
from datamarket.portal.pages import Shown, page
from datamarket.portal.sessions import Visit

FILES = ("csv", "xlsx", "focus")


@page("/my/money", "participants/money.html", signed_in=True)
async def money(visit: Visit) -> Shown:
    """What stands on the caller's own accounts, and what was paid out of them."""
    own = _own(visit)
    accounts, payouts, holds = await visit.ask.get_all(
        f"/ledger/accounts?owner={own}&limit=100",
        f"/payouts?payee={own}&limit=20",
        "/ledger/holds?state=held&limit=20",
    )
    names = await names_in(visit, [accounts, payouts, holds])
    return {
        "accounts": accounts["items"], "payouts": payouts["items"], "holds": holds["items"], "names": names, "own": own,
    }  # fmt: skip


@page("/my/statement", "participants/statement.html", signed_in=True)
async def statement(visit: Visit) -> Shown:
    """A month of one organisation: each account from opening to closing, and every movement beside what it settles."""
    asked = {name: value for name, value in visit.request.query_params.items() if value}
    now = visit.request.app.state.read_clock()
    last = business_date(now).replace(day=1) - timedelta(days=1)
    period = asked.get("period", f"{last:%Y%m}").replace("-", "")
    owner = asked.get("participant") or _own(visit)
    answer = await visit.ask.get(f"/statements/{owner}/{period}", after=asked.get("after"), limit="100")
    return {
        "statement": answer, "period": period, "owner": owner, "asked": asked | {"period": period}, "files": FILES,
        "names": await names_in(visit, [answer]),
    }  # fmt: skip


def _own(visit: Visit) -> Any:
    """The caller's organisation. Raises Declined for an account without one."""
    own = visit.who and visit.who["participant_id"]
    if own is None:
        raise Declined(404, {})
    return own
