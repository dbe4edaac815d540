"""Lines of a run, why each is what it is, what a reviewer must look at, and the public list of awards."""

import asyncio
from datetime import date
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Depends, Query, Response
from pydantic import Field

from datamarket.auth.access import ReadMarket, ReadSubsidy, Visitor
from datamarket.auth.terms import Actor
from datamarket.foundation.clock import holidays_known
from datamarket.foundation.db import there
from datamarket.foundation.errors import NotFound
from datamarket.foundation.http import (
    NO_NUL,
    ForAMoment,
    LedgerId,
    Page,
    Paging,
    Reading,
    Shape,
    SliceRouter,
    page_of,
)
from datamarket.foundation.money import yuan
from datamarket.foundation.replicas.lagging import may_lag
from datamarket.foundation.shapes import RowShape, attached
from datamarket.foundation.spreadsheets import cells
from datamarket.foundation.waiting.patience import takes_long
from datamarket.payouts.rules import refusal_told
from datamarket.subsidy.evaluator.explain import explain
from datamarket.subsidy.facts.review import Flag
from datamarket.subsidy.lines import letter, queries
from datamarket.subsidy.lines.queries import Award, LineSort, LinesWanted, LineView
from datamarket.subsidy.lines.table import table_of
from datamarket.subsidy.runs import dossier
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs.api import HOLIDAYS_KNOWN, AwardHoldOut, SlugQuery, YearQuery, named_run
from datamarket.subsidy.runs.queries import AwardNow
from datamarket.subsidy.runs.rules import PUBLIC
from datamarket.subsidy.runs.terms import AwardHoldState, RunState
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.terms import LineStatus, StepKind

router = SliceRouter(prefix="/subsidy", tags=["subsidy"])


class RefusalOut(Shape):
    """Why the bank has refused to pay: its code (ISO 20022), and in both languages."""

    code: str = Field(examples=["AC04"])
    zh: str = Field(examples=["收款账户已销户（AC04：账户已销户）"])
    en: str = Field(examples=["the account is closed (AC04: 账户已销户)"])

    @classmethod
    def of(cls, now: AwardNow) -> "RefusalOut | None":
        if now.refusal is None:
            return None
        zh, en = refusal_told(*now.refusal)
        return cls(code=now.refusal[0], zh=zh, en=en)


class LineOut(RowShape):
    """What a clause decided about a candidate, and what has become of it: `status` follows the award until it is paid.

    `payment` is null until it is posted, `refusal` unless the bank has refused it, `hold` unless it is held or forgone.
    """

    id: UUID
    run_id: UUID
    clause: str = Field(validation_alias="clause_id")
    candidate: str = Field(
        validation_alias="candidate_id", description="credit code of the enterprise, or code of the project"
    )
    name: str
    uscc: str
    enterprise_zh: str
    enterprise_en: str
    status: LineStatus
    status_zh: str = Field(examples=["拟奖补"])
    status_en: str = Field(examples=["proposed"])
    base_fen: int | None
    rank: int | None
    rate: str | None = Field(examples=["1%"])
    cap_fen: int | None
    cap_bound: bool
    amount_fen: int
    payment: str | None = Field(examples=["subsidy_paid"])
    refusal: RefusalOut | None
    flags: list[Flag]
    hold: AwardHoldOut | None
    recovery: LineStatus | None = Field(description="recovering, or recovered; null: nothing is to come back")
    set_off_fen: int = Field(description="of the award, set off against what its enterprise owed")

    @classmethod
    def of(cls, row: LineView, **derived: Any) -> Self:
        hold = AwardHoldOut.of(row.hold) if row.hold else None
        now, kept = row.now, row._asdict() | {"hold": hold}
        derived |= {"status": row.status, "refusal": RefusalOut.of(now)}
        return super().of(row.line, **kept, **derived)


class RungOut(Shape):
    """What one stage of the calculation says."""

    step: StepKind = Field(examples=["rank"])
    zh: str = Field(examples=["在 58 家合格企业中排名第 4，入围前 10"])
    en: str = Field(examples=["rank 4 of 58 eligible enterprises, within the first 10"])


class ExplanationOut(Shape):
    """One sentence in each language, its `rungs` one by one, and the steps that all are told from."""

    line: LineOut
    year: int
    scheme: str
    scheme_version: int
    zh: str
    en: str
    rungs: list[RungOut]
    steps: list[dict[str, Any]]

    @classmethod
    def of(cls, view: LineView, scheme: Scheme, run: run_queries.RunView) -> "ExplanationOut":
        told = explain(dossier.line_of(view.line), scheme, run.run.year)
        zh, en = _afterwards(view)
        return cls(
            line=LineOut.of(view),
            year=run.run.year,
            scheme=scheme.id,
            scheme_version=run.scheme_version,
            zh=told.zh + zh,
            en=told.en + en,
            rungs=[RungOut.model_validate(rung, from_attributes=True) for rung in told.rungs],
            steps=view.line.steps,
        )


