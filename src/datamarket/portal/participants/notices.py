"""Notices: what happened to the caller's things and in public, newest first, and one of them with the way on."""

from typing import Any

from datamarket.portal.desk.reading import listed, names_in
from datamarket.portal.pages import Shown, page
from datamarket.portal.sessions import Visit
from datamarket.portal.words.tongues import names as field_names


@page("/my/notices", "participants/notices.html", signed_in=True)
async def notices(visit: Visit) -> Shown:
    """Of the sealed log what the caller is told."""
    return await listed(visit, "/events", newest_first=True)


@page("/my/notices/{event_id}", "participants/notice.html", signed_in=True)
async def notice(visit: Visit, event_id: str) -> Shown:
    """What happened, to what it refers, and what waits for the caller there; facts that have no name stand as they were written."""
    event = await visit.ask.get(f"/events/{event_id}")
    matters = await visit.ask.find("/inbox", limit=100)
    facts = event["facts"] or {}
    return {
        "event": event, "names": await names_in(visit, [event, facts]),
        "told": {name: value for name, value in facts.items() if _is_told(name, value)},
        "rest": {name: value for name, value in facts.items() if not _is_told(name, value)},
        "matters": [one for one in (matters or {"items": []})["items"] if one["subject_id"] == event["subject_id"]],
    }  # fmt: skip


def _is_told(name: str, value: Any) -> bool:
    """Whether a page can tell it in words: it has a name, and is no document."""
    stem = name[:-3] if name.endswith(("_zh", "_en")) else name
    nested = isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(one, list | dict) for one in value)
    )
    return stem in field_names() and not nested
