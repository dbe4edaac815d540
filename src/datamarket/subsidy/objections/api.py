"""/subsidy/objections: what is said against a public list, its decision, what that changed; and the notice of the list."""

from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Response
from pydantic import Field

from datamarket.auth.access import ReadMarket, Settling, Visitor, allow
from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.clock import holidays_known
from datamarket.foundation.db import there
from datamarket.foundation.errors import NotFound
from datamarket.foundation.http import (
    AllowedEvents,
    Body,
    IfMatch,
    Now,
    Page,
    Paging,
    Prose,
    Reading,
    SliceRouter,
    check_tag,
    page_of,
)
from datamarket.foundation.shapes import RowShape, attached
from datamarket.subsidy.objections import actions, notice, queries, rules
from datamarket.subsidy.objections.terms import ObjectionEvent, ObjectionState
from datamarket.subsidy.runs import queries as runs
from datamarket.subsidy.runs.api import HOLIDAYS_KNOWN, name_bundle
from datamarket.subsidy.runs.rules import PUBLIC

router = SliceRouter(prefix="/subsidy", tags=["subsidy"])
FileObjection = Annotated[Actor, allow(Permission.FILE_PAPER)]
MOST_PAPERS = 20
"""Of one objection: their digests are facts of one audit event."""
HTML = "text/html"


class EvidenceIn(Body):
    """A paper that was sent before, and the digest that it must have."""

    paper_id: UUID
    sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )


class AppealIn(Body):
    """Why, and the papers that it stands on."""

    grounds: Prose = Field(examples=["本企业12月的三笔交易未计入净交易额"])
    papers: list[EvidenceIn] = Field(default=[], max_length=MOST_PAPERS)

    @property
    def stated(self) -> dict[UUID, str]:
        return {paper.paper_id: paper.sha256 for paper in self.papers}


class ObjectionIn(AppealIn):
    """Without `line_id` against one's absence; `enterprise_id` only where an officer records it for an enterprise."""

    line_id: UUID | None = Field(
        default=None, description="a line of one's own, or `line_id` of a publicised award"
    )
    enterprise_id: UUID | None = None


class ObjectionEventIn(Body):
    """Each needs a reason; that of `answer` is the answer."""

    event: ObjectionEvent = Field(examples=["answer"])
    reason: Prose | None = Field(default=None, examples=["经核对，三笔交易所在平台当时不合格"])


class ObjectionOut(RowShape):
    """An objection, or with `appeal_of_id` an appeal, as its enterprise and the offices see it."""

    id: UUID
    run_id: UUID
    enterprise_id: UUID
    line_id: UUID | None
    appeal_of_id: UUID | None
    state: ObjectionState
    state_zh: str = Field(examples=["已提出，待决定"])
    state_en: str = Field(examples=["filed, awaiting a decision"])
    grounds: str
    papers: list[UUID]
    filed_at: datetime
    decide_by: date = Field(description="the last day to decide it; nothing is decided by its end")
    answer: str | None
    answered_at: datetime | None
    decision: str | None
    decided_at: datetime | None
    appeal_by: date | None = Field(description="the last day to appeal its rejection")
    holidays_known: bool = Field(description=HOLIDAYS_KNOWN)
    version: int

    @classmethod
    def of(cls, row: Any, **derived: Any) -> Self:
        return super().of(row, holidays_known=holidays_known(row.appeal_by or row.decide_by), **derived)


class ObjectionEventsOut(AllowedEvents[ObjectionState, ObjectionEvent]):
    """What this actor may do with the objection now."""

    events: list[ObjectionEvent] = Field(examples=[["answer", "uphold", "reject"]])


class LineChangeOut(RowShape):
    """One candidate before and after; null where it was or is not on the list, or the rank is not public."""

    clause: str = Field(validation_alias="clause_id")
    candidate: str = Field(validation_alias="candidate_id")
    name: str
    uscc: str
    enterprise_zh: str
    enterprise_en: str
    before_rank: int | None
    before_fen: int | None
    after_rank: int | None
    after_fen: int | None


class OutcomeOut(Page[LineChangeOut]):
    """What an upheld objection changed, and for whom: publicised awards, and the objector's own lines."""

    before_run_id: UUID
    after_run_id: UUID
    before_fen: int | None
    after_fen: int | None
    publicity_to: date | None
    zh: str
    en: str


@router.post("/runs/{run_id}/objections", status_code=201, summary="Object to a public list")
async def file_objection(
    actor: FileObjection, session: Settling, now: Now, run_id: UUID, body: ObjectionIn, response: Response
) -> ObjectionOut:
    """By an enterprise with a line in the run, sales in its year or a case, also a suspended one; until the list's last day."""
    run = await runs.lock_run(session, run_id)
    row = await actions.file_objection(
        session,
        actor,
        run,
        enterprise_id=body.enterprise_id,
        line_id=body.line_id,
        grounds=body.grounds,
        stated=body.stated,
        now=now,
    )
    return ObjectionOut.tagged(row, response)


