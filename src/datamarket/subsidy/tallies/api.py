"""/subsidy/tallies: the desk in figures; and what the lines of a run come to."""

from uuid import UUID

from fastapi import Response
from pydantic import Field

from datamarket.auth.access import ReadSubsidy
from datamarket.foundation.http import Reading, Shape, SliceRouter
from datamarket.foundation.states import Labelled
from datamarket.subsidy.calls.terms import ApplicationState
from datamarket.subsidy.integrity.terms import FlagState
from datamarket.subsidy.objections.terms import ObjectionState
from datamarket.subsidy.recoveries.terms import RecoveryState
from datamarket.subsidy.runs.api import named_run
from datamarket.subsidy.runs.terms import RunState
from datamarket.subsidy.tallies import queries
from datamarket.subsidy.tallies.terms import TalliedThing
from datamarket.subsidy.terms import LineStatus

router = SliceRouter(prefix="/subsidy", tags=["subsidy"])
_STATES: dict[TalliedThing, type[Labelled]] = {
    TalliedThing.RUN: RunState,
    TalliedThing.APPLICATION: ApplicationState,
    TalliedThing.FLAG: FlagState,
    TalliedThing.OBJECTION: ObjectionState,
    TalliedThing.RECOVERY: RecoveryState,
}


class TallyOut(Shape):
    """How many things of a kind are in one state."""

    thing: TalliedThing
    thing_zh: str = Field(examples=["诚信疑点"])
    thing_en: str = Field(examples=["flags"])
    state: str = Field(examples=["raised"])
    state_zh: str = Field(examples=["待核查"])
    state_en: str = Field(examples=["raised"])
    count: int = Field(examples=[7])


class TalliesOut(Shape):
    """By thing, then in the order of its states; a state in which nothing is is left out."""

    tallies: list[TallyOut]


class TotalOut(Shape):
    """Lines of a clause in one status, and what they get."""

    clause: str
    status: LineStatus
    status_zh: str = Field(examples=["拟奖补"])
    status_en: str = Field(examples=["proposed"])
    lines: int
    amount_fen: int

    @classmethod
    def of(cls, clause: str, now: str, lines: int, amount_fen: int) -> "TotalOut":
        status = LineStatus(now)
        zh, en = status.labels
        return cls(
            clause=clause, status=status, status_zh=zh, status_en=en, lines=lines, amount_fen=amount_fen
        )


class TotalsOut(Shape):
    """In the order of the clauses."""

    totals: list[TotalOut]


@router.get(
    "/tallies", summary="How many runs, applications, flags, objections and recoveries are in each state"
)
async def list_tallies(actor: ReadSubsidy, session: Reading) -> TalliesOut:
    """Of all years."""
    found = {(thing, state): count for thing, state, count in await queries.tally_states(session)}
    return TalliesOut(
        tallies=[
            TallyOut(
                thing=thing,
                thing_zh=thing.zh,
                thing_en=thing.en,
                state=state,
                state_zh=state.zh,
                state_en=state.en,
                count=found[thing, state],
            )
            for thing, states in _STATES.items()
            for state in states
            if (thing, state) in found
        ]
    )


@router.get("/runs/{run_id}/totals", summary="Lines of a run, counted by clause and status")
async def list_totals(actor: ReadSubsidy, session: Reading, run_id: UUID, response: Response) -> TotalsOut:
    """What has become of them: as calculated, then as held, posted, paid and recovered."""
    await named_run(session, run_id, response)
    found = await queries.total_lines(session, run_id)
    return TotalsOut(totals=[TotalOut.of(*row) for row in found])
