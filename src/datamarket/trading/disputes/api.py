"""/trades/{id}/disputes: what a party does not accept of a trade, and its outcome."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import Field

from datamarket.auth.access import ReadMarket, Settling, allow
from datamarket.auth.terms import Actor, Permission
from datamarket.contracts.terms import Party
from datamarket.foundation.errors import NotFound
from datamarket.foundation.http import (
    AllowedEvents,
    Body,
    FenIn,
    IfMatch,
    Now,
    Page,
    Paging,
    PositiveFenIn,
    Prose,
    Reading,
    Shape,
    ShortText,
    SliceRouter,
    check_tag,
    page_of,
)
from datamarket.foundation.money import Fen
from datamarket.foundation.shapes import RowShape
from datamarket.trading import queries as trades
from datamarket.trading.disputes import actions, queries, rules
from datamarket.trading.disputes.tables import TradeDispute
from datamarket.trading.disputes.terms import DisputeEvent, DisputeState

router = SliceRouter(prefix="/trades", tags=["trading"])
MOST_DOCUMENTS = 20
"""Of one side: their digests are facts of one audit event."""


class DocumentIn(Body):
    """A document that its side keeps: how it is called, and its SHA-256."""

    name: ShortText = Field(examples=["质量检测报告.pdf"])
    digest: str = Field(
        pattern=r"^[0-9a-f]{64}$",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )


class DocumentOut(Shape):
    """A document, by its name and SHA-256."""

    name: str
    digest: str


DocumentsIn = Annotated[list[DocumentIn], Field(max_length=MOST_DOCUMENTS)]


class DisputeIn(Body):
    """What is not accepted of a trade, and why."""

    amount_fen: PositiveFenIn | None = Field(default=None, description="null: all that is left of the trade")
    reason: Prose = Field(examples=["交付的数据与质量附件不符"])
    documents: DocumentsIn = Field(default=[])


class DisputeEventIn(Body):
    """`amount_fen` goes with `offer` and `decide`, `documents` with `answer`; an answer and a decision need a reason."""

    event: DisputeEvent = Field(examples=["offer"])
    amount_fen: FenIn | None = Field(default=None, examples=[3_000])
    reason: Prose | None = None
    documents: DocumentsIn = Field(default=[])


class DisputeOut(RowShape):
    """A dispute as both sides and the authority see it."""

    id: UUID
    trade_id: UUID
    state: DisputeState
    state_zh: str
    state_en: str
    buyer_id: UUID
    provider_id: UUID
    opened_by: Party
    amount_fen: int = Field(description="while it is open, frozen: not refunded otherwise", examples=[3_000])
    reason: str
    documents: list[DocumentOut]
    answer_by: datetime = Field(description="from then on the authority decides without an answer")
    answer: str | None
    answer_documents: list[DocumentOut]
    answered_at: datetime | None
    offered_by: Party | None
    offered_fen: int | None = Field(description="what the other side may settle for")
    hold_id: UUID | None = Field(description="the provider's income held meanwhile; null: none was left")
    outcome_fen: int | None
    outcome_reason: str | None
    refund_id: UUID | None
    opened_at: datetime
    closed_at: datetime | None
    version: int


class DisputeEventsOut(AllowedEvents[DisputeState, DisputeEvent]):
    """What this actor may do with the dispute now."""

    events: list[DisputeEvent] = Field(examples=[["answer", "offer"]])


def _documents(given: list[DocumentIn]) -> list[dict[str, str]]:
    return [document.model_dump() for document in given]


def _of_trade(dispute: TradeDispute, trade_id: UUID) -> TradeDispute:
    """A dispute is found under its own trade. Raises NotFound."""
    if dispute.trade_id != trade_id:
        raise NotFound(thing="dispute")
    return dispute


@router.post("/{trade_id}/disputes", status_code=201, summary="Dispute a trade, in part or whole")
async def open_dispute(
    actor: Annotated[Actor, allow(Permission.DISPUTE_TRADE)],
    session: Settling,
    now: Now,
    trade_id: UUID,
    body: DisputeIn,
    response: Response,
) -> DisputeOut:
    """Either party may; the other answers in time. What the provider would give back of its income is held."""
    trade = await trades.lock_trade(session, trade_id, visible_to=actor)
    dispute = await actions.open_dispute(
        session,
        actor,
        trade,
        amount_fen=None if body.amount_fen is None else Fen(body.amount_fen),
        reason=body.reason,
        documents=_documents(body.documents),
        now=now,
    )
    return DisputeOut.tagged(dispute, response)


@router.get("/{trade_id}/disputes", summary="The disputes of a trade")
async def list_disputes(
    actor: ReadMarket, session: Reading, paging: Paging[UUID], trade_id: UUID
) -> Page[DisputeOut]:
    """Oldest first; at most one of them is open."""
    await trades.get_trade(session, trade_id, visible_to=actor)
    rows = await queries.list_disputes(session, visible_to=actor, trade=trade_id, page=paging)
    return page_of(rows, paging, DisputeOut.of, lambda dispute: [dispute.id])


@router.get("/{trade_id}/disputes/{dispute_id}", summary="One dispute")
async def get_dispute(
    actor: ReadMarket, session: Reading, trade_id: UUID, dispute_id: UUID, response: Response
) -> DisputeOut:
    row = _of_trade(await queries.get_dispute(session, dispute_id, visible_to=actor), trade_id)
    return DisputeOut.tagged(row, response)


@router.post(
    "/{trade_id}/disputes/{dispute_id}/events", summary="Answer, offer, settle, decide or withdraw a dispute"
)
async def move_dispute(
    actor: ReadMarket,
    session: Settling,
    now: Now,
    trade_id: UUID,
    dispute_id: UUID,
    body: DisputeEventIn,
    response: Response,
    if_match: IfMatch = None,
) -> DisputeOut:
    """The other side answers; either offers an amount, and the other settles for it; the authority decides; the opener withdraws."""
    trade = await trades.lock_trade(session, trade_id, visible_to=actor)
    dispute = _of_trade(await queries.lock_dispute(session, dispute_id, visible_to=actor), trade_id)
    check_tag(if_match, dispute.version)
    moved = await actions.move_dispute(
        session,
        actor,
        trade,
        dispute,
        body.event,
        amount_fen=body.amount_fen,
        reason=body.reason,
        documents=_documents(body.documents),
        now=now,
    )
    return DisputeOut.tagged(moved, response)


@router.get(
    "/{trade_id}/disputes/{dispute_id}/allowed-events",
    summary="What you may do with a dispute now",
    responses={409: {}},
)
async def allowed_dispute_events(
    actor: ReadMarket, session: Reading, now: Now, trade_id: UUID, dispute_id: UUID
) -> DisputeEventsOut:
    row = _of_trade(await queries.get_dispute(session, dispute_id, visible_to=actor), trade_id)
    side = rules.side_of(actor, buyer_id=row.buyer_id, provider_id=row.provider_id)
    events = rules.events_open_to(actions.facts_of(row), side, now=now)
    return DisputeEventsOut(state=DisputeState(row.state), events=events)