@router.get("/objections", summary="Objections and appeals")
async def list_objections(
    actor: ReadMarket,
    session: Reading,
    paging: Paging[UUID],
    run: UUID | None = None,
    line: UUID | None = None,
    state: ObjectionState | None = None,
) -> Page[ObjectionOut]:
    """All for overseers, its own for an enterprise; in the order in which they were filed."""
    rows = await queries.list_objections(
        session, visible_to=actor, run=run, line=line, state=state, page=paging
    )
    return page_of(rows, paging, ObjectionOut.of, lambda row: [row.id])


@router.get("/objections/{objection_id}", summary="One objection")
async def get_objection(
    actor: ReadMarket, session: Reading, objection_id: UUID, response: Response
) -> ObjectionOut:
    row = await queries.get_objection(session, objection_id, visible_to=actor)
    return ObjectionOut.tagged(row, response)


@router.post("/objections/{objection_id}/appeals", status_code=201, summary="Appeal a rejection")
async def appeal(
    actor: FileObjection, session: Settling, now: Now, objection_id: UUID, body: AppealIn, response: Response
) -> ObjectionOut:
    """An objection of its own, until the day named in `appeal_by`; decided by who has decided nothing of it."""
    rejected = await queries.get_objection(session, objection_id, visible_to=actor)
    row = await actions.file_appeal(
        session, actor, rejected, grounds=body.grounds, stated=body.stated, now=now
    )
    return ObjectionOut.tagged(row, response)


@router.post("/objections/{objection_id}/events", summary="Answer, decide or withdraw an objection")
async def move_objection(
    actor: ReadMarket,
    session: Settling,
    now: Now,
    objection_id: UUID,
    body: ObjectionEventIn,
    response: Response,
    if_match: IfMatch = None,
) -> ObjectionOut:
    """An office answers, and decides by another account than calculated, filed or decided before; the objector withdraws."""
    row = await queries.lock_objection(session, objection_id, visible_to=actor)
    check_tag(if_match, row.version)
    moved = await actions.move_objection(session, actor, row, body.event, reason=body.reason, now=now)
    return ObjectionOut.tagged(moved, response)


@router.get("/objections/{objection_id}/allowed-events", summary="What may be done with an objection now")
async def allowed_objection_events(
    actor: ReadMarket, session: Reading, objection_id: UUID
) -> ObjectionEventsOut:
    row = await queries.get_objection(session, objection_id, visible_to=actor)
    events = [
        event
        for event in rules.OBJECTION_LIFE.open_in(row.state)
        if rules.may(actor, event, enterprise=row.enterprise_id, filed_by=row.filed_by, barred=row.barred)
    ]
    return ObjectionEventsOut(state=ObjectionState(row.state), events=events)


@router.get("/objections/{objection_id}/outcome", summary="What an upheld objection changed, and for whom")
async def get_outcome(
    actor: ReadMarket, session: Reading, paging: Paging[tuple[str, str]], objection_id: UUID
) -> OutcomeOut:
    """Once the list that was calculated again for everyone is public; not there before."""
    row = await queries.get_objection(session, objection_id, visible_to=actor)
    before = (await runs.get_run(session, row.run_id)).run
    found = await runs.decided_run(session, before.ledger_id, year=before.year, scheme=before.scheme_id)
    after = there(found, "outcome").run
    if row.state != ObjectionState.UPHELD or row.decided_at is None or after.created_at < row.decided_at:
        raise NotFound(thing="outcome")
    rows = await queries.list_changes(session, before.id, after.id, row.enterprise_id, page=paging)
    page = page_of(rows, paging, LineChangeOut.of, lambda change: [change.clause_id, change.candidate_id])
    return OutcomeOut(
        items=page.items,
        next=page.next,
        before_run_id=before.id,
        after_run_id=after.id,
        before_fen=before.total_fen,
        after_fen=after.total_fen,
        publicity_to=after.publicity_to,
        zh=f"异议成立，已对全部申报对象重新测算；新名单公示至 {after.publicity_to}（含），其间仍可提出异议。",
        en=f"The objection was upheld, and everyone was calculated again; the new list is public until {after.publicity_to}"
        " inclusive, and may be objected to until then.",
    )


@router.get(
    "/runs/{run_id}/notice.html",
    summary="The notice of a public list, in Chinese, to print",
    response_class=Response,
    responses={200: {"content": {HTML: {"schema": {"type": "string"}}}}, 409: {}},
)
async def get_notice(caller: Visitor, session: Reading, run_id: UUID) -> Response:
    """Amounts, ranks, the last day and how to object; open to everyone as the list is, and before to overseers."""
    view = await runs.get_run(session, run_id)
    if view.run.state not in PUBLIC and not (caller and caller.sees_all):
        raise NotFound(thing="run")
    content = await notice.notice_of(session, view)
    response = attached(content.encode(), HTML, f"{view.run.scheme_id}-{view.run.year}.html")
    name_bundle(response, view)
    return response
