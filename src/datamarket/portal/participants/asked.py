"""What the caller asked for: a quoted price, and the events that are sent to a receiver."""

from datetime import datetime

from datamarket.portal.desk.reading import names_in
from datamarket.portal.pages import Shown, page
from datamarket.portal.sessions import Visit


@page("/my/quotes/{quote_id}", "participants/quote.html", signed_in=True)
async def quote(visit: Visit, quote_id: str) -> Shown:
    """A price with its parts, until when it is good, and the note that was signed."""
    record = await visit.ask.get(f"/quotes/{quote_id}")
    now = visit.request.app.state.read_clock()
    own = visit.who and visit.who["participant_id"]
    return {
        "quote": record, "names": await names_in(visit, [record]), "buys": bool(own) and own == record["buyer_id"],
        "is_open": record["used_at"] is None and datetime.fromisoformat(record["expires_at"]) > now,
    }  # fmt: skip


@page("/my/subscriptions/{subscription_id}", "participants/subscription.html", signed_in=True)
async def subscription(visit: Visit, subscription_id: str) -> Shown:
    """Where events are sent, how far, and each attempt of thirty days."""
    at = f"/subscriptions/{subscription_id}"
    record = await visit.ask.get(at)
    sent = await visit.ask.get(f"{at}/deliveries", limit=50, after=visit.request.query_params.get("after"))
    return {"subscription": record, "sent": sent, "names": await names_in(visit, [record])}
