"""/ledger/clearing: money that only waits, and since when."""

from datetime import date
from uuid import UUID

from pydantic import Field

from datamarket.auth.access import ReadLedger
from datamarket.foundation.db import driver
from datamarket.foundation.http import (
    LedgerId,
    Now,
    Page,
    Paging,
    Reading,
    SliceRouter,
    page_of,
)
from datamarket.foundation.shapes import RowShape
from datamarket.ledger.clearing import queries
from datamarket.ledger.terms import AccountKind

router = SliceRouter(prefix="/ledger", tags=["ledger"])


class ClearingOut(RowShape):
    """A clearing account with a balance, which is positive on the credit side."""

    account_id: UUID
    owner_id: UUID | None
    kind: AccountKind
    label_zh: str = Field(examples=["在途付款"])
    label_en: str = Field(examples=["payout in transit"])
    balance_fen: int
    since: date = Field(description="the first day after it last ended a day at zero")
    days: int


@router.get("/clearing", summary="Clearing accounts with a balance, the longest waiting first")
async def list_clearing(
    actor: ReadLedger,
    ledger_id: LedgerId,
    session: Reading,
    paging: Paging[tuple[date, UUID]],
    now: Now,
) -> Page[ClearingOut]:
    """Money on its way: payable subsidies, escrow, payouts in transit, other cities. For overseers."""
    if not actor.sees_all:
        raise queries.ClearingForOverseers
    ages = await queries.clearing_ages(
        await driver(session),
        ledger_id,
        now,
        limit=paging.limit + 1,
        after=paging.after,
    )
    return page_of(
        ages,
        paging,
        lambda age: ClearingOut.of(age, **age.kind.named()),
        lambda age: [age.since, age.account_id],
    )
