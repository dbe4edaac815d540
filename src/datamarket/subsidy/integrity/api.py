"""/subsidy/integrity: running the detectors over a year, and judging what they found."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field

from datamarket.auth.access import ReadSubsidy, allow
from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.http import (
    AllowedEvents,
    Body,
    IfMatch,
    LedgerId,
    Now,
    Page,
    Paging,
    Prose,
    Reading,
    Shape,
    SliceRouter,
    Writing,
    check_tag,
    page_of,
)
from datamarket.foundation.shapes import RowShape
from datamarket.foundation.waiting.patience import takes_long
from datamarket.subsidy.integrity import actions, queries, rules
from datamarket.subsidy.integrity.terms import Detector, FlagEvent, FlagState

router = SliceRouter(prefix="/subsidy/integrity", tags=["subsidy"])
Detect = Annotated[Actor, allow(Permission.CALCULATE_SUBSIDY)]
Judge = Annotated[Actor, allow(Permission.APPROVE_SUBSIDY)]


class DetectionIn(Body):
    year: int = Field(ge=2000, le=2999, description="business year (Asia/Shanghai)", examples=[2024])


class DetectorOut(Shape):
    """What one detector found, known before or not; not `whole`: its search was cut short, and more may be there."""

    detector: Detector
    detector_zh: str = Field(examples=["资金环流"])
    detector_en: str = Field(examples=["money that goes round"])
    found: int = Field(examples=[2])
    whole: bool = Field(examples=[True])


class DetectionOut(Shape):
    """A pass over a year; `raised` are new flags, `lapsed` were raised and are found no more, `back` had lapsed."""

    year: int
    raised: int = Field(examples=[3])
    lapsed: int = Field(examples=[0])
    back: int = Field(examples=[0])
    detectors: list[DetectorOut]


class FlaggedSalesOut(Shape):
    """Sales of one party to another, from an instant until, not including, a second one."""

    provider_id: UUID
    buyer_id: UUID
    from_at: datetime
    to_at: datetime


class FlaggedItemOut(Shape):
    """What an application claims; without `item_id` the application as a whole. `fen` is what a confirmed flag takes off its project."""

    case_id: UUID
    application_id: UUID
    enterprise_id: UUID
    item_id: UUID | None
    kind: str | None = Field(examples=["invoice"])
    number: str | None = Field(examples=["24372000000012345678"])
    same: str | None = Field(
        description="what is claimed twice: `invoice`, `contract`, `paper`, or within one application its `copy`",
        examples=["invoice"],
    )
    fen: int = Field(examples=[120_000_000])


class FlagOut(RowShape):
    """A flag: what was found between whom, and what became of it. A base leaves out the sales and items of confirmed ones."""

    id: UUID
    year: int
    detector: Detector
    detector_zh: str
    detector_en: str
    detector_version: int
    statement_sha256: str
    parameters: dict[str, Any] = Field(description="of `detectors.yaml`, as they were")
    members: list[UUID] = Field(description="participants; of a ring in its order, each selling to the next")
    sales: list[FlaggedSalesOut]
    claimed_items: list[FlaggedItemOut]
    figures: dict[str, Any]
    evidence_sha256: str
    trades: int
    amount_fen: int = Field(
        description="left of these sales after refunds, or taken off by these items, when it was raised",
        examples=[4_200_000],
    )
    state: FlagState
    state_zh: str
    state_en: str
    raised_by: UUID
    raised_at: datetime
    judged_by: UUID | None
    judged_at: datetime | None
    reason: str | None
    version: int


class SoldBetweenOut(RowShape):
    """What one member sold to another within a flag's terms, refunds taken off, as the books know it now."""

    provider_id: UUID
    provider_zh: str
    provider_en: str
    buyer_id: UUID
    buyer_zh: str
    buyer_en: str
    trades: int = Field(examples=[46])
    amount_fen: int = Field(examples=[4_408_305])
    first_at: datetime
    last_at: datetime


