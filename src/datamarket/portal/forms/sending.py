"""A form for every write of the API: `/form` + its path. What is refused is shown again as it was typed."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.responses import RedirectResponse, Response

from datamarket.portal.asking import Declined, Reply
from datamarket.portal.desk.reading import WRITES, names_in, read_document
from datamarket.portal.forms.filling import BLANK_ROWS, MOST_ROWS, Blank, Filler, place_faults
from datamarket.portal.operations import ApiDocument, Operation
from datamarket.portal.pages import Shown, home_of, page, render
from datamarket.portal.sessions import Visit, local
from datamarket.portal.words.tongues import Tongue

_OF_A_THING = ("/events", "/offers", "/secret", "/replay", "/password")
"""Writes one word below the thing that they move."""
CHOSEN_FROM = {
    "enterprise_id": "/participants",
    "controller_id": "/participants",
    "participant_id": "/participants",
    "operator_id": "/participants",
    "owner_id": "/participants",
    "supplying_unit_id": "/participants",
    "zone_id": "/zones",
    "venue_id": "/venues",
    "product_id": "/products",
    "case_id": "/subsidy/cases",
    "run_id": "/subsidy/runs",
    "supersedes": "/subsidy/runs",
    "scheme": "/subsidy/schemes",
}
"""The list in which one looks for what a field names."""
PAGES_READ = 10
"""Of such a list; in a longer one nobody finds anything, and the id is typed."""


@dataclass
class Sent:
    """One write: where it goes, its fields, and the thing that it is about with the tag of what was read."""

    path: str
    operation: Operation
    filler: Filler
    blanks: list[Blank]
    thing: str
    record: dict[str, Any] | None
    tag: str
    key: str
    home: str
    next: str = ""
    names: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    """What the ids of the thing are called."""

    def page(self, visit: Visit, refusal: Declined | None = None) -> Response:
        problem = refusal.problem if refusal else {}
        others = place_faults(self.blanks, problem) if refusal else []
        status = refusal.status if refusal else 200
        return render(visit, "forms/form.html", status, form=self, problem=problem, others=others)

    async def send(self, visit: Visit, body: dict[str, Any]) -> Reply:
        """Raises Declined."""
        headers = {"Idempotency-Key": self.key} if self.operation.takes_key else {}
        if self.tag:
            headers["If-Match"] = self.tag
        more: dict[str, Any] = {"json": body} if self.operation.body else {}
        return await visit.ask.send(self.operation.method, self.path, headers=headers, **more)

    def landing(self, document: ApiDocument, answer: Any) -> str | None:
        """Where one goes when it is done: back, to what was made, or to what it was about; none where only the answer tells."""
        made = answer.get("id") if isinstance(answer, dict) and self.operation.method == "POST" else None
        place = document.place_of(self.path, made) if made and self.thing == self.path else None
        if place is None and (self.thing != self.path or document.find(self.path, "GET")):
            place = self.home
        return local(self.next, home_of(place or "")) if self.next or place is not None else None


@page("/form/{path:path}", signed_in=True)
async def blank_form(visit: Visit, path: str) -> Shown:
    """The fields of a write, with what the address says already standing in them."""
    sent = await _opened(visit, f"/{path}", FormData())
    return sent.page(visit)


@page("/form/{path:path}", methods=("POST",))
async def send_form(visit: Visit, path: str) -> Shown:
    """Sends what was typed. A refusal shows the same form with the API's sentences beside the fields."""
    typed = await visit.read_form()
    if visit.who is None:
        kept = {name: str(one) for name, one in typed.multi_items() if not isinstance(one, UploadFile)}
        return render(
            visit, "entrance/sign_in.html", 401, next=visit.path, kept=kept, problem=None, username=""
        )
    sent = await _opened(visit, f"/{path}", typed)
    texts = {
        name: [str(one) for one in typed.getlist(name) if not isinstance(one, UploadFile)] for name in typed
    }
    body = sent.filler.read(sent.blanks, texts)
    if typed.get("resume"):
        return sent.page(visit)
    try:
        await _take_files(visit, sent, typed, body)
        reply = await sent.send(visit, body)
    except Declined as refusal:
        return sent.page(visit, refusal)
    landing = sent.landing(await read_document(visit), reply.body) if sent.operation.takes_key else None
    if landing is not None:
        return RedirectResponse(landing, 303)
    return render(
        visit, "forms/answer.html", form=sent, answer=reply.body, names=await names_in(visit, [reply.body])
    )


