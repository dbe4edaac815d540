"""/subsidy/schemes: scheme files, their versions and approval, and the budget of a year."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Response
from pydantic import Field, StringConstraints

from datamarket.auth.access import ReadSubsidy, allow
from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.http import (
    NO_NUL,
    AllowedEvents,
    Body,
    FenIn,
    IfMatch,
    Now,
    Page,
    Paging,
    Reading,
    Seen,
    SliceRouter,
    Writing,
    check_tag,
    page_of,
)
from datamarket.foundation.shapes import RowShape
from datamarket.subsidy.register import actions, queries
from datamarket.subsidy.register.rules import SCHEME_LIFE
from datamarket.subsidy.register.terms import SchemeEvent, SchemeState
from datamarket.subsidy.scheme.document import json_schema
from datamarket.subsidy.scheme.files import read_scheme

router = SliceRouter(prefix="/subsidy/schemes", tags=["subsidy"])
DraftScheme = Annotated[Actor, allow(Permission.CALCULATE_SUBSIDY)]
ApproveScheme = Annotated[Actor, allow(Permission.APPROVE_SUBSIDY)]
SetBudget = Annotated[Actor, allow(Permission.PAY_SUBSIDY)]
SchemeId = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9-]*$")]
SchemeNumber = Annotated[int, Path(ge=1, le=1_000_000)]
YearPath = Annotated[int, Path(ge=2000, le=2999)]
SchemeText = Annotated[str, StringConstraints(min_length=1, max_length=400_000, pattern=NO_NUL), Seen]


class SchemeOut(RowShape):
    """A scheme, by its id in the file."""

    id: str = Field(examples=["qd-data-element"])
    title_zh: str
    title_en: str
    created_at: datetime


class SchemeVersionIn(Body):
    """A scheme file, as text."""

    content: SchemeText = Field(examples=["format: subsidy-scheme/1\nid: qd-data-element\n"])


class SchemeVersionEventIn(Body):
    """Approve a draft, or retire a version."""

    event: SchemeEvent = Field(examples=["approve"])


class SchemeVersionOut(RowShape):
    """A version of a scheme; `authored_by` is null when it came with the product."""

    scheme: str = Field(validation_alias="scheme_id")
    n: int
    sha256: str
    state: SchemeState
    state_zh: str = Field(examples=["已批准"])
    state_en: str = Field(examples=["approved"])
    authored_by: UUID | None = Field(validation_alias="actor_id")
    approved_by: UUID | None
    approved_at: datetime | None
    created_at: datetime
    version: int


class SchemeVersionEventsOut(AllowedEvents[SchemeState, SchemeEvent]):
    """What this actor may do with the version now."""

    events: list[SchemeEvent] = Field(examples=[["approve", "retire"]])


class BudgetIn(Body):
    amount_fen: FenIn = Field(examples=[500_000_000])


class BudgetOut(RowShape):
    """The pool of a year, and what approved runs have taken of it."""

    scheme: str = Field(validation_alias="scheme_id")
    year: int
    amount_fen: int
    committed_fen: int
    version: int


@router.get("", summary="Schemes")
async def list_schemes(actor: ReadSubsidy, session: Reading, paging: Paging[str]) -> Page[SchemeOut]:
    """In the order of their ids."""
    rows = await queries.list_schemes(session, page=paging)
    return page_of(rows, paging, SchemeOut.of, lambda scheme: [scheme.id])


@router.get("/{scheme_id}/versions", summary="Versions of a scheme")
async def list_versions(
    actor: ReadSubsidy, session: Reading, paging: Paging[int], scheme_id: SchemeId
) -> Page[SchemeVersionOut]:
    """Newest first."""
    await queries.get_scheme(session, scheme_id)
    rows = await queries.list_versions(session, scheme_id, page=paging)
    return page_of(rows, paging, SchemeVersionOut.of, lambda version: [version.n])


@router.post("/{scheme_id}/versions", status_code=201, summary="Propose a version")
async def propose_version(
    actor: DraftScheme,
    session: Writing,
    now: Now,
    scheme_id: SchemeId,
    body: SchemeVersionIn,
    response: Response,
) -> SchemeVersionOut:
    """Read whole or refused with the line of its first mistake; one draft of a scheme is open at a time."""
    version = await actions.propose_version(session, actor, scheme_id, content=body.content, now=now)
    return SchemeVersionOut.tagged(version, response)


@router.get("/{scheme_id}/versions/{n}", summary="One version of a scheme")
async def get_version(
    actor: ReadSubsidy, session: Reading, scheme_id: SchemeId, n: SchemeNumber, response: Response
) -> SchemeVersionOut:
    return SchemeVersionOut.tagged(await queries.get_version(session, scheme_id, n), response)


@router.get(
    "/{scheme_id}/versions/{n}/file",
    summary="The scheme file",
    response_class=Response,
    responses={200: {"content": {"application/yaml": {"schema": {}}}}},
)
async def get_file(actor: ReadSubsidy, session: Reading, scheme_id: SchemeId, n: SchemeNumber) -> Response:
    """Byte for byte, as it was approved."""
    version = await queries.get_version(session, scheme_id, n)
    return Response(
        version.content, media_type="application/yaml", headers={"X-Scheme-SHA256": version.sha256}
    )


@router.get("/{scheme_id}/versions/{n}/document", summary="A scheme file, read")
async def get_document(
    actor: ReadSubsidy, session: Reading, scheme_id: SchemeId, n: SchemeNumber
) -> dict[str, Any]:
    """Wording, dated values and interpretations as texts and whole numbers, under the keys of the file."""
    version = await queries.get_version(session, scheme_id, n)
    return read_scheme(version.content).to_json()


@router.get("/{scheme_id}/versions/{n}/schema", summary="The JSON Schema of the file")
async def get_schema(
    actor: ReadSubsidy, session: Reading, scheme_id: SchemeId, n: SchemeNumber
) -> dict[str, Any]:
    """From which a form can be generated."""
    await queries.get_version(session, scheme_id, n)
    return json_schema()


@router.post("/{scheme_id}/versions/{n}/events", summary="Approve or retire a version")
async def move_version(
    actor: ApproveScheme,
    session: Writing,
    now: Now,
    scheme_id: SchemeId,
    n: SchemeNumber,
    body: SchemeVersionEventIn,
    response: Response,
    if_match: IfMatch = None,
) -> SchemeVersionOut:
    """Approved by someone else than its author; the version in force before is then retired."""
    version = await queries.lock_version(session, scheme_id, n)
    check_tag(if_match, version.version)
    return SchemeVersionOut.tagged(
        await actions.move_version(session, actor, version, body.event, now=now), response
    )


@router.get("/{scheme_id}/versions/{n}/allowed-events", summary="What may be done with a version now")
async def allowed_version_events(
    actor: ReadSubsidy, session: Reading, scheme_id: SchemeId, n: SchemeNumber
) -> SchemeVersionEventsOut:
    version = await queries.get_version(session, scheme_id, n)
    state = SchemeState(version.state)
    events = SCHEME_LIFE.open_in(state) if actor.may(Permission.APPROVE_SUBSIDY) else []
    if version.actor_id == actor.account_id:
        events = [event for event in events if event is not SchemeEvent.APPROVE]
    return SchemeVersionEventsOut(state=state, events=events)


@router.get("/{scheme_id}/budgets", summary="Budgets of a scheme")
async def list_budgets(
    actor: ReadSubsidy, session: Reading, paging: Paging[int], scheme_id: SchemeId
) -> Page[BudgetOut]:
    """Newest year first; a year without a budget has no ceiling here."""
    await queries.get_scheme(session, scheme_id)
    rows = await queries.list_budgets(session, scheme_id, page=paging)
    return page_of(rows, paging, BudgetOut.of, lambda budget: [budget.year])


@router.post("/{scheme_id}/budgets/{year}", status_code=201, summary="Set the budget of a year")
async def set_budget(
    actor: SetBudget,
    session: Writing,
    now: Now,
    scheme_id: SchemeId,
    year: YearPath,
    body: BudgetIn,
    response: Response,
) -> BudgetOut:
    """Never below what approved runs have taken."""
    await queries.get_scheme(session, scheme_id)
    before = await queries.lock_budget(session, scheme_id, year)
    budget = await actions.set_budget(
        session, actor, before, scheme_id=scheme_id, year=year, amount_fen=body.amount_fen, now=now
    )
    return BudgetOut.tagged(budget, response)
