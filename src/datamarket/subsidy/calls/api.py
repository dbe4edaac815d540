"""/subsidy/calls and /subsidy/applications: who asks for an award, with which papers, and what became of it."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import Field

from datamarket.auth.access import ReadMarket, allow
from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.http import (
    AllowedEvents,
    Body,
    BoolIn,
    DateIn,
    FenIn,
    IfMatch,
    Now,
    Page,
    Paging,
    PositiveFenIn,
    Prose,
    QuantityIn,
    Reading,
    Shape,
    ShortText,
    SliceRouter,
    Writing,
    check_tag,
    page_of,
)
from datamarket.foundation.shapes import RowShape
from datamarket.subsidy.calls import actions, queries, rules
from datamarket.subsidy.calls.terms import (
    ApplicationEvent,
    ApplicationState,
    Declaration,
    Declared,
    DeclaredKind,
)
from datamarket.subsidy.papers import queries as papers
from datamarket.subsidy.register import queries as register
from datamarket.subsidy.runs import queries as runs
from datamarket.subsidy.runs.api import YearQuery

router = SliceRouter(prefix="/subsidy", tags=["subsidy"])
OpenCall = Annotated[Actor, allow(Permission.CALCULATE_SUBSIDY)]
MoveApplication = Annotated[Actor, allow(Permission.FILE_PAPER)]
MOST_PAPERS = 20
"""That a call asks for, and that one application names."""
MOST_DECLARED = 400
"""Of one list, so that a body stays within its nodes: above `rules.MOST_ITEMS`, which refuses with its own sentence."""


class CallIn(Body):
    """A scheme version, a year of awards, and the days on which applications are taken."""

    scheme: str = Field(pattern=r"^[a-z][a-z0-9-]{0,63}$", examples=["qd-data-element"])
    version: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = Field(examples=[1])
    year: Annotated[int, Field(strict=True, ge=2000, le=2999)] = Field(examples=[2024])
    opens_on: DateIn = Field(examples=["2025-01-06"])
    closes_on: DateIn = Field(description="the last day on which they are taken", examples=["2025-02-28"])
    papers: list[ShortText] = Field(max_length=MOST_PAPERS, examples=[["项目投资额专项审计报告"]])
    district_step: BoolIn = Field(
        default=False, description="whether the district passes an application first"
    )


class CallOut(RowShape):
    """A call for applications."""

    id: UUID
    scheme: str = Field(validation_alias="scheme_id")
    scheme_version_id: UUID
    year: int
    opens_on: date
    closes_on: date
    papers: list[str]
    district_step: bool
    created_at: datetime


class ApplicationIn(Body):
    """For which case of the caller's enterprise."""

    case_id: UUID


class ProposalIn(Body):
    """From which calculated run."""

    run_id: UUID


class ProposalOut(Shape):
    """How many awards now wait for a confirmation that did not before."""

    proposed: int


class PaperNamedIn(Body):
    """A paper that was sent, under the name that the call gives it."""

    name: ShortText = Field(examples=["项目投资额专项审计报告"])
    paper_id: UUID


class _DeclaredIn(Body):
    """What invoices and contracts have in common; `paper_id` is a paper that the enterprise has sent."""

    number: ShortText = Field(examples=["24372000000012345678"])
    seller_uscc: str = Field(min_length=1, max_length=18, examples=["91370200MA3TC3HY1W"])
    amount_fen: PositiveFenIn = Field(description="claimed for the project", examples=[120_000_000])
    issued_on: DateIn = Field(examples=["2024-03-01"])
    purpose: ShortText = Field(examples=["数据采购"])
    paper_id: UUID


class InvoiceIn(_DeclaredIn):
    """An invoice; one that is fully digitalised has twenty digits and no code."""

    invoice_code: str | None = Field(default=None, pattern=r"^([0-9]{10}|[0-9]{12})$")


class ProjectContractIn(_DeclaredIn):
    """A project contract; of one of this market its id, and how often it is said to have delivered."""

    number: ShortText = Field(examples=["QD-2024-017"])
    contract_id: UUID | None = None
    deliveries: QuantityIn | None = Field(default=None, examples=[12])


class DeclarationIn(Body):
    """What the application claims; at most 200 invoices and contracts together."""

    investment_fen: FenIn = Field(description="of the project", examples=[333_333_333])
    invoices: list[InvoiceIn] = Field(default=[], max_length=MOST_DECLARED)
    contracts: list[ProjectContractIn] = Field(default=[], max_length=MOST_DECLARED)

    def told(self) -> Declaration:
        invoices = [Declared(kind=DeclaredKind.INVOICE, **dict(item)) for item in self.invoices]
        contracts = [Declared(kind=DeclaredKind.CONTRACT, **dict(item)) for item in self.contracts]
        return Declaration(self.investment_fen, [*invoices, *contracts])


class DeclaredItemOut(RowShape):
    """An invoice or project contract that an application claims."""

    id: UUID
    submission: int
    kind: DeclaredKind
    kind_zh: str
    kind_en: str
    number: str
    invoice_code: str | None
    seller_uscc: str
    amount_fen: int
    issued_on: date
    purpose: str
    paper_id: UUID
    contract_id: UUID | None
    deliveries: int | None
    declared_at: datetime


class ApplicationEventIn(Body):
    """`papers` and `declaration` go with `submit`, `investment_fen` and `paper_id` (the audit) with `verify`, a reason with `return` and `reject`."""

    event: ApplicationEvent = Field(examples=["submit"])
    papers: list[PaperNamedIn] = Field(default=[], max_length=MOST_PAPERS)
    declaration: DeclarationIn | None = Field(
        default=None, description="null: what an earlier submission declared stays"
    )
    investment_fen: FenIn | None = None
    paper_id: UUID | None = None
    reason: Prose | None = None


