"""/ledger/accounts/{id}/statement: the statement of an account, by page or as a file."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field

from datamarket.auth.access import ReadLedger
from datamarket.foundation.clock import business_date, month_of_day
from datamarket.foundation.db import PageAsked
from datamarket.foundation.http import (
    DateIn,
    LedgerId,
    Now,
    Paging,
    Reading,
    SliceRouter,
    page_of,
)
from datamarket.foundation.inputs.cursors import CursorInvalid
from datamarket.foundation.money import yuan
from datamarket.foundation.shapes import RowShape, attached
from datamarket.foundation.spreadsheets import cells
from datamarket.foundation.waiting.patience import takes_long
from datamarket.ledger.books import queries as books
from datamarket.ledger.statements import queries
from datamarket.ledger.statements.queries import Movement, Position, Statement
from datamarket.ledger.terms import AccountKind

router = SliceRouter(prefix="/ledger", tags=["ledger"])
_HEADINGS = (
    "记账日 accounting day",
    "生效时间 effective at",
    "业务 kind",
    "来源 source",
    "来源编号 source id",
    "分录 entry",
    "借方（元） debit (yuan)",
    "贷方（元） credit (yuan)",
    "余额（元） balance (yuan)",
)


class StatementFormat(StrEnum):
    JSON = "json"
    CSV = "csv"


class StatementLineOut(RowShape):
    """A movement: a debit is positive, a credit negative; the balance after it is positive on the normal side."""

    day: date = Field(description="the accounting day", examples=["2024-06-03"])
    period: int
    entry_id: UUID
    seq: int
    kind: str
    effective_at: datetime
    recorded_at: datetime
    source_type: str
    source_id: UUID
    amount_fen: int
    balance_fen: int

    @classmethod
    def of(cls, row: Movement, **derived: Any) -> Self:
        at = row.position
        return super().of(row, period=at.period, entry_id=at.entry_id, seq=at.seq, **derived)


class StatementOut(RowShape):
    """The range as a whole, and one page of its movements in the order of posting.

    `opening_fen` + what moved = `closing_fen`, all positive on the normal side. `brought_forward_fen` is what
    stood before the first movement of this page: each page can be checked by itself.
    """

    account_id: UUID
    label_zh: str
    label_en: str
    normal_side: str
    from_on: date
    to_on: date
    opening_fen: int
    debit_fen: int
    credit_fen: int
    closing_fen: int
    brought_forward_fen: int
    items: list[StatementLineOut]
    next: str | None = None


@router.get(
    "/accounts/{account_id}/statement",
    summary="The statement of an account: opening, movements with the running balance, closing",
    response_model=StatementOut,
    responses={200: {"content": {cells.CSV: {"schema": {"type": "string"}}}}, 409: {}},
)
@takes_long
async def read_statement(
    actor: ReadLedger,
    ledger_id: LedgerId,
    session: Reading,
    now: Now,
    paging: Paging[tuple[int, UUID, int, int]],
    account_id: UUID,
    from_on: Annotated[
        DateIn | None, Query(alias="from", description="included; by default the first of the month of `to`")
    ] = None,
    to_on: Annotated[DateIn | None, Query(alias="to", description="included; by default today")] = None,
    form: Annotated[
        StatementFormat, Query(alias="format", description="csv: the whole range in one file")
    ] = StatementFormat.JSON,
) -> StatementOut | Response:
    """By accounting day, both days included. Oldest first; a file holds at most 20,000 movements."""
    found = await books.get_account(session, ledger_id, account_id, visible_to=actor)
    to_on = to_on or business_date(now)
    from_on = from_on or to_on.replace(day=1)
    if paging.after and paging.after[0] < month_of_day(from_on):
        raise CursorInvalid  # the range of today, begun last month
    if form is StatementFormat.CSV:
        whole = await queries.whole_statement(session, found.account, from_on=from_on, to_on=to_on)
        return _file(whole)
    statement = await queries.read_statement(
        session,
        found.account,
        from_on=from_on,
        to_on=to_on,
        page=PageAsked(paging.limit, Position(*paging.after) if paging.after else None),
    )
    page = page_of(statement.movements, paging, StatementLineOut.of, lambda movement: movement.position)
    return StatementOut.of(
        statement,
        account_id=account_id,
        normal_side=found.account.normal_side,
        **AccountKind(found.account.kind).named(),
        items=page.items,
        next=page.next,
    )


def _file(statement: Statement) -> Response:
    """Opening and closing balance are rows of their own; amounts are yuan."""

    def ends(name: str, on: date, balance: int) -> tuple[str, ...]:
        return (on.isoformat(), "", name, "", "", "", "", "", yuan(balance))

    rows = [
        ends("期初余额 opening balance", statement.from_on, statement.opening_fen),
        *(
            (
                moved.day.isoformat(),
                moved.effective_at.isoformat(),
                moved.kind,
                moved.source_type,
                str(moved.source_id),
                str(moved.position.entry_id),
                yuan(moved.amount_fen) if moved.amount_fen > 0 else "",
                yuan(-moved.amount_fen) if moved.amount_fen < 0 else "",
                yuan(moved.balance_fen),
            )
            for moved in statement.movements
        ),
        ends("期末余额 closing balance", statement.to_on, statement.closing_fen),
    ]
    name = f"statement-{statement.account.id}-{statement.from_on}-{statement.to_on}.csv"
    return attached(cells.csv_of(_HEADINGS, rows), cells.CSV, name)