async def _opened(visit: Visit, path: str, typed: FormData) -> Sent:
    """The form of the operation at a path, as it stands before anything is typed. Raises Declined."""
    document, preset = await read_document(visit), dict(visit.request.query_params)
    asked = preset.pop("method", "").upper()
    operation = document.find(path, *([asked] if asked in WRITES else WRITES))
    if operation is None:
        raise Declined(404, {})
    asked_rows = preset.pop("rows", "")
    rows = min(int(asked_rows), MOST_ROWS) if asked_rows.isdecimal() else BLANK_ROWS
    thing = path.rpartition("/")[0] if path.endswith(_OF_A_THING) else path
    read = await _read_thing(visit, thing) if document.find(thing, "GET") else None
    record = read.body if read and "items" not in read.body else None
    filler = Filler(document, Tongue(visit.language), rows)
    back = str(typed.get("next", preset.pop("next", "")))
    given = record if operation.method == "PATCH" and record else preset
    blanks = filler.blanks(operation.body, given) if operation.body else []
    sent = Sent(
        path, operation, filler, blanks, thing, record,
        tag=str(typed.get("tag", (read.headers.get("etag") or "") if read and record else "")),
        key=str(typed.get("key", "")), home=document.nearest(thing), next=back,
    )  # fmt: skip
    await _offer(visit, sent)
    return sent


async def _read_thing(visit: Visit, path: str) -> Reply | None:
    try:
        return await visit.ask.send("GET", path)
    except Declined as refusal:
        if refusal.status == 404:
            raise
        return None


async def _offer(visit: Visit, sent: Sent) -> None:
    """What may be chosen: the events open to this caller, and the things that a field may name."""
    lists: dict[str, list[tuple[str, str]]] = {}
    fields = [part for one in sent.blanks for part in one.walk()]
    for blank in fields:
        source = CHOSEN_FROM.get(blank.name.rpartition(".")[2])
        if blank.name == "event" and sent.path.endswith("/events"):
            allowed = await visit.ask.find(f"{sent.thing}/allowed-events")
            if allowed:
                blank.options = [option for option in blank.options if option[0] in allowed["events"]]
        elif source and blank.kind in {"id", "line"}:
            if source not in lists:
                lists[source] = await _choices(visit, source)
            known = blank.value in {value for value, _ in lists[source]} or not (
                blank.value and lists[source]
            )
            blank.options = lists[source] if known else [(blank.value, blank.value), *lists[source]]
    unnamed = [blank for blank in fields if blank.kind == "id" and blank.value and not blank.options]
    sent.names = await names_in(
        visit, [{"named": [blank.value for blank in unnamed]}, *([sent.record] if sent.record else [])]
    )
    for blank in unnamed:
        if blank.value in sent.names:
            blank.options = [(blank.value, Tongue(visit.language).of(sent.names[blank.value]))]


async def _choices(visit: Visit, source: str) -> list[tuple[str, str]]:
    """All of a list, or nothing where it is too long to be looked through."""
    found: list[tuple[str, str]] = []
    after = None
    for _ in range(PAGES_READ):
        page_of = await visit.ask.find(source, limit=100, after=after) or {"items": [], "next": None}
        found += [_option(one, visit) for one in page_of["items"]]
        if (after := page_of["next"]) is None:
            return found
    return []


def _option(one: Mapping[str, Any], visit: Visit) -> tuple[str, str]:
    words = Tongue(visit.language)
    name = words.of(dict(one), "title" if "title_zh" in one else "name")
    told = " · ".join(str(one[part]) for part in ("code", "scheme", "year") if one.get(part))
    return str(one["id"]), f"{name} {told}".strip("– ")


async def _take_files(visit: Visit, sent: Sent, typed: FormData, body: dict[str, Any]) -> None:
    """A file that was chosen for a field is sent as a paper, or read as text, and stands in the body. Raises Declined."""
    is_paper = {"content", "media_type", "sha256"} <= {blank.name for blank in sent.blanks}
    for name, file in typed.multi_items():
        if not isinstance(file, UploadFile) or not file.filename:
            continue
        content = await file.read()
        place, last = _place(body, name.removesuffix(".file").split("."))
        if last == "paper_id":
            place[last] = await _sent_paper(visit, file, content, typed)
            if "objections" in visit.path:
                place["sha256"] = hashlib.sha256(content).hexdigest()
        elif is_paper:
            place |= _paper(file, content) | ({"name": place["name"]} if place.get("name") else {})
        else:
            place[last] = content.decode("utf-8-sig", "replace")


def _place(body: dict[str, Any], parts: Sequence[str]) -> tuple[Any, str]:
    """Where in a body a value belongs; rows and groups that are not there yet are made."""
    place: Any = body
    for part, after in pairwise(parts):
        made: Any = [] if after.isdigit() else {}
        if isinstance(place, list):
            while len(place) <= int(part):
                place.append({})
            place = place[int(part)]
        else:
            place = place.setdefault(part, made)
    return place, parts[-1]


def _paper(file: UploadFile, content: bytes) -> dict[str, str | None]:
    return {
        "name": file.filename,
        "media_type": file.content_type,
        "sha256": hashlib.sha256(content).hexdigest(),
        "content": base64.b64encode(content).decode(),
    }


async def _sent_paper(visit: Visit, file: UploadFile, content: bytes, typed: FormData) -> str:
    """The id of a paper with this content. Raises Declined."""
    paper = _paper(file, content)
    key = f"{typed.get('key', '')}-{str(paper['sha256'])[:16]}"
    reply = await visit.ask.send("POST", "/subsidy/papers", json=paper, headers={"Idempotency-Key": key})
    return str(reply.body["id"])
