"""Reading a participant's month: what moved on its accounts, and the business that each movement settles."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.foundation.db import driver
from datamarket.foundation.errors import NotFound
from datamarket.ledger.statements.queries import OwnedMovement
from datamarket.participants import queries as participants

_SOURCES = """
SELECT s.id, t.id AS trade_id, t.use_id, coalesce(o.id, p.id) AS order_id, coalesce(t.contract_id, o.contract_id) AS contract_id,
       t.product_id, t.buyer_id, t.provider_id, coalesce(t.quantity, o.quantity) AS quantity,
       coalesce(t.unit_price_fen, o.unit_price_fen) AS unit_price_fen,
       coalesce(r.amount_fen, t.amount_fen, o.amount_fen) AS gross_fen
  FROM unnest($1::uuid[]) AS s (id) LEFT JOIN refund AS r ON r.id = s.id
  LEFT JOIN trade AS t ON t.id = coalesce(r.trade_id, s.id)
  LEFT JOIN trade_order AS o ON o.id = s.id
  LEFT JOIN trade_order AS p ON p.trade_id = t.id
 WHERE $2 IN (t.buyer_id, t.provider_id, o.buyer_id, o.provider_id)
"""


class SettledBusiness(NamedTuple):
    """What a movement settles; `gross_fen` is the whole amount, of which the movement is the owner's part."""

    trade_id: UUID | None = None
    use_id: UUID | None = None
    order_id: UUID | None = None
    contract_id: UUID | None = None
    product_id: UUID | None = None
    buyer_id: UUID | None = None
    provider_id: UUID | None = None
    quantity: int | None = None
    unit_price_fen: int | None = None
    gross_fen: int | None = None


class MonthLine(NamedTuple):
    """A movement beside its business; what no trade or order of the owner's own caused stands alone."""

    moved: OwnedMovement
    of: SettledBusiness


async def check_owner(session: AsyncSession, participant_id: UUID, *, visible_to: Actor) -> None:
    """Whose statement it is: one's own organisation, or any for overseers. Raises NotFound."""
    if not visible_to.sees_all and visible_to.participant_id != participant_id:
        raise NotFound(thing="participant")
    await participants.get_participant(session, participant_id)


async def lines_of(
    session: AsyncSession, owner_id: UUID, movements: Sequence[OwnedMovement]
) -> list[MonthLine]:
    """One statement for all movements; both sides of a trade know its price, others know their own part alone."""
    sources = list({moved.source_id for moved in movements})
    rows: Sequence[Any] = await (await driver(session)).fetch(_SOURCES, sources, owner_id)
    known = {row["id"]: SettledBusiness(*list(row)[1:]) for row in rows}
    return [MonthLine(moved, known.get(moved.source_id, SettledBusiness())) for moved in movements]