class ApplicationOut(RowShape):
    """An application for a case, or a proposed award (`clause_id`, `line_id`) that its enterprise confirms."""

    id: UUID
    call_id: UUID
    enterprise_id: UUID
    case_id: UUID | None
    clause_id: str | None
    line_id: UUID | None
    state: ApplicationState
    state_zh: str
    state_en: str
    papers: dict[str, UUID]
    declared_fen: int | None
    submission: int = Field(description="how often something was declared; the newest stands")
    reason: str | None
    submitted_at: datetime | None
    created_at: datetime
    version: int


class ApplicationEventsOut(AllowedEvents[ApplicationState, ApplicationEvent]):
    """What this actor may do with the application now."""

    events: list[ApplicationEvent] = Field(examples=[["submit", "withdraw"]])


@router.post("/calls", status_code=201, summary="Open a call for applications")
async def open_call(actor: OpenCall, session: Writing, now: Now, body: CallIn) -> CallOut:
    """One a scheme version and year."""
    version = await register.get_version(session, body.scheme, body.version)
    entry = {name: value for name, value in body if name not in {"scheme", "version"}}
    return CallOut.of(await actions.open_call(session, actor, version, **entry, now=now))


@router.get("/calls", summary="Calls for applications")
async def list_calls(
    actor: ReadMarket, session: Reading, paging: Paging[UUID], year: YearQuery | None = None
) -> Page[CallOut]:
    """Newest first."""
    rows = await queries.list_calls(session, year=year, page=paging)
    return page_of(rows, paging, CallOut.of, lambda call: [call.id])


@router.get("/calls/{call_id}", summary="One call")
async def get_call(actor: ReadMarket, session: Reading, call_id: UUID) -> CallOut:
    return CallOut.of(await queries.get_call(session, call_id))


@router.post("/calls/{call_id}/proposals", status_code=201, summary="Propose awards without application")
async def propose_awards(
    actor: OpenCall, session: Writing, now: Now, call_id: UUID, body: ProposalIn
) -> ProposalOut:
    """免申即享: what a calculated run would give an enterprise itself waits for nothing but its confirmation."""
    call = await queries.get_call(session, call_id)
    run = (await runs.get_run(session, body.run_id)).run
    return ProposalOut(proposed=await actions.propose_awards(session, actor, call, run, now=now))


@router.post("/calls/{call_id}/applications", status_code=201, summary="Begin an application")
async def begin_application(
    actor: MoveApplication,
    session: Writing,
    now: Now,
    call_id: UUID,
    body: ApplicationIn,
    response: Response,
) -> ApplicationOut:
    """A draft, for a case of the caller's own enterprise."""
    call = await queries.get_call(session, call_id)
    row = await actions.begin_application(session, actor, call, case_id=body.case_id, now=now)
    return ApplicationOut.tagged(row, response)


@router.get("/applications", summary="Applications")
async def list_applications(
    actor: ReadMarket,
    session: Reading,
    paging: Paging[UUID],
    call: UUID | None = None,
    state: ApplicationState | None = None,
) -> Page[ApplicationOut]:
    """All for overseers, its own for an enterprise; in the order in which they were begun."""
    rows = await queries.list_applications(session, visible_to=actor, call=call, state=state, page=paging)
    return page_of(rows, paging, ApplicationOut.of, lambda row: [row.id])


@router.get("/applications/{application_id}", summary="One application")
async def get_application(
    actor: ReadMarket, session: Reading, application_id: UUID, response: Response
) -> ApplicationOut:
    row = await queries.get_application(session, application_id, visible_to=actor)
    return ApplicationOut.tagged(row, response)


@router.post("/applications/{application_id}/events", summary="Move an application")
async def move_application(
    actor: MoveApplication,
    session: Writing,
    now: Now,
    application_id: UUID,
    body: ApplicationEventIn,
    response: Response,
    if_match: IfMatch = None,
) -> ApplicationOut:
    """The enterprise submits, withdraws and confirms; the authority returns, passes, verifies and rejects."""
    row = await queries.lock_application(session, application_id, visible_to=actor)
    check_tag(if_match, row.version)
    paper = body.paper_id and await papers.get_paper(session, body.paper_id, visible_to=actor)
    moved = await actions.move_application(
        session,
        actor,
        row,
        body.event,
        papers={named.name: named.paper_id for named in body.papers},
        declaration=body.declaration.told() if body.declaration else None,
        investment_fen=body.investment_fen,
        paper=paper or None,
        reason=body.reason,
        now=now,
    )
    return ApplicationOut.tagged(moved, response)


@router.get("/applications/{application_id}/declared-items", summary="What an application declares")
async def list_declared_items(
    actor: ReadMarket, session: Reading, application_id: UUID, paging: Paging[UUID]
) -> Page[DeclaredItemOut]:
    """The invoices and contracts of its newest submission."""
    row = await queries.get_application(session, application_id, visible_to=actor)
    items = await queries.list_declared(session, row, paging)
    return page_of(items, paging, DeclaredItemOut.of, lambda item: [item.id])


@router.get("/applications/{application_id}/allowed-events", summary="What may be done with it now")
async def allowed_application_events(
    actor: ReadMarket, session: Reading, application_id: UUID
) -> ApplicationEventsOut:
    row = await queries.get_application(session, application_id, visible_to=actor)
    step = (await queries.get_call(session, row.call_id)).district_step
    events = [
        event
        for event in rules.events_open(row.state, district_step=step)
        if rules.may(actor, event, enterprise=row.enterprise_id, passed_by=row.passed_by)
    ]
    return ApplicationEventsOut(state=ApplicationState(row.state), events=events)
