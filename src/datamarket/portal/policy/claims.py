"""What is asked, objected to and taken back: calls, applications, objections, recoveries, and the lists of them."""

from typing import Any

from datamarket.portal.asking import Declined
from datamarket.portal.desk.reading import names_in, read_document
from datamarket.portal.pages import Shown, page
from datamarket.portal.sessions import Visit
from datamarket.portal.words.columns import sheet_of

LISTS: dict[str, tuple[str, ...]] = {
    "calls": ("scheme", "year", "opens_on", "closes_on", "papers", "district_step"),
    "applications": ("enterprise_id", "case_id", "clause_id", "state", "declared_fen", "submitted_at"),
    "objections": ("enterprise_id", "grounds", "state", "filed_at", "decide_by", "appeal_by"),
    "recoveries": ("enterprise_id", "cause", "state", "amount_fen", "received_fen", "open_fen", "next"),
    "studies": ("scheme", "year", "question", "created_by", "created_at"),
    "schemes": ("title", "id", "created_at"),
}
"""The lists of the desk: what each shows of a thing."""


async def show_list(visit: Visit) -> Shown:
    """One of the lists; each row leads to its own page."""
    noun = visit.request.url.path.rpartition("/")[2]
    document, at = await read_document(visit), f"/subsidy/{noun}"
    operation = document.find(at, "GET")
    if operation is None:
        raise Declined(404, {})
    asked = dict(visit.request.query_params)
    answer = await visit.ask.get(at, **({"limit": "50"} | asked))
    return {
        "noun": noun,
        "operation": operation,
        "document": document,
        "answer": answer,
        "asked": asked,
        "columns": LISTS[noun],
        "kinds": sheet_of(document, operation).kinds,
        "names": await names_in(visit, answer["items"]),
    }


for _noun in LISTS:
    page(f"/policy/{_noun}", "policy/list.html", signed_in=True)(show_list)


@page("/policy/objections/{objection_id}", "policy/objection.html", signed_in=True)
async def show_objection(visit: Visit, objection_id: str) -> Shown:
    """What is said against a list, its decision, and what that changed for whom."""
    at = f"/subsidy/objections/{objection_id}"
    objection, allowed = await visit.ask.get_all(at, f"{at}/allowed-events")
    line = objection["line_id"]
    return {
        "objection": objection,
        "allowed": allowed["events"],
        "outcome": await visit.ask.find(f"{at}/outcome", limit=100),
        "about": await visit.ask.find(f"/subsidy/lines/{line}/explanation") if line else None,
        "run": await visit.ask.find(f"/subsidy/runs/{objection['run_id']}"),
        "names": await names_in(visit, [objection]),
    }


@page("/policy/recoveries/{recovery_id}", "policy/recovery.html", signed_in=True)
async def show_recovery(visit: Visit, recovery_id: str) -> Shown:
    """Why an award comes back, by which plan, and what came in."""
    at = f"/subsidy/recoveries/{recovery_id}"
    recovery, allowed = await visit.ask.get_all(at, f"{at}/allowed-events")
    return {
        "recovery": recovery,
        "allowed": allowed["events"],
        "about": await visit.ask.find(f"/subsidy/lines/{recovery['line_id']}/explanation"),
        "names": await names_in(visit, [recovery]),
    }


@page("/policy/calls/{call_id}", "policy/call.html", signed_in=True)
async def show_call(visit: Visit, call_id: str) -> Shown:
    """A call with the applications that it got, each with what this caller may do next."""
    state = visit.request.query_params.get("state", "")
    call, found = await visit.ask.get_all(
        f"/subsidy/calls/{call_id}",
        f"/subsidy/applications?call={call_id}&limit=50" + (f"&state={state}" if state else ""),
    )
    return {
        "call": call,
        "found": found,
        "asked": {"state": state} if state else {},
        "steps": await _steps(visit, found["items"]),
        "names": await names_in(visit, found["items"]),
    }


async def _steps(visit: Visit, applications: list[dict[str, Any]]) -> dict[str, list[str]]:
    """What may be done with each, by id."""
    told = await visit.ask.get_all(
        *(f"/subsidy/applications/{one['id']}/allowed-events" for one in applications)
    )
    return {one["id"]: step["events"] for one, step in zip(applications, told, strict=True)}


@page("/policy/applications/{application_id}", "policy/application.html", signed_in=True)
async def show_application(visit: Visit, application_id: str) -> Shown:
    """What is claimed, on which invoices and papers, and the next step."""
    at = f"/subsidy/applications/{application_id}"
    application, items, allowed = await visit.ask.get_all(
        at, f"{at}/declared-items?limit=100", f"{at}/allowed-events"
    )
    case = application["case_id"]
    return {
        "application": application,
        "items": items,
        "allowed": allowed["events"],
        "call": await visit.ask.find(f"/subsidy/calls/{application['call_id']}"),
        "case": await visit.ask.find(f"/subsidy/cases/{case}") if case else None,
        "names": await names_in(visit, [application, items]),
    }
