"""The desk: what waits, and every list, thing and file that the API shows to this caller.

`/desk` + a path of the API shows what it answers, `/file` + a path hands out the file that it answers.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from fastapi import Response
from starlette.concurrency import run_in_threadpool

from datamarket.foundation.clock import business_date
from datamarket.portal.asking import Declined
from datamarket.portal.operations import ApiDocument, Operation, document_of
from datamarket.portal.pages import Shown, page, render, sign_in_first
from datamarket.portal.sessions import Visit
from datamarket.portal.words.columns import sheet_of

EMPTY: Mapping[str, Any] = {"items": [], "next": None}
WRITES = ("POST", "PATCH", "DELETE")


@page("/desk", "desk/desk.html", signed_in=True)
async def desk(visit: Visit) -> Shown:
    """What waits for the caller, until when, and what happens then; of an organisation its balances and contracts too."""
    matters = await visit.ask.find("/inbox", limit=50, after=visit.request.query_params.get("after"))
    own = visit.who and visit.who["participant_id"]
    accounts = await visit.ask.find("/ledger/accounts", owner=own, limit=10) if own else None
    contracts = await visit.ask.find("/contracts", limit=100) if own else None
    states = Counter(one["state"] for one in (contracts or EMPTY)["items"])
    shown = (matters or EMPTY)["items"]
    return {
        "matters": shown, "next": (matters or EMPTY)["next"], "names": await names_in(visit, shown),
        "accounts": (accounts or EMPTY)["items"], "contracts": sorted(states.items()),
    }  # fmt: skip


async def read_document(visit: Visit) -> ApiDocument:
    return await run_in_threadpool(document_of, visit.request.app)


@page("/desk/{path:path}", signed_in=True)
async def read(visit: Visit, path: str) -> Shown:
    """A list as a table, a thing as a sheet with all that may be done with it."""
    document, at = await read_document(visit), f"/{path}"
    operation = document.find(at, "GET")
    if operation is None or operation.answer is None:
        raise Declined(404, {})
    given = {name: value for name, value in visit.request.query_params.items() if name != "done"}
    asked = _assumed(visit, document, operation) | given
    shown: dict[str, Any] = {"path": at, "operation": operation, "document": document, "asked": asked}
    if _lacks(operation, given):
        return render(visit, "desk/asking.html", **shown, problem=None)
    try:
        reply = await visit.ask.send(
            "GET", at, params={name: value for name, value in asked.items() if value}
        )
    except Declined as refusal:
        if not operation.filters or refusal.status not in {404, 422}:
            raise
        return render(visit, "desk/asking.html", refusal.status, **shown, problem=refusal.problem)
    sheet, answered = sheet_of(document, operation), reply.body
    shown["sheet"] = sheet
    if isinstance(answered, dict) and isinstance(answered.get("items"), list):
        names = await names_in(visit, answered["items"])
        return render(
            visit,
            "desk/list.html",
            **shown,
            answer=answered,
            names=names,
            writes=_makes(visit, document, at),
        )
    asking = document.find(f"{at}/allowed-events", "GET")
    has_life = asking is not None and asking.template.endswith("/allowed-events")
    allowed = await visit.ask.find(f"{at}/allowed-events") if has_life else None
    return render(
        visit, "desk/record.html", **shown, record=answered, names=await names_in(visit, [answered]),
        allowed=(allowed or {"events": []})["events"], below=_below(document, operation), writes=_makes(visit, document, at),
    )  # fmt: skip


def _assumed(visit: Visit, document: ApiDocument, operation: Operation) -> dict[str, str]:
    """Of a day that has to be named, today."""
    today = business_date(visit.request.app.state.read_clock()).isoformat()
    return {
        one["name"]: today
        for one in operation.filters
        if one.get("required") and document.resolved(one["schema"]).get("format") == "date"
    }


def _lacks(operation: Operation, asked: Mapping[str, str]) -> bool:
    return any(one.get("required") and not asked.get(one["name"]) for one in operation.filters)


def _makes(visit: Visit, document: ApiDocument, path: str) -> list[Operation]:
    """What this caller may write here, or one word below, other than events."""
    here = [document.find(path, method) for method in WRITES]
    below = [
        found
        for found in document.below(_template(document, path), "POST")
        if not found.template.endswith("/events")
    ]
    return [found for found in [*here, *below] if found is not None and visit.may(found.permission)]


def _template(document: ApiDocument, path: str) -> str:
    found = document.find(path, "GET")
    return found.template if found else path


def _below(document: ApiDocument, operation: Operation) -> list[Operation]:
    """Lists and files that belong to a thing."""
    return [
        found
        for found in document.below(operation.template, "GET")
        if not found.template.endswith("/allowed-events")
    ]


async def listed(visit: Visit, path: str, **always: Any) -> Shown:
    """A list as the address of the page asks for it, and as it is `always` asked; days that bound it are those of the market."""
    asked = {name: value for name, value in visit.request.query_params.items() if value}
    days = {name: f"{asked[name]}T00:00:00+08:00" for name in ("since", "until") if name in asked}
    answer = await visit.ask.get(path, **asked | days | always)
    return {"answer": answer, "asked": asked, "names": await names_in(visit, answer["items"])}


async def names_in(visit: Visit, things: list[Any]) -> Mapping[str, dict[str, Any]]:
    """What the ids in these documents are called, as far as this caller may see it; by id."""
    ids = sorted({one for thing in things for one in _ids(thing)})
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(ids), 100):
        answer = await visit.ask.find("/names", id=ids[start : start + 100])
        found |= {item["id"]: item for item in (answer or {"items": []})["items"]}
    return found


def _ids(value: Any, name: str = "") -> list[str]:
    if isinstance(value, dict):
        return [one for inner, part in value.items() for one in _ids(part, inner)]
    if isinstance(value, list):
        return [one for part in value for one in _ids(part, name)]
    is_id = isinstance(value, str) and len(value) == 36 and value.count("-") == 4
    return [value] if (is_id and name != "id") or (name == "scheme" and isinstance(value, str)) else []


@page("/file/{path:path}")
async def hand_out(visit: Visit, path: str) -> Shown:
    """The file at a path of the API, under the name that it has there."""
    try:
        reply = await visit.ask.send("GET", f"/{path}", params=dict(visit.request.query_params))
    except Declined as refusal:
        if refusal.status == 401:
            return sign_in_first(visit)
        raise
    kept = {
        name: reply.headers[name] for name in ("content-type", "content-disposition") if name in reply.headers
    }
    guards = {
        "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    }
    return Response(reply.content, headers=kept | guards)
