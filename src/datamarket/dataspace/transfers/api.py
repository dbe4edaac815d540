"""/transfers: as the provider, and its own portal, see what connectors asked for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import Field

from datamarket.auth.access import ReadMarket, allow
from datamarket.auth.terms import Actor, Permission
from datamarket.dataspace.transfers import actions, queries, rules
from datamarket.dataspace.transfers.tables import TransferProcess
from datamarket.dataspace.transfers.terms import TransferProcessEvent, TransferProcessState
from datamarket.foundation.http import (
    API_PREFIX,
    AllowedEvents,
    Body,
    IfMatch,
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
from datamarket.foundation.shapes import RowShape

router = SliceRouter(prefix="/transfers", tags=["dataspace"])


class TransferOut(RowShape):
    """A transfer as it stands now: its state follows its contract's. `endpoint` is null unless it is started."""

    id: UUID
    contract_id: UUID
    provider_id: UUID
    buyer_id: UUID
    consumer_pid: str
    format: str = Field(examples=["HttpData-PULL"])
    state: TransferProcessState
    state_zh: str
    state_en: str
    reason: str | None
    endpoint: str | None = Field(examples=["/api/v1/contracts/018fdc6e-0c00-7000-8000-000000000001/uses"])
    created_at: datetime
    version: int


class TransferEventIn(Body):
    """`reason` is needed to suspend and to terminate."""

    event: TransferProcessEvent
    reason: Prose | None = None


class TransferEventsOut(AllowedEvents[TransferProcessState, TransferProcessEvent]):
    """What this caller may do with it now."""


async def _shown(session: Reading, rows: Sequence[TransferProcess], now: datetime) -> dict[UUID, TransferOut]:
    stand = await queries.authorisations(session, rows)
    shown = {}
    for row in rows:
        state = rules.shown_state(row.state, stand[row.contract_id], now)
        started = state is TransferProcessState.STARTED
        endpoint = f"{API_PREFIX}/contracts/{row.contract_id}/uses" if started else None
        shown[row.id] = TransferOut.of(row, state=state, endpoint=endpoint)
    return shown


@router.get("", summary="Transfers of your contracts, newest first")
async def list_transfers(
    actor: ReadMarket,
    session: Reading,
    paging: Paging[UUID],
    now: Now,
    contract: UUID | None = None,
    state: TransferProcessState | None = None,
) -> Page[TransferOut]:
    """`state` is the one to which the two sides moved it."""
    rows = await queries.list_transfers(
        session, visible_to=actor, contract=contract, state=state, page=paging
    )
    shown = await _shown(session, rows, now)
    return page_of(rows, paging, lambda row: shown[row.id], lambda row: [row.id])


@router.get("/{transfer_id}", summary="One transfer")
async def get_transfer(
    actor: ReadMarket, session: Reading, now: Now, transfer_id: UUID, response: Response
) -> TransferOut:
    row = await queries.get_transfer(session, transfer_id, visible_to=actor)
    tag(response, row.version)
    return (await _shown(session, [row], now))[row.id]


@router.post("/{transfer_id}/events", summary="Start, suspend, complete or terminate a transfer")
async def move_transfer(
    actor: Annotated[Actor, allow(Permission.CONCLUDE_CONTRACT)],
    session: Writing,
    now: Now,
    transfer_id: UUID,
    body: TransferEventIn,
    response: Response,
    if_match: IfMatch = None,
) -> TransferOut:
    """The consumer's connector is told, once it is committed."""
    row = await queries.lock_transfer(session, transfer_id, visible_to=actor)
    check_tag(if_match, row.version)
    await actions.move_transfer(session, actor, row, body.event, reason=body.reason, told=False, now=now)
    tag(response, row.version)
    return (await _shown(session, [row], now))[row.id]


@router.get("/{transfer_id}/allowed-events", summary="What you may do with it now")
async def allowed_transfer_events(
    actor: ReadMarket, session: Reading, now: Now, transfer_id: UUID
) -> TransferEventsOut:
    row = await queries.get_transfer(session, transfer_id, visible_to=actor)
    state = (await _shown(session, [row], now))[row.id].state
    stands = (await queries.authorisations(session, [row]))[row.contract_id]
    side = actor.participant_id
    events = rules.moves_of(
        state,
        of_side=side in {row.provider_id, row.buyer_id},
        by_provider=side == row.provider_id,
        held=rules.is_held(stands, now),
    )
    return TransferEventsOut(state=state, events=events)