class FlagEvidenceOut(Shape):
    """The largest sum first."""

    sold: list[SoldBetweenOut]


class FlagEventIn(Body):
    """Each needs a reason."""

    event: Literal[FlagEvent.CONFIRM, FlagEvent.DISMISS, FlagEvent.REOPEN] = Field(examples=["confirm"])
    reason: Prose | None = Field(default=None, examples=["资金当日原路返回，合同无实际交付"])


class FlagEventsOut(AllowedEvents[FlagState, FlagEvent]):
    """What this actor may do with the flag now."""

    events: list[FlagEvent] = Field(examples=[["confirm", "dismiss"]])


@router.post("/detections", summary="Run the detectors over a year")
@takes_long
async def detect(
    actor: Detect, ledger_id: LedgerId, session: Writing, now: Now, body: DetectionIn
) -> DetectionOut:
    """By the parameters of the year's last day. Doing it again raises nothing twice."""
    found = await actions.detect(session, actor, ledger_id, body.year, now=now)
    return DetectionOut(
        year=body.year,
        raised=found.raised,
        lapsed=found.lapsed,
        back=found.back,
        detectors=[
            DetectorOut(
                detector=detector,
                detector_zh=detector.zh,
                detector_en=detector.en,
                found=number,
                whole=detector not in found.cut_short,
            )
            for detector, number in found.found.items()
        ],
    )


@router.get("/flags", summary="Integrity flags")
async def list_flags(
    actor: ReadSubsidy,
    ledger_id: LedgerId,
    session: Reading,
    paging: Paging[UUID],
    year: Annotated[int | None, Query(ge=2000, le=2999)] = None,
    state: FlagState | None = None,
    detector: Detector | None = None,
    participant: UUID | None = None,
) -> Page[FlagOut]:
    """In the order they were raised; of a participant, those of which it is a member."""
    rows = await queries.list_flags(
        session, ledger_id, year=year, state=state, detector=detector, participant=participant, page=paging
    )
    return page_of(rows, paging, FlagOut.of, lambda flag: [flag.id])


@router.get("/flags/{flag_id}", summary="One flag with its evidence")
async def get_flag(actor: ReadSubsidy, session: Reading, flag_id: UUID, response: Response) -> FlagOut:
    return FlagOut.tagged(await queries.get_flag(session, flag_id), response)


@router.get("/flags/{flag_id}/evidence", summary="Who sold how much to whom, of a flag")
async def get_flag_evidence(actor: ReadSubsidy, session: Reading, flag_id: UUID) -> FlagEvidenceOut:
    """Its sales summed by pair, for a drawing."""
    found = await queries.sold_within(session, await queries.get_flag(session, flag_id))
    return FlagEvidenceOut(sold=[SoldBetweenOut.of(one) for one in found])


@router.post("/flags/{flag_id}/events", summary="Confirm, dismiss or reopen a flag")
async def judge_flag(
    actor: Judge,
    session: Writing,
    now: Now,
    flag_id: UUID,
    body: FlagEventIn,
    response: Response,
    if_match: IfMatch = None,
) -> FlagOut:
    """By another account than ran the detectors. Only a snapshot taken afterwards knows of it."""
    flag = await queries.lock_flag(session, flag_id)
    check_tag(if_match, flag.version)
    judged = await actions.judge_flag(session, actor, flag, body.event, reason=body.reason, now=now)
    return FlagOut.tagged(judged, response)


@router.get("/flags/{flag_id}/allowed-events", summary="What may be done with a flag now")
async def allowed_flag_events(actor: ReadSubsidy, session: Reading, flag_id: UUID) -> FlagEventsOut:
    flag = await queries.get_flag(session, flag_id)
    state = FlagState(flag.state)
    may = actor.may(Permission.APPROVE_SUBSIDY) and actor.account_id != flag.raised_by
    return FlagEventsOut(
        state=state,
        events=[event for event in rules.FLAG_LIFE.open_in(state) if may and event in rules.BY_PERSONS],
    )
