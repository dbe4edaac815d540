"""/ledger/city-transfers: a buyer's money goes to another city, and the two cities settle."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Response
from pydantic import Field

from datamarket.auth.access import MakePayout, ReadLedger
from datamarket.foundation.http import (
    AllowedEvents,
    Body,
    IfMatch,
    LedgerId,
    Now,
    Page,
    Paging,
    PositiveFenIn,
    Prose,
    Reading,
    ShortText,
    SliceRouter,
    Writing,
    check_tag,
    page_of,
)
from datamarket.foundation.money import Fen
from datamarket.foundation.shapes import RowShape
from datamarket.ledger.cities import actions, queries
from datamarket.ledger.cities.terms import TransferDirection, TransferEvent, TransferState

router = SliceRouter(prefix="/ledger", tags=["ledger"])
CityCode = Annotated[
    int, Field(strict=True, ge=110000, le=659999, description="the city's GB/T 2260 code", examples=[370100])
]


class CityTransferIn(Body):
    """Money of a buyer that goes on in another city."""

    owner_id: UUID
    to_ledger: CityCode
    amount_fen: PositiveFenIn = Field(examples=[1_000_000])
    reference: ShortText = Field(examples=["transfer order 20240603-01"], description="used once per city")


class CityTransferOut(RowShape):
    """This city's side of a transfer; the other city has one with the same id."""

    id: UUID
    direction: TransferDirection = Field(examples=["outgoing"])
    ledger_id: int = Field(examples=[370200], description="this city")
    other_ledger: int = Field(examples=[370100], description="the other city")
    owner_id: UUID
    amount_fen: int
    reference: str
    clearing_id: UUID = Field(description="the account on which it waits for bank money")
    state: TransferState = Field(examples=["sent"])
    state_zh: str = Field(examples=["已汇出"])
    state_en: str = Field(examples=["sent"])
    sent_at: datetime
    received_at: datetime | None
    settled_at: datetime | None
    version: int


class CityTransferEventIn(Body):
    """`receive` is not among them: the market does it by itself."""

    event: Literal["settle"] = Field(examples=["settle"])
    reason: Prose | None = None


class CityTransferEventsOut(AllowedEvents[TransferState, TransferEvent]):
    """What this caller may do now."""


@router.post("/city-transfers", status_code=201, summary="Send a buyer's money to another city")
async def send_to_city(
    actor: MakePayout,
    ledger_id: LedgerId,
    response: Response,
    session: Writing,
    now: Now,
    body: CityTransferIn,
) -> CityTransferOut:
    """It leaves this city's books now, and arrives in the other's in a transaction of its own."""
    row = await actions.send(
        session,
        actor,
        ledger_id,
        owner_id=body.owner_id,
        to_ledger=body.to_ledger,
        amount_fen=Fen(body.amount_fen),
        reference=body.reference,
        now=now,
    )
    return CityTransferOut.tagged(row, response)


@router.get("/city-transfers", summary="Transfers to and from other cities, newest first")
async def list_city_transfers(
    actor: ReadLedger, ledger_id: LedgerId, session: Reading, paging: Paging[UUID]
) -> Page[CityTransferOut]:
    """Your organisation's; overseers see all."""
    rows = await queries.list_transfers(
        session,
        ledger_id,
        visible_to=actor,
        page=paging,
    )
    return page_of(rows, paging, CityTransferOut.of, lambda row: [row.id])


@router.get("/city-transfers/{city_transfer_id}", summary="One transfer, as this city sees it")
async def get_city_transfer(
    actor: ReadLedger, ledger_id: LedgerId, response: Response, session: Reading, city_transfer_id: UUID
) -> CityTransferOut:
    row = await queries.get_transfer(session, ledger_id, city_transfer_id, visible_to=actor)
    return CityTransferOut.tagged(row, response)


@router.post("/city-transfers/{city_transfer_id}/events", summary="Settle a transfer with bank money")
async def move_city_transfer(
    actor: MakePayout,
    ledger_id: LedgerId,
    response: Response,
    session: Writing,
    now: Now,
    city_transfer_id: UUID,
    body: CityTransferEventIn,
    if_match: IfMatch = None,
) -> CityTransferOut:
    """Each city settles its own side: the sender pays first, then the receiver takes in."""
    row = await queries.lock_transfer(session, ledger_id, city_transfer_id, visible_to=actor)
    check_tag(if_match, row.version)
    moved = await actions.move_transfer(
        session, actor, row, TransferEvent.SETTLE, reason=body.reason, now=now
    )
    return CityTransferOut.tagged(moved, response)


@router.get("/city-transfers/{city_transfer_id}/allowed-events", summary="What may happen to a transfer now")
async def allowed_city_transfer_events(
    actor: ReadLedger, ledger_id: LedgerId, session: Reading, city_transfer_id: UUID
) -> CityTransferEventsOut:
    row = await queries.get_transfer(session, ledger_id, city_transfer_id, visible_to=actor)
    return CityTransferEventsOut(
        state=TransferState(row.state), events=await queries.open_events(session, actor, row)
    )
