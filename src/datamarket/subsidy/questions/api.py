"""/subsidy/studies: a question to a run's snapshot is kept with its answer, under an address that can be cited."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

import orjson
from fastapi import Query, Response
from pydantic import Field, StringConstraints

from datamarket.auth.access import ReadSubsidy, allow
from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.clock import business_date
from datamarket.foundation.http import (
    API_PREFIX,
    Body,
    LedgerId,
    Now,
    Page,
    Paging,
    Reading,
    Shape,
    SliceRouter,
    Writing,
    page_of,
)
from datamarket.foundation.shapes import RowShape, attached
from datamarket.foundation.spreadsheets.cells import CSV, WORKBOOK
from datamarket.foundation.waiting.patience import takes_long
from datamarket.subsidy.questions import actions, queries
from datamarket.subsidy.questions.asking import FINEST, MOST_VALUES
from datamarket.subsidy.questions.tables import SubsidyStudy
from datamarket.subsidy.questions.terms import KinkEffect, StudyFile
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs.api import SLUG
from datamarket.subsidy.studies.api import CapsIn, ClauseCostOut, ParameterPath, RatesIn, RateText, YuanText
from datamarket.subsidy.studies.whatif import Move

router = SliceRouter(prefix="/subsidy/studies", tags=["subsidy"])
KeepStudy = Annotated[Actor, allow(Permission.CALCULATE_SUBSIDY)]
ValueText = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,13}(\.[0-9]{1,6})?%?$")]
ClauseId = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=SLUG)]
MEDIA = {"study.csv": CSV, "study.xlsx": WORKBOOK, "chart.svg": "image/svg+xml", "chart.png": "image/png"}
BINARY = {"schema": {"type": "string", "format": "binary"}}


class StudyFileName(StrEnum):
    """The answer as a table, as a workbook, and drawn."""

    TABLE = StudyFile.TABLE
    WORKBOOK = StudyFile.WORKBOOK
    CHART_SVG = StudyFile.CHART_SVG
    CHART_PNG = StudyFile.CHART_PNG


class RangeIn(Body):
    """A rate, a cap or a number of places, at so many values."""

    path: ParameterPath = Field(examples=["top-ten-turnover.rate"])
    first: ValueText = Field(examples=["0.5%"])
    step: ValueText = Field(examples=["0.05%"])
    count: int = Field(ge=1, le=MOST_VALUES, strict=True, examples=[21])


class StudyGridIn(Body):
    """Every pair of a rate and a cap; a budget draws the line of what it affords."""

    clause: ClauseId
    rates: RatesIn
    caps: CapsIn
    budget: YuanText | None = None


class MeetIn(Body):
    """The largest multiple of `step` at which the year costs no more than the budget."""

    clause: ClauseId
    budget: YuanText
    step: RateText = FINEST


class StudyIn(Body):
    """`set` changes parameters and facts by path; of the others at most one is asked, of what `set` leaves."""

    run_id: UUID
    changes: dict[ParameterPath, Any] = Field(
        default_factory=dict,
        alias="set",
        max_length=50,
        json_schema_extra={"additionalProperties": False},
        examples=[{"top-ten-turnover.select.top": 9}],
    )
    range: RangeIn | None = None
    grid: StudyGridIn | None = None
    meet: MeetIn | None = None

    @property
    def stated(self) -> dict[str, Any]:
        return self.model_dump(by_alias=True, exclude={"run_id"}, exclude_none=True) | {"set": self.changes}


class CitationOut(Shape):
    zh: str
    en: str


class StudyOut(RowShape):
    """A study, never an award; `sha256` is the digest of question and answer."""

    id: UUID
    run_id: UUID
    scheme: str = Field(validation_alias="scheme_id", examples=["qd-data-element"])
    year: int
    scheme_sha256: str
    snapshot_sha256: str
    engine_id: str
    question: dict[str, Any] = Field(examples=[{"set": {"facts.tax": "6%"}}])
    sha256: str
    created_by: UUID = Field(validation_alias="account_id")
    created_at: datetime
    watermark: str = "测算，不是决定 · study, not a decision"
    citation: CitationOut

    @classmethod
    def of(cls, row: Any, **derived: Any) -> Self:
        return super().of(row, citation=_citation(row), **derived)


class StudyChangeOut(Shape):
    """One candidate under one clause before and after, and why in both languages; empty where nothing changed."""

    clause: str
    candidate: str
    enterprise: str
    name: str
    before_fen: int
    after_fen: int
    move: Move
    reason: str | None = Field(examples=["left-out"])
    reason_zh: str
    reason_en: str


class NoticeOut(Shape):
    code: str = Field(examples=["no-effect"])
    zh: str
    en: str


class StudyComparisonOut(Shape):
    """Who is paid on either side, the largest change first; `notice` says when no award of the year moves."""

    before_fen: int
    after_fen: int
    delta_fen: int
    recipients_before: int
    recipients_after: int
    clauses: list[ClauseCostOut]
    moves: dict[Move, int]
    changes: list[StudyChangeOut]
    reform_sha256: str
    notice: NoticeOut | None


class StudyRankOut(Shape):
    """A rank near the cut, before and after."""

    clause: str
    candidate: str
    name: str
    rank_before: int | None
    rank_after: int | None
    base_fen_before: int | None
    base_fen_after: int | None
    award_fen_before: int | None
    award_fen_after: int | None


class PointOut(Shape):
    """No cost where the budget stops the run."""

    value: str = Field(examples=["0.5%"])
    total_fen: int | None
    recipients: int | None
    cap_bound: int


class KinkOut(Shape):
    """Where the cost turns: the exact rate as a fraction; from here on a higher rate multiplies `open_base`, in yuan."""

    rate: str = Field(examples=["1/150"])
    percent: str = Field(examples=["0.666666%"])
    candidate: str
    enterprise: str
    name: str
    effect: KinkEffect
    open_base: str


class CurveOut(Shape):
    """No kinks are told (null) where a budget, stacking or an enterprise's cap lets awards limit one another."""

    path: str
    points: list[PointOut]
    kinks: list[KinkOut] | None


