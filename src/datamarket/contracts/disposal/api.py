"""/contracts/{id}/disposal: the duty at the end, and its proof."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import Field, StringConstraints

from datamarket.auth.access import ReadMarket, allow
from datamarket.auth.terms import Actor, Permission
from datamarket.contracts import queries as contracts
from datamarket.contracts.disposal import actions, queries
from datamarket.contracts.disposal.terms import DisposalKind, DisposalState
from datamarket.foundation.http import Body, IfMatch, Now, Reading, SliceRouter, Writing, check_tag
from datamarket.foundation.shapes import RowShape

router = SliceRouter(prefix="/contracts", tags=["contracts"])
ProveDisposal = Annotated[Actor, allow(Permission.USE_CONTRACT)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class DisposalIn(Body):
    """What was done with the data, and the SHA-256 of what the buyer keeps as evidence of it."""

    kind: DisposalKind = Field(examples=["deleted"])
    digest: Digest = Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])


class DisposalOut(RowShape):
    """The duty: by when, and how it was met."""

    contract_id: UUID
    state: DisposalState
    state_zh: str
    state_en: str
    due_at: datetime
    kind: DisposalKind | None
    digest: str | None
    proved_at: datetime | None
    version: int


@router.get("/{contract_id}/disposal", summary="What becomes of the data at the end")
async def get_disposal(
    actor: ReadMarket, session: Reading, contract_id: UUID, response: Response
) -> DisposalOut:
    await contracts.get_contract(session, contract_id, visible_to=actor)
    return DisposalOut.tagged(await queries.get_disposal(session, contract_id), response)


@router.post("/{contract_id}/disposal", summary="Prove that the data were deleted or returned")
async def prove_disposal(
    actor: ProveDisposal,
    session: Writing,
    now: Now,
    contract_id: UUID,
    body: DisposalIn,
    response: Response,
    if_match: IfMatch = None,
) -> DisposalOut:
    """Late is better than never: an overdue duty is proved in the same way."""
    contract = await contracts.get_contract(session, contract_id, visible_to=actor)
    duty = await queries.lock_disposal(session, contract_id)
    check_tag(if_match, duty.version)
    proved = await actions.prove_disposal(session, actor, contract, duty, **dict(body), now=now)
    return DisposalOut.tagged(proved, response)
