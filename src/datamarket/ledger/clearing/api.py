"""/ledger/clearing: money that only waits, and since when."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Request
from pydantic import Field

from datamarket.auth.access import allow
from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.db import driver
from datamarket.foundation.http import (
    LimitsDep,
    Now,
    Page,
    Reading,
    Shape,
    SliceRouter,
    decode_cursor,
    page_of,
)
from datamarket.ledger.clearing import queries
from datamarket.ledger.terms import AccountKind

router = SliceRouter(prefix="/ledger", tags=["ledger"])


class ClearingOut(Shape):
    """A clearing account with a balance, which is positive on the credit side."""

    account_id: UUID
    owner_id: UUID | None
    kind: AccountKind
    label_zh: str = Field(examples=["在途付款"])
    label_en: str = Field(examples=["payout in transit"])
    balance_fen: int
    since: date = Field(description="the first day after it last ended a day at zero")
    days: int

    @classmethod
    def of(cls, age: queries.ClearingAge) -> "ClearingOut":
        zh, en = age.kind.labels
        return cls.model_validate(age._asdict() | {"label_zh": zh, "label_en": en})


@router.get("/clearing", summary="Clearing accounts with a balance, the longest waiting first")
async def list_clearing(
    actor: Annotated[Actor, allow(Permission.READ_LEDGER)],
    request: Request,
    session: Reading,
    limits: LimitsDep,
    now: Now,
) -> Page[ClearingOut]:
    """Money on its way: payable subsidies, escrow, payouts in transit, other cities. For overseers."""
    if not actor.sees_all:
        raise queries.ClearingForOverseers
    cursor = decode_cursor(limits.after, [date, UUID])
    ages = await queries.clearing_ages(
        await driver(session),
        request.app.state.settings.ledger_id,
        now,
        limit=limits.limit + 1,
        after=(cursor[0], cursor[1]) if cursor else None,
    )
    return page_of(ages, limits, ClearingOut.of, lambda age: [age.since, age.account_id])
