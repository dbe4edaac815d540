"""Studies of a run, which change nothing: another run beside it, the books as they are now, what if, a workbook."""

import asyncio
from dataclasses import replace
from fractions import Fraction
from typing import Annotated, Any
from uuid import UUID

from fastapi import Response
from pydantic import Field, StringConstraints

from datamarket.auth.access import Deciding, ReadSubsidy
from datamarket.foundation.db import there
from datamarket.foundation.http import Body, LedgerId, Now, Reading, Shape, SliceRouter
from datamarket.foundation.money import parse_rate, parse_yuan, percent
from datamarket.foundation.shapes import attached
from datamarket.foundation.spreadsheets.cells import WORKBOOK
from datamarket.foundation.waiting.patience import takes_long
from datamarket.subsidy.runs import dossier
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs.api import SLUG, SlugQuery, YearQuery, name_bundle, named_run
from datamarket.subsidy.studies import comparison, drift
from datamarket.subsidy.studies.drift import filed_of
from datamarket.subsidy.studies.whatif import Comparison, Move

router = SliceRouter(prefix="/subsidy", tags=["subsidy"])
ParameterPath = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[a-z0-9_.-]+$")]
RateText = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,3}(\.[0-9]{1,6})?%$")]
YuanText = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,13}(\.[0-9]{1,2})?$")]
MOST_VALUES = 101
"""On either axis of a grid: from 0 % to 1 % by hundredths, both ends included."""
MOST_CHANGES = 500
"""Changes shown; the largest first. Sums and counts always cover all."""


class WhatIfIn(Body):
    """Which parameters to set, by path; a dated parameter takes {date: value}."""

    run_id: UUID
    changes: dict[ParameterPath, Any] = Field(
        alias="set",
        min_length=1,
        max_length=50,
        json_schema_extra={"additionalProperties": False},
        examples=[{"top-ten-turnover.rate": {"2024-01-01": "1.5%"}, "top-ten-turnover.select.top": 20}],
    )


class ClauseCostOut(Shape):
    clause: str
    before_fen: int
    after_fen: int
    cap_bound_before: int
    cap_bound_after: int


class ChangeOut(Shape):
    """One candidate under one clause; the reason is the first stage that differs."""

    clause: str
    candidate: str
    enterprise: str
    name: str
    before_fen: int
    after_fen: int
    move: Move
    reason: str | None = Field(examples=["rank-in"])


class ComparisonOut(Shape):
    """Two results side by side; `notice` says when no award moves. Behaviour is not modelled."""

    before_fen: int
    after_fen: int
    delta_fen: int
    recipients_before: int
    recipients_after: int
    clauses: list[ClauseCostOut]
    moves: dict[Move, int]
    changes: list[ChangeOut] = Field(description="those that move, the largest first, at most 500")
    notice: str | None = Field(examples=["no-effect"])

    @classmethod
    def of(cls, comparison: Comparison) -> "ComparisonOut":
        moved = [change for change in comparison.changes if change.move is not Move.UNCHANGED]
        moved.sort(key=lambda change: -abs(change.after_fen - change.before_fen))
        return cls.model_validate(
            replace(comparison, changes=tuple(moved[:MOST_CHANGES])).to_json() | {"moves": comparison.moves}
        )


class WhatIfOut(Shape):
    """A study, never an award."""

    run_id: UUID
    watermark: str = "测算 what-if: not an award"
    reform_sha256: str
    comparison: ComparisonOut


class AxisIn(Body):
    """So many values, each a step above the one before."""

    count: int = Field(ge=1, le=MOST_VALUES, strict=True, examples=[101])


class RatesIn(AxisIn):
    first: RateText = Field(examples=["0.5%"])
    step: RateText = Field(examples=["0.01%"])

    @property
    def values(self) -> list[Fraction]:
        first, step = parse_rate(self.first), parse_rate(self.step)
        return [first + place * step for place in range(self.count)]


class CapsIn(AxisIn):
    first: YuanText = Field(examples=["100000.00"])
    step: YuanText = Field(examples=["10000.00"])

    @property
    def values(self) -> list[int]:
        first, step = parse_yuan(self.first), parse_yuan(self.step)
        return [first + place * step for place in range(self.count)]


class GridIn(Body):
    """Which clause, at which rates and caps; both hold throughout the run's year."""

    run_id: UUID
    clause: str = Field(min_length=1, max_length=64, pattern=SLUG, examples=["top-ten-turnover"])
    rates: RatesIn
    caps: CapsIn


class GridOut(Shape):
    """A study, never an award: a row for each rate, in it a figure for each cap; null where the budget stops the run."""

    run_id: UUID
    watermark: str = "测算 what-if: not an award"
    rates: list[str] = Field(examples=[["0.5%", "0.51%"]])
    caps_fen: list[int]
    total_fen: list[list[int | None]]
    recipients: list[list[int | None]]
    cap_bound: list[list[int]]