class StudyGridOut(Shape):
    """A row for each rate, in it a figure for each cap; `affordable` is the largest rate that the budget covers at each cap."""

    clause: str
    rates: list[str]
    caps: list[str]
    total_fen: list[list[int | None]]
    recipients: list[list[int | None]]
    cap_bound: list[list[int]]
    affordable: list[str | None]


class MeetingOut(Shape):
    """The rate that meets the budget, the next one that does not, and the exact one at which it binds before rounding."""

    budget_fen: int
    rate: str = Field(examples=["0.7%"])
    cost_fen: int
    next_rate: str | None
    next_cost_fen: int | None
    binds_at: str | None = Field(examples=["1/150"])
    binds_at_percent: str | None


class StudyAnswerOut(StudyOut):
    """A study with its answer: what was asked is there, the rest is null or empty."""

    comparison: StudyComparisonOut | None
    ranks: list[StudyRankOut]
    curve: CurveOut | None
    grid: StudyGridOut | None
    meeting: MeetingOut | None


def _citation(row: SubsidyStudy) -> CitationOut:
    address, day = f"{API_PREFIX}/subsidy/studies/{row.id}", business_date(row.created_at)
    sources = f"scheme {row.scheme_sha256}, snapshot {row.snapshot_sha256}, engine {row.engine_id}"
    return CitationOut(
        zh=f"测算 {row.sha256}（不是决定），方案 {row.scheme_id}，{row.year} 年度，{day}，{address}（{sources}）",
        en=f"Study {row.sha256} (not a decision), scheme {row.scheme_id}, year {row.year}, {day}, {address} ({sources})",
    )


async def _answered(session: Reading, study: SubsidyStudy) -> StudyAnswerOut:
    answer = orjson.loads(await queries.read_study_file(session, study.id, StudyFile.ANSWER))
    return StudyAnswerOut.of(
        study, **{name: answer[name] for name in ("comparison", "ranks", "curve", "grid", "meeting")}
    )


@router.post("", status_code=201, summary="Ask a run's snapshot, and keep the answer", responses={409: {}})
@takes_long
async def keep_study(actor: KeepStudy, session: Writing, now: Now, body: StudyIn) -> StudyAnswerOut:
    """The same question to the same scheme and snapshot is the same study. No run is touched."""
    view = await run_queries.get_run(session, body.run_id)
    return await _answered(session, await actions.keep_study(session, actor, view, body.stated, now=now))


@router.get("", summary="Studies")
async def list_studies(
    actor: ReadSubsidy,
    ledger_id: LedgerId,
    session: Reading,
    paging: Paging[UUID],
    run_id: Annotated[UUID | None, Query(description="those asked of this run")] = None,
) -> Page[StudyOut]:
    """Newest first, without their answers."""
    rows = await queries.list_studies(session, ledger_id, run_id=run_id, page=paging)
    return page_of(rows, paging, StudyOut.of, lambda study: [study.id])


@router.get("/{study_id}", summary="One study", responses={409: {}})
async def get_study(actor: ReadSubsidy, session: Reading, study_id: UUID) -> StudyAnswerOut:
    """As it was answered; nothing is calculated again."""
    return await _answered(session, await queries.get_study(session, study_id))


@router.get(
    "/{study_id}/{file}",
    summary="A study as a table, a workbook or a chart",
    response_class=Response,
    responses={
        200: {"content": dict.fromkeys(MEDIA.values(), BINARY) | {CSV: {"schema": {"type": "string"}}}},
        409: {},
    },
)
async def get_study_file(
    actor: ReadSubsidy, session: Reading, study_id: UUID, file: StudyFileName
) -> Response:
    """Byte for byte as it was made, marked as a study."""
    study = await queries.get_study(session, study_id)
    content = await queries.read_study_file(session, study_id, StudyFile(file.value))
    return attached(content, MEDIA[file], f"{study.sha256[:12]}-{file.value}")
