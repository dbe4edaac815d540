"""/subsidy/runs: opening a run, every event of its life, and the awards that are held."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field, field_validator

from datamarket.auth.access import ReadSubsidy, allow
from datamarket.auth.terms import Actor, Permission, Role
from datamarket.foundation.clock import holidays_known
from datamarket.foundation.http import (
    AllowedEvents,
    Body,
    IfMatch,
    InstantIn,
    LedgerId,
    Now,
    Page,
    Paging,
    Prose,
    Reading,
    SliceRouter,
    Writing,
    check_tag,
    page_of,
    tag,
)
from datamarket.foundation.inputs.texts import ValueFault
from datamarket.foundation.shapes import RowShape
from datamarket.foundation.waiting.patience import takes_long
from datamarket.subsidy.facts.terms import TurnoverOrigin
from datamarket.subsidy.runs import actions, payment, queries, rules
from datamarket.subsidy.runs.queries import RunView
from datamarket.subsidy.runs.terms import AwardHoldCause, AwardHoldEvent, AwardHoldState, RunEvent, RunState

router = SliceRouter(prefix="/subsidy/runs", tags=["subsidy"])
CalculateSubsidy = Annotated[Actor, allow(Permission.CALCULATE_SUBSIDY)]
PaySubsidy = Annotated[Actor, allow(Permission.PAY_SUBSIDY)]
SLUG = r"^[a-z][a-z0-9-]*$"
SlugQuery = Annotated[str | None, Query(max_length=64, pattern=SLUG)]
YearIn = Annotated[int, Field(ge=2000, le=2999, strict=True)]
HOLIDAYS_KNOWN = "whether working days were counted with the public holidays of the last day's year; if not, as Monday to Friday"
YearQuery = Annotated[int, Query(ge=2000, le=2999)]
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)


class RunIn(Body):
    """Without a cut-off the books count until now; `supersedes` names the run that this one replaces.

    A list that is public stays so until the new one is publicised, with the reason, in its place.
    """

    scheme: str = Field(min_length=1, max_length=64, pattern=SLUG, examples=["qd-data-element"])
    year: YearIn = Field(examples=[2024])
    cutoff: Annotated[InstantIn, Field(ge=EARLIEST, le=LATEST)] | None = Field(
        default=None, examples=["2025-01-20T10:00:00+08:00"]
    )
    supersedes: UUID | None = None


class RunEventIn(Body):
    """`reason` is needed to reject, and to publicise in the place of a list that is public."""

    event: RunEvent = Field(examples=["snapshot"])
    reason: Prose | None = Field(default=None, examples=["公示期收到实名异议，需重新核对"])

    @field_validator("event")
    @classmethod
    def _by_hand(cls, event: RunEvent) -> RunEvent:
        if event is RunEvent.SUPERSEDE:
            raise ValueFault("请另行发起一次取代它的运行", "open a run that supersedes this one")
        if event is RunEvent.SETTLE:
            raise ValueFault("由银行的最后一份回执办理", "the bank's last answer settles a run")
        return event


class RunOut(RowShape):
    """A run, what it was calculated from, and who had a hand in it."""

    id: UUID
    scheme: str = Field(validation_alias="scheme_id", examples=["qd-data-element"])
    scheme_version: int
    scheme_sha256: str
    year: int
    cutoff: datetime
    state: RunState
    state_zh: str = Field(examples=["公示中"])
    state_en: str = Field(examples=["publicised"])
    snapshot_sha256: str | None
    turnover_from: TurnoverOrigin | None = Field(
        description="what the snapshot's turnover was read from; both give the same figures"
    )
    engine_id: str | None = Field(examples=["0.1.0+1f0c7e9a2b3d4c5e"])
    result_sha256: str | None
    total_fen: int | None
    created_by: UUID = Field(validation_alias="actor_id")
    calculated_by: UUID | None
    reviewed_by: UUID | None
    approved_by: UUID | None
    publicity_from: date | None
    publicity_to: date | None
    holidays_known: bool | None = Field(description=HOLIDAYS_KNOWN)
    posted_by: UUID | None
    paid_by: UUID | None
    closed_by: UUID | None
    supersedes_id: UUID | None
    superseded_by_id: UUID | None = Field(description="the run whose list took the place of this one's")
    next: list[Role] = Field(
        description="the offices that may move it on; none once it has ended", examples=[["finance"]]
    )
    objection_id: UUID | None = Field(
        description="the newest upheld objection, of those that led to this run in the place of another"
    )
    created_at: datetime
    version: int

    @classmethod
    def of(cls, row: Any, **derived: Any) -> Self:
        last = row.run.publicity_to
        known = last and holidays_known(last)
        onward = rules.offices_next(RunState(row.run.state))
        return super().of(row.run, **row._asdict(), holidays_known=known, next=onward, **derived)


class RunEventOut(RowShape):
    """What happened, by whom, and why."""

    event: RunEvent
    from_state: RunState
    to_state: RunState
    actor_id: UUID
    reason: str | None
    at: datetime


class AwardHoldOut(RowShape):
    """An award that waits: `cause` is the standing of its payee, with its reason, or its case; `next` is who decides."""

    id: UUID
    run_id: UUID
    line_id: UUID
    state: AwardHoldState
    state_zh: str = Field(examples=["已暂缓"])
    state_en: str = Field(examples=["held"])
    cause: AwardHoldCause = Field(examples=["suspended"])
    cause_zh: str = Field(examples=["主体已暂停"])
    cause_en: str = Field(examples=["its payee is suspended"])
    reason: str | None = Field(examples=["材料存疑，暂停核查"])
    stage: RunEvent
    next: Role | None = Field(examples=["finance"])
    held_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    decision: str | None
    version: int

    @classmethod
    def of(cls, row: Any, **derived: Any) -> Self:
        waits = row.state == AwardHoldState.HELD
        return super().of(row, next=Role.FINANCE if waits else None, **derived)


class AwardHoldIn(Body):
    """An award whose payment the bank has refused, by its line."""

    line_id: UUID


class AwardHoldEventIn(Body):
    """Restored standing, or a corrected account, releases an award; else it is forgone, with the reason."""

    event: AwardHoldEvent = Field(examples=["release"])
    reason: Prose | None = Field(default=None, examples=["企业已退出市场"])


class AwardHoldEventsOut(AllowedEvents[AwardHoldState, AwardHoldEvent]):
    """What this actor may do with a held award now."""


class RunEventsOut(AllowedEvents[RunState, RunEvent]):
    """What this actor may do with the run now."""

    events: list[RunEvent] = Field(examples=[["snapshot", "cancel"]])


def name_bundle(response: Response, view: RunView) -> None:
    """The scheme, snapshot and engine that an answer rests on, in its headers."""
    response.headers["X-Scheme-SHA256"] = view.scheme_sha256
    if view.snapshot_sha256 is not None:
        response.headers["X-Snapshot-SHA256"] = view.snapshot_sha256
    if view.run.engine_id is not None:
        response.headers["X-Engine"] = view.run.engine_id


async def named_run(session: Reading, run_id: UUID, response: Response) -> RunView:
    """The run that an answer is about, and in its headers what that rests on."""
    view = await queries.get_run(session, run_id)
    name_bundle(response, view)
    return view


def _shown(response: Response, view: RunView) -> RunOut:
    tag(response, view.run.version)
    name_bundle(response, view)
    return RunOut.of(view)


@router.post("", status_code=201, summary="Open a run")
async def open_run(
    actor: CalculateSubsidy, ledger_id: LedgerId, session: Writing, now: Now, body: RunIn, response: Response
) -> RunOut:
    """A draft under the approved version of the scheme."""
    run = await actions.open_run(
        session,
        actor,
        ledger_id,
        scheme_id=body.scheme,
        year=body.year,
        cutoff=body.cutoff,
        supersedes=body.supersedes,
        now=now,
    )
    return _shown(response, await queries.get_run(session, run.id))


@router.get("", summary="Runs")
async def list_runs(
    actor: ReadSubsidy,
    session: Reading,
    paging: Paging[UUID],
    scheme: SlugQuery = None,
    year: YearQuery | None = None,
    state: RunState | None = None,
    decided: bool = False,
) -> Page[RunOut]:
    """Newest first; `decided` are those whose list is public, of a year and scheme one."""
    rows = await queries.list_runs(
        session, scheme=scheme, year=year, state=state, decided=decided, page=paging
    )
    return page_of(rows, paging, RunOut.of, lambda view: [view.run.id])


@router.get("/{run_id}", summary="One run")
async def get_run(actor: ReadSubsidy, session: Reading, run_id: UUID, response: Response) -> RunOut:
    return _shown(response, await queries.get_run(session, run_id))


@router.post("/{run_id}/events", summary="Move a run")
@takes_long
async def move_run(
    actor: ReadSubsidy,
    session: Writing,
    now: Now,
    run_id: UUID,
    body: RunEventIn,
    response: Response,
    if_match: IfMatch = None,
) -> RunOut:
    """Each event has its own permission; calculator, reviewer, approver and payer are four accounts."""
    rules.check_permitted(actor, body.event)
    run = await queries.lock_run(session, run_id)
    check_tag(if_match, run.version)
    await actions.move_run(session, actor, run, body.event, reason=body.reason, now=now)
    return _shown(response, await queries.get_run(session, run_id))


@router.get("/{run_id}/events", summary="What happened to a run")
async def list_run_events(
    actor: ReadSubsidy, session: Reading, paging: Paging[int], run_id: UUID
) -> Page[RunEventOut]:
    """Oldest first."""
    await queries.get_run(session, run_id)
    rows = await queries.list_run_events(session, run_id, page=paging)
    return page_of(rows, paging, RunEventOut.of, lambda event: [event.n])


@router.get("/{run_id}/allowed-events", summary="What may be done with a run now")
async def allowed_events(actor: ReadSubsidy, session: Reading, run_id: UUID) -> RunEventsOut:
    """Only what this actor may cause."""
    run = (await queries.get_run(session, run_id)).run
    state = RunState(run.state)
    return RunEventsOut(state=state, events=rules.events_open_to(actor, state, run.hands))


@router.get("/{run_id}/holds", summary="Awards of a run that were held")
async def list_holds(
    actor: ReadSubsidy, session: Reading, paging: Paging[UUID], run_id: UUID
) -> Page[AwardHoldOut]:
    """In the order of holding, also those that were released or forgone."""
    await queries.get_run(session, run_id)
    rows = await queries.list_holds(session, run_id, page=paging)
    return page_of(rows, paging, AwardHoldOut.of, lambda hold: [hold.id])


@router.post("/{run_id}/holds", status_code=201, summary="Hold an award that the bank refused")
async def hold_award(
    actor: PaySubsidy,
    session: Writing,
    now: Now,
    run_id: UUID,
    body: AwardHoldIn,
    response: Response,
) -> AwardHoldOut:
    """It is not instructed again until it is released; or it is forgone. One on its way, or paid, is not held."""
    run = await queries.lock_run(session, run_id)
    return AwardHoldOut.tagged(
        await payment.hold_failed(session, actor, run, body.line_id, now=now), response
    )


@router.post("/{run_id}/holds/{hold_id}/events", summary="Release a held award, or forgo it")
async def move_hold(
    actor: PaySubsidy,
    session: Writing,
    now: Now,
    run_id: UUID,
    hold_id: UUID,
    body: AwardHoldEventIn,
    response: Response,
    if_match: IfMatch = None,
) -> AwardHoldOut:
    """A released award is posted and paid as far as its run is; a forgone one gives its claim and budget back."""
    run = await queries.lock_run(session, run_id)
    hold = await queries.get_hold(session, run_id, hold_id)
    check_tag(if_match, hold.version)
    moved = await actions.move_hold(session, actor, run, hold, body.event, reason=body.reason, now=now)
    return AwardHoldOut.tagged(moved, response)


@router.get("/{run_id}/holds/{hold_id}/allowed-events", summary="What may be done with a held award now")
async def allowed_hold_events(
    actor: ReadSubsidy, session: Reading, run_id: UUID, hold_id: UUID
) -> AwardHoldEventsOut:
    """For who may pay the run."""
    run = (await queries.get_run(session, run_id)).run
    state = AwardHoldState((await queries.get_hold(session, run_id, hold_id)).state)
    may = actor.may(Permission.PAY_SUBSIDY) and not rules.had_a_hand(actor, RunEvent.PAY, run.hands)
    return AwardHoldEventsOut(state=state, events=rules.AWARD_HOLD_LIFE.open_in(state) if may else [])