class BaseChangeOut(Shape):
    """A base that is another now; null where it was or is not known."""

    clause: str
    candidate: str
    name: str
    before_fen: int | None
    after_fen: int | None


class DriftOut(Shape):
    """What today's books would give; the run itself stays as it is."""

    drifted: bool
    snapshot_sha256: str
    snapshot_sha256_now: str
    bases: list[BaseChangeOut] = Field(description="at most 500")
    comparison: ComparisonOut

    @classmethod
    def of(cls, found: drift.Drift) -> "DriftOut":
        return cls(
            drifted=found.drifted,
            snapshot_sha256=found.before_sha256,
            snapshot_sha256_now=found.after_sha256,
            bases=[
                BaseChangeOut.model_validate(base, from_attributes=True)
                for base in found.bases[:MOST_CHANGES]
            ],
            comparison=ComparisonOut.of(found.comparison),
        )


@router.get("/runs/{run_id}/compare/{other_id}", summary="Two runs side by side", responses={409: {}})
@takes_long
async def compare_runs(
    actor: ReadSubsidy, session: Reading, run_id: UUID, other_id: UUID, response: Response
) -> ComparisonOut:
    """Both of one year; the first is the baseline."""
    one, other = await named_run(session, run_id, response), await run_queries.get_run(session, other_id)
    return ComparisonOut.of(await comparison.compared(session, one, other))


@router.get("/runs/{run_id}/drift", summary="What today's books would give", responses={409: {}})
@takes_long
async def show_drift(
    actor: ReadSubsidy, session: Reading, now: Now, run_id: UUID, response: Response
) -> DriftOut:
    """Late refunds, corrections and new relations since the cut-off, and whom they would move."""
    view = await named_run(session, run_id, response)
    return DriftOut.of(await drift.drift_of(session, view, now=now))


@router.post("/what-if", summary="What would other parameters give", responses={409: {}})
@takes_long
async def what_if(actor: ReadSubsidy, session: Deciding, body: WhatIfIn, response: Response) -> WhatIfOut:
    """Both arms over the snapshot of the run. Nothing is stored, so no Idempotency-Key is needed."""
    view = await named_run(session, body.run_id, response)
    study = await comparison.what_if_of(session, view, body.changes)
    return WhatIfOut(
        run_id=body.run_id,
        reform_sha256=study.reform.sha256,
        comparison=ComparisonOut.of(study.comparison),
    )


@router.post("/what-if/grid", summary="What would each pair of a rate and a cap cost", responses={409: {}})
@takes_long
async def what_if_grid(actor: ReadSubsidy, session: Deciding, body: GridIn, response: Response) -> GridOut:
    """Each figure is what the single study of that rate and cap would give."""
    view = await named_run(session, body.run_id, response)
    rates, caps = body.rates.values, body.caps.values
    grid = await comparison.grid_for(session, view, body.clause, rates, caps)
    return GridOut(
        run_id=body.run_id,
        rates=[percent(rate) for rate in rates],
        caps_fen=caps,
        total_fen=[[cell.total_fen for cell in row] for row in grid],
        recipients=[[cell.recipients for cell in row] for row in grid],
        cap_bound=[[cell.cap_bound for cell in row] for row in grid],
    )


XLSX: dict[int | str, dict[str, Any]] = {
    200: {"content": {WORKBOOK: {"schema": {"type": "string", "format": "binary"}}}},
    409: {},
}


@router.get(
    "/runs/{run_id}/export.xlsx", summary="A run as a workbook", response_class=Response, responses=XLSX
)
@takes_long
async def export(actor: ReadSubsidy, session: Reading, run_id: UUID) -> Response:
    """All that is on file of it: summary with officers, lines, steps, parameters, interpretations, snapshot, exceptions, payments.

    The same run in the same state is the same bytes.
    """
    return await _exported(session, await run_queries.get_run(session, run_id))


@router.get(
    "/export.xlsx",
    summary="The decided run of a year as a workbook",
    response_class=Response,
    responses=XLSX | {404: {}},
)
@takes_long
async def export_year(
    actor: ReadSubsidy, ledger_id: LedgerId, session: Reading, year: YearQuery, scheme: SlugQuery = None
) -> Response:
    """The same of the run whose list is public."""
    decided = await run_queries.decided_run(session, ledger_id, year=year, scheme=scheme)
    return await _exported(session, there(decided, "run"))


async def _exported(session: Reading, view: run_queries.RunView) -> Response:
    content = await asyncio.to_thread(_workbook, await filed_of(session, view))
    response = attached(content, WORKBOOK, f"{view.run.scheme_id}-{view.run.year}.xlsx")
    name_bundle(response, view)
    return response


def _workbook(filed: dossier.RunDossier) -> bytes:
    from datamarket.subsidy.studies.workbook import workbook_of  # noqa: PLC0415 - loads openpyxl only when asked for

    return workbook_of(filed.document, filed)