def _afterwards(view: LineView) -> tuple[str, str]:
    """What became of an award after it was decided: set off, or come back."""
    zh = en = ""
    if view.set_off_fen:
        amount = yuan(view.set_off_fen, grouped=True)
        zh, en = f"其中 {amount} 元抵扣应追回款。", f" Of it {amount} CNY were set off against a recovery."
    if view.recovery:
        status = LineStatus(view.recovery)
        zh, en = f"{zh}该奖补{status.zh}。", f"{en} The award is {status.en}."
    return zh, en


class ReasonOut(Shape):
    """Why a line is shown."""

    flag: Flag
    zh: str
    en: str


class ExceptionOut(Shape):
    line: LineOut
    reasons: list[ReasonOut]

    @classmethod
    def of(cls, view: LineView) -> "ExceptionOut":
        reasons = [ReasonOut(flag=flag, zh=flag.zh, en=flag.en) for flag in map(Flag, view.line.flags)]
        return cls(line=LineOut.of(view), reasons=reasons)


class EdgeOut(Shape):
    """What one seller sold to one buyer in the year."""

    seller: str
    buyer: str
    amount_fen: int
    trades: int


class RingOut(Shape):
    """Sellers that sold to each other in a circle; `smallest_fen` may have gone all the way round."""

    smallest_fen: int
    edges: list[EdgeOut]


class ExceptionsOut(Page[ExceptionOut]):
    """Flagged lines, and the evidence of possible circular trades."""

    rings: list[RingOut]


class AwardOut(Shape):
    """A publicised award; `line_id` is what an objection to it names."""

    run_id: UUID
    line_id: UUID
    scheme: str
    year: int
    clause: str
    clause_zh: str
    clause_en: str
    enterprise_zh: str
    enterprise_en: str
    uscc: str
    project: str | None = Field(description="title of the case; null for an award to the enterprise itself")
    rank: int | None
    amount_fen: int
    status: LineStatus = Field(examples=["paid"])
    status_zh: str = Field(examples=["已支付"])
    status_en: str = Field(examples=["paid"])
    state: RunState
    publicity_from: date | None
    publicity_to: date | None
    holidays_known: bool | None = Field(description=HOLIDAYS_KNOWN)
    held: AwardHoldState | None = Field(description="held: not paid for now; forgone: not paid")
    recovery: LineStatus | None = Field(description="recovering, or recovered")
    superseded_by: UUID | None = Field(description="the run whose list took the place of this one")

    @classmethod
    def of(cls, award: Award, scheme: Scheme) -> "AwardOut":
        line, run, hold, recovery, _ = award
        status = award.status
        clause = scheme.clause(line.clause_id)
        shown = {
            "scheme": run.scheme_id,
            "line_id": line.id,
            "clause": clause.id,
            "clause_zh": clause.title.zh,
            "clause_en": clause.title.en,
            "project": line.name if line.candidate_id != line.uscc else None,
            "holidays_known": run.publicity_to and holidays_known(run.publicity_to),
            "status": status,
            "status_zh": status.zh,
            "status_en": status.en,
            "held": hold and hold.state,
            "recovery": recovery,
            "superseded_by": run.superseded_by_id,
        }
        return cls.model_validate(run.model_dump() | line.model_dump(exclude={"steps"}) | shown)


async def _wanted(
    status: LineStatus | None = None,
    clause: SlugQuery = None,
    near_cut: bool = False,
    text: Annotated[
        str | None,
        Query(max_length=100, pattern=NO_NUL, description="part of a name, code or credit code"),
    ] = None,
) -> LinesWanted:
    return LinesWanted(status, clause, flag=Flag.NEAR_CUT if near_cut else None, text=text)


@router.get("/runs/{run_id}/lines", summary="Lines of a run")
async def list_lines(
    actor: ReadMarket,
    session: Reading,
    paging: Paging[tuple[int, int]],
    run_id: UUID,
    response: Response,
    wanted: Annotated[LinesWanted, Depends(_wanted)],
    sort: LineSort = LineSort.POSITION,
) -> Page[LineOut]:
    """In the order of clause, rank and candidate, or the largest first; an enterprise sees its own, once the list is public."""
    await _readable_run(actor, session, run_id, response)
    rows = await queries.sort_lines(session, run_id, visible_to=actor, wanted=wanted, sort=sort, page=paging)
    return page_of(rows, paging, lambda row: LineOut.of(row[0]), lambda row: [row[1], row[0].line.position])


