"""Contracts of the caller: state and who acts next, quota, chain of authority, terms side by side, and trying a use."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from datamarket.portal.asking import Declined
from datamarket.portal.desk.reading import listed, names_in
from datamarket.portal.pages import Shown, page
from datamarket.portal.sessions import Visit

COURSE = ("requested", "offered", "accepted", "agreed", "part_signed", "active", "expired")
"""The states through which a contract goes when nothing else happens, in their order."""
OFFER_ROWS = (
    "state",
    "party",
    "offered_at",
    "price_model",
    "price_fen",
    "purposes",
    "term_from",
    "term_to",
    "quota",
    "reason",
)
USE_RULES = ("state", "term", "chain", "version", "purpose", "form", "territory", "recipient", "onward", "rate", "quota")  # fmt: skip
"""As the API asks them of a use: each that stands before the one that decided has permitted."""


@page("/my/contracts", "participants/contracts.html", signed_in=True)
async def contracts(visit: Visit) -> Shown:
    """The caller's contracts, newest first; overseers see all."""
    return await listed(visit, "/contracts")


@page("/my/contracts/{contract_id}", "participants/contract.html", signed_in=True)
async def contract(visit: Visit, contract_id: str) -> Shown:
    """One contract with all that belongs to it."""
    at = f"/contracts/{contract_id}"
    record, usage, offers, signatures, allowed, orders, trades = await visit.ask.get_all(
        at,
        f"{at}/uses/by-month",
        f"{at}/offers?limit=100",
        f"{at}/signatures?limit=100",
        f"{at}/allowed-events",
        f"/orders?contract={contract_id}&limit=5",
        f"/trades?contract={contract_id}&limit=5",
    )
    chain, faulty = await _chain(visit, at)
    disposal = await visit.ask.find(f"{at}/disposal")
    things = [record, offers, signatures, orders, trades, chain or {}]
    return {
        "contract": record, "usage": usage, "offers": offers["items"], "signatures": signatures["items"],
        "allowed": allowed["events"], "orders": orders["items"], "trades": trades["items"], "chain": chain, "fault": faulty,
        "disposal": disposal, "steps": steps(course_of(record, offers["items"]), record["state"], _reached(record)), "names": await names_in(visit, things),
        "offer_events": await _open_offer(visit, at, record, offers["items"]), "offer_rows": OFFER_ROWS,
        "party": _party(visit, record),
    }  # fmt: skip


def course_of(record: Mapping[str, Any], offers: list[Any]) -> tuple[str, ...]:
    """What the buyer asked for is agreed as it is; only the provider's terms are offered and accepted first."""
    signed = min(filter(None, (record["buyer_signed_at"], record["provider_signed_at"])), default=None)
    before = [offer["party"] for offer in offers if signed is None or offer["offered_at"] <= signed]
    optional = () if before[-1:] == ["provider"] else ("offered", "accepted")
    return tuple(state for state in COURSE if state not in optional or state == record["state"])


def _reached(record: Mapping[str, Any]) -> str:
    """How far a contract came by its signatures."""
    signed = sum(record[f"{side}_signed_at"] is not None for side in ("buyer", "provider"))
    return ("requested", "part_signed", "active")[signed]


async def _chain(visit: Visit, at: str) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The chain of authority on the day that was asked for, or why there is none to show."""
    day = visit.request.query_params.get("at", "")
    return await visit.ask.hear(f"{at}/authority", at=day and f"{day}T23:59:59+08:00")


async def _open_offer(
    visit: Visit, at: str, record: Mapping[str, Any], offers: list[Any]
) -> Mapping[str, Any]:
    """What may be done with the newest terms of a contract that is in force: signed, rejected, withdrawn."""
    newest = offers[-1] if offers else None
    if newest is None or newest["state"] != "open" or record["state"] not in {"active", "suspended"}:
        return {"number": 0, "events": []}
    allowed = await visit.ask.find(f"{at}/offers/{newest['number']}/allowed-events")
    return {"number": newest["number"], "events": allowed["events"] if allowed else []}


def _party(visit: Visit, record: Mapping[str, Any]) -> str | None:
    """On which side the caller stands; an overseer on none."""
    own = visit.who and visit.who["participant_id"]
    return next((side for side in ("buyer", "provider") if own and record[f"{side}_id"] == own), None)


def steps(course: tuple[str, ...], state: str, reached: str | None = None) -> list[tuple[str, str]]:
    """The course of a life with how far it has come: `past`, `now` or `later`; a way out of it follows what was `reached`."""
    if state not in course:
        last = course.index(reached) if reached else 0
        return [*((step, "past") for step in course[: last + 1]), (state, "now")]
    at = course.index(state)
    return [
        (step, "past" if nth < at else "now" if nth == at else "later") for nth, step in enumerate(course)
    ]


@page("/my/contracts/{contract_id}/try", "participants/try.html", signed_in=True)
async def try_use(visit: Visit, contract_id: str) -> Shown:
    """Asks whether a use would be authorised, and by which rule; nothing is counted."""
    at, asked = f"/contracts/{contract_id}", dict(visit.request.query_params)
    record = await visit.ask.get(at)
    shown: dict[str, Any] = {
        "contract": record, "asked": asked, "decision": None, "problem": None, "rules": USE_RULES,
        "names": await names_in(visit, [record]), "onward": urlencode(asked | {"contract_id": contract_id}),
    }  # fmt: skip
    if "purpose" in asked:
        try:
            reply = await visit.ask.send("POST", f"{at}/uses/dry-run", json=_meant(asked))
            shown["decision"] = reply.body
        except Declined as refusal:
            shown["problem"] = refusal.problem
    return shown


def _meant(asked: Mapping[str, str]) -> dict[str, Any]:
    """The use that was typed, as the API takes it; what was left empty is left out."""
    quantity = asked.get("quantity", "1")
    meant = {name: asked[name] for name in ("purpose", "form", "territory") if asked.get(name)}
    return meant | {"quantity": int(quantity) if quantity.isdigit() and len(quantity) < 10 else quantity}
