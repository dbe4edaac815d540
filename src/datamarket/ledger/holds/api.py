"""/ledger/holds: money set aside, to read. Each hold is placed and resolved by the business it belongs to."""

from datetime import datetime
from uuid import UUID

from fastapi import Response
from pydantic import Field

from datamarket.auth.access import ReadLedger
from datamarket.foundation.http import (
    LedgerId,
    Page,
    Paging,
    Reading,
    SliceRouter,
    page_of,
)
from datamarket.foundation.shapes import RowShape
from datamarket.ledger.holds import queries
from datamarket.ledger.holds.terms import HoldState

router = SliceRouter(prefix="/ledger/holds", tags=["ledger"])


class HoldOut(RowShape):
    """Money set aside on an account: amount = posted + voided + expired + still held."""

    id: UUID
    account_id: UUID
    state: HoldState
    state_zh: str = Field(examples=["已冻结"])
    state_en: str = Field(examples=["held"])
    amount_fen: int = Field(examples=[300_000])
    posted_fen: int = Field(examples=[0])
    voided_fen: int = Field(examples=[0])
    expired_fen: int = Field(examples=[0])
    held_fen: int = Field(description="what is still held", examples=[300_000])
    expires_at: datetime
    source_type: str = Field(description="the business it belongs to", examples=["order"])
    source_id: UUID
    reason: str | None
    created_at: datetime
    resolved_at: datetime | None
    version: int


class HoldPostingOut(RowShape):
    """An entry that took from a hold."""

    entry_id: UUID
    amount_fen: int


class WholeHoldOut(HoldOut):
    """A hold with the entries that took from it."""

    postings: list[HoldPostingOut]


@router.get("", summary="Money set aside, newest first")
async def list_holds(
    actor: ReadLedger,
    ledger_id: LedgerId,
    session: Reading,
    paging: Paging[UUID],
    account: UUID | None = None,
    state: HoldState | None = None,
) -> Page[HoldOut]:
    """On your organisation's accounts; overseers see all."""
    rows = await queries.list_holds(
        session,
        ledger_id,
        visible_to=actor,
        account=account,
        state=state,
        page=paging,
    )
    return page_of(rows, paging, HoldOut.of, lambda hold: [hold.id])


@router.get("/{hold_id}", summary="One hold")
async def get_hold(
    actor: ReadLedger, ledger_id: LedgerId, response: Response, session: Reading, hold_id: UUID
) -> WholeHoldOut:
    hold = await queries.get_hold(session, ledger_id, hold_id, visible_to=actor)
    taken = await queries.postings_of(session, ledger_id, hold_id)
    postings = [HoldPostingOut.of(posting) for posting in taken]
    return WholeHoldOut.tagged(hold, response, postings=postings)