@router.get(
    "/runs/{run_id}/lines.csv",
    summary="Lines of a run as a table",
    response_class=Response,
    responses={200: {"content": {cells.CSV: {"schema": {"type": "string"}}}}},
)
@takes_long
async def get_lines_table(
    actor: ReadMarket,
    session: Reading,
    run_id: UUID,
    response: Response,
    wanted: Annotated[LinesWanted, Depends(_wanted)],
    sort: LineSort = LineSort.POSITION,
) -> Response:
    """All that the list would page through."""
    run = (await _readable_run(actor, session, run_id, response)).run
    rows = await queries.sort_lines(session, run_id, visible_to=actor, wanted=wanted, sort=sort)
    content = await asyncio.to_thread(table_of, [view for view, _ in rows])
    return attached(content, cells.CSV, f"{run.scheme_id}-{run.year}-lines.csv")


async def _readable_run(
    actor: Actor, session: Reading, run_id: UUID, response: Response
) -> run_queries.RunView:
    """A run whose lines this caller may read. Raises NotFound."""
    view = await named_run(session, run_id, response)
    if not actor.sees_all and view.run.state not in PUBLIC:
        raise NotFound(thing="run")
    return view


@router.get("/lines", summary="Lines of a year, and why each is what it is", responses={404: {}})
async def list_explained_lines(
    actor: ReadMarket,
    ledger_id: LedgerId,
    session: Reading,
    paging: Paging[int],
    response: Response,
    year: YearQuery | None = None,
    scheme: SlugQuery = None,
    run: UUID | None = None,
    enterprise: Annotated[str | None, Query(max_length=18, description="unified social credit code")] = None,
) -> Page[ExplanationOut]:
    """Of the run whose list is public, or of `run`; without a year, of the newest. An enterprise is given its own.

    Everyone who was looked at has a line, paid or not: also who is not eligible, displaced or not selected.
    """
    if run is None:
        decided = await run_queries.decided_run(session, ledger_id, year=year, scheme=scheme)
        run = there(decided, "run").run.id
    view = await _readable_run(actor, session, run, response)
    wanted = LinesWanted(uscc=enterprise)
    rows = await queries.list_lines(session, run, visible_to=actor, wanted=wanted, page=paging)
    told = await dossier.scheme_of(session, view.run.scheme_version_id)
    return page_of(
        rows,
        paging,
        lambda line: ExplanationOut.of(line, told, view),
        lambda line: [line.line.position],
    )


@router.get("/lines/{line_id}/explanation", summary="Why a line is what it is")
async def explain_line(
    actor: ReadMarket, session: Reading, line_id: UUID, response: Response
) -> ExplanationOut:
    """For overseers any line; for an enterprise its own, once the list is public."""
    view = await queries.get_line(session, line_id, visible_to=actor)
    run = await named_run(session, view.line.run_id, response)
    return ExplanationOut.of(view, await dossier.scheme_of(session, run.run.scheme_version_id), run)


@router.get(
    "/lines/{line_id}/letter",
    summary="The decision letter of an award",
    response_class=Response,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}, 409: {}},
)
async def get_award_letter(actor: ReadMarket, session: Reading, line_id: UUID) -> Response:
    """奖补决定通知书, a page that prints; for overseers, and for the enterprise whose award is approved."""
    view = await queries.get_line(session, line_id, visible_to=actor)
    page = await letter.letter_of_award(session, view)
    return attached(page.encode(), "text/html; charset=utf-8", f"award-{line_id}.html")


@router.get("/runs/{run_id}/exceptions", summary="What a reviewer must look at")
async def list_exceptions(
    actor: ReadSubsidy, session: Reading, paging: Paging[int], run_id: UUID, response: Response
) -> ExceptionsOut:
    """Ties, ranks near the cut, bound caps, missing facts, related-party shares, possible circular trades."""
    view = await named_run(session, run_id, response)
    rows = await queries.list_lines(session, run_id, visible_to=actor, flagged=True, page=paging)
    page = page_of(rows, paging, ExceptionOut.of, lambda line: [line.line.position])
    rings = await run_queries.rings_of(session, view.run.snapshot_id) if view.run.snapshot_id else []
    return ExceptionsOut(
        items=page.items, next=page.next, rings=[RingOut.model_validate(ring) for ring in rings]
    )


@router.get("/awards", summary="Publicised awards", response_model=Page[AwardOut])
@may_lag
async def list_awards(
    _caller: Visitor,
    session: Reading,
    paging: Paging[tuple[UUID, int]],
    year: YearQuery,
    scheme: SlugQuery = None,
    superseded: bool = False,
) -> Response:
    """One list a year and scheme, open to everyone; `superseded` shows those that it took the place of.

    No account of any bank is kept here.
    """
    rows = await queries.list_awards(
        session,
        year=year,
        scheme=scheme,
        superseded=superseded,
        page=paging,
    )
    versions = {row.run.scheme_version_id for row in rows}
    schemes = {version: await dossier.scheme_of(session, version) for version in versions}
    page = page_of(
        rows,
        paging,
        lambda award: AwardOut.of(award, schemes[award.run.scheme_version_id]),
        lambda award: [award.line.run_id, award.line.position],
    )
    return ForAMoment.of(page)
