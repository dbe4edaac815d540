"""/statements: what a participant's month came to, line by line with the ledger, by page or as a file."""

import asyncio
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field

from datamarket.auth.access import ReadLedger
from datamarket.foundation.http import LedgerId, Paging, Reading, Shape, SliceRouter, page_of
from datamarket.foundation.shapes import RowShape, attached
from datamarket.foundation.spreadsheets import cells
from datamarket.foundation.waiting.patience import takes_long
from datamarket.ledger.periods.api import PeriodNumber
from datamarket.ledger.statements import queries as ledger
from datamarket.ledger.terms import AccountKind
from datamarket.participants import queries as participants
from datamarket.trading.statements import files, queries
from datamarket.trading.statements.queries import MonthLine

router = SliceRouter(prefix="/statements", tags=["trading"])


class MonthFormat(StrEnum):
    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"
    FOCUS = "focus"


class MonthAccountOut(RowShape):
    """`opening_fen` and what the lines of this account move make `closing_fen`, all positive on its normal side."""

    account_id: UUID
    kind: AccountKind = Field(examples=["buyer_funds"])
    kind_zh: str = Field(examples=["需方预存资金"])
    kind_en: str = Field(examples=["buyer's funds"])
    opening_fen: int
    debit_fen: int
    credit_fen: int
    closing_fen: int


class MonthLineOut(RowShape):
    """A movement on one account, and the use or order, trade and contract that it settles."""

    account_id: UUID
    account_kind: AccountKind = Field(examples=["buyer_funds"])
    entry_id: UUID
    seq: int
    day: date = Field(description="the accounting day", examples=["2024-06-03"])
    kind: str = Field(examples=["settlement"])
    effective_at: datetime
    source_type: str = Field(examples=["trade"])
    source_id: UUID
    amount_fen: int = Field(description="positive where it adds to the balance")
    trade_id: UUID | None
    use_id: UUID | None
    order_id: UUID | None
    contract_id: UUID | None
    quantity: int | None
    unit_price_fen: int | None
    gross_fen: int | None = Field(description="the whole amount, of which this movement is a part")

    @classmethod
    def of(cls, row: MonthLine, **derived: Any) -> Self:
        return super().of(row.moved, **row.of._asdict(), **derived)


class MonthStatementOut(Shape):
    """Every account of the participant over the month, and one page of what moved on them."""

    participant_id: UUID
    period: int = Field(examples=[202406])
    accounts: list[MonthAccountOut]
    items: list[MonthLineOut]
    next: str | None = None


@router.get(
    "/{participant_id}/{period}",
    summary="A participant's month: each movement beside the use or order, trade and contract that it settles",
    response_model=MonthStatementOut,
    responses={
        200: {
            "content": {
                cells.CSV: {"schema": {"type": "string"}},
                cells.WORKBOOK: {"schema": {"type": "string", "format": "binary"}},
            }
        },
        409: {},
    },
)
@takes_long
async def read_month(
    actor: ReadLedger,
    ledger_id: LedgerId,
    session: Reading,
    paging: Paging[tuple[UUID, UUID, int]],
    participant_id: UUID,
    period: PeriodNumber,
    form: Annotated[
        MonthFormat,
        Query(alias="format", description="csv, xlsx: all lines; focus: what was charged, as FOCUS 1.0"),
    ] = MonthFormat.JSON,
) -> MonthStatementOut | Response:
    """By accounting month, one account after the other, each in the order of posting; a file holds at most 20,000 lines."""
    await queries.check_owner(session, participant_id, visible_to=actor)
    if form is MonthFormat.JSON:
        moved = await ledger.owned_movements(session, ledger_id, participant_id, period, page=paging)
        lines = await queries.lines_of(session, participant_id, moved)
        page = page_of(lines, paging, MonthLineOut.of, lambda line: line.moved[0:1] + line.moved[2:4])
        accounts = await ledger.owned_accounts(session, ledger_id, participant_id, period)
        return MonthStatementOut(
            participant_id=participant_id,
            period=period,
            accounts=[MonthAccountOut.of(account) for account in accounts],
            items=page.items,
            next=page.next,
        )
    moved = await ledger.all_owned_movements(session, ledger_id, participant_id, period)
    lines = await queries.lines_of(session, participant_id, moved)
    name = f"statement-{participant_id}-{period}"
    if form is MonthFormat.XLSX:
        accounts = await ledger.owned_accounts(session, ledger_id, participant_id, period)
        book = await asyncio.to_thread(files.as_workbook, accounts, lines)
        return attached(book, cells.WORKBOOK, f"{name}.xlsx")
    if form is MonthFormat.CSV:
        return attached(files.as_csv(lines), cells.CSV, f"{name}.csv")
    parties = {key for line in lines for key in (line.of.buyer_id, line.of.provider_id) if key}
    found = await participants.participants_by_ids(session, parties)
    names = {key: row.name_en for key, row in found.items()}
    return attached(files.as_focus(participant_id, period, lines, names), cells.CSV, f"{name}-focus.csv")
