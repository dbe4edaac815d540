"""/bank: the bank's statements, their lines, and both sides compared to the fen."""

from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field

from datamarket.auth.access import ReadLedger, allow
from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.db import driver
from datamarket.foundation.http import (
    Body,
    DateIn,
    FileText,
    LedgerId,
    Now,
    Page,
    Paging,
    Prose,
    Reading,
    Shape,
    SliceRouter,
    Writing,
    page_of,
)
from datamarket.foundation.shapes import RowShape
from datamarket.foundation.waiting.patience import takes_long
from datamarket.payouts.bank import actions, queries
from datamarket.payouts.bank.terms import MatchState

router = SliceRouter(prefix="/bank", tags=["payouts"])
ReconcileBank = Annotated[Actor, allow(Permission.RECONCILE_BANK)]


class BankStatementIn(Body):
    """A day at the bank as CSV: an opening row, a row for each movement, a closing row."""

    statement: FileText = Field(
        examples=[
            (
                "record,value_on,reference,amount,text\n"
                "opening,2024-06-03,,0.00,\n"
                "line,2024-06-03,bank advice 20240603-0001,50000.00,deposit\n"
                "closing,2024-06-03,,50000.00,\n"
            )
        ]
    )


class BankStatementOut(RowShape):
    id: UUID
    sha256: str
    day: date
    opening_fen: int
    closing_fen: int
    lines: int
    imported_by: UUID = Field(validation_alias="actor_id")
    imported_at: datetime


class BankLineOut(RowShape):
    """A movement at the bank: what came in is positive. `entry_on` is the accounting day of its entry."""

    id: UUID
    statement_id: UUID
    position: int
    day: date
    value_on: date
    amount_fen: int
    reference: str
    text: str
    match_state: MatchState
    match_state_zh: str = Field(examples=["自动匹配"])
    match_state_en: str = Field(examples=["matched"])
    entry_id: UUID | None
    entry_on: date | None
    match_reason: str | None
    version: int


class OpenEntryOut(Shape):
    """An entry of the books that has no line of the bank by that day; money in is positive."""

    entry_id: UUID
    kind: str
    source_type: str
    source_id: UUID
    on: date
    amount_fen: int


class AtBankOnlyOut(RowShape):
    count: int
    sum_fen: int
    oldest: list[BankLineOut] = Field(description="at most 100")


class InBooksOnlyOut(Shape):
    count: int
    sum_fen: int
    oldest: list[OpenEntryOut] = Field(description="at most 100")


class ReconciliationOut(RowShape):
    """difference = opening difference + at bank only − in books only; what is left is `unexplained_fen`."""

    day: date
    statement_day: date = Field(description="of the last statement by that day")
    bank_fen: int
    books_fen: int
    difference_fen: int
    opening_difference_fen: int = Field(description="before the first statement: bank less books")
    matched: int
    at_bank_only: AtBankOnlyOut
    in_books_only: InBooksOnlyOut
    unexplained_fen: int = Field(description="always 0, or something is broken")

    @classmethod
    def of(cls, row: queries.Reconciliation, **derived: Any) -> Self:
        bank = row.at_bank_only
        lines = AtBankOnlyOut.of(bank, oldest=[BankLineOut.of(line) for line in bank.oldest])
        return super().of(row, at_bank_only=lines, **derived)


class MatchIn(Body):
    entry_id: UUID
    reason: Prose = Field(examples=["银行摘要写错了付款编号，金额、日期与收款方一致"])


class MatchingOut(Shape):
    matched: int


@router.post("/statements", status_code=201, summary="Import a day's statement")
@takes_long
async def import_statement(
    actor: ReconcileBank, ledger_id: LedgerId, session: Writing, now: Now, body: BankStatementIn
) -> BankStatementOut:
    """Once, in the order of days, and only when it adds up; lines are matched by their reference at once."""
    return BankStatementOut.of(
        await actions.import_statement(session, actor, ledger_id, body.statement, now=now)
    )


@router.get("/statements", summary="Statements, newest first")
async def list_statements(
    actor: ReadLedger, ledger_id: LedgerId, session: Reading, paging: Paging[date]
) -> Page[BankStatementOut]:
    queries.check_overseer(actor)
    rows = await queries.list_statements(session, ledger_id, page=paging)
    return page_of(rows, paging, BankStatementOut.of, lambda statement: [statement.day])


@router.get("/lines", summary="The bank's movements, day after day")
async def list_bank_lines(
    actor: ReadLedger,
    ledger_id: LedgerId,
    session: Reading,
    paging: Paging[tuple[date, int]],
    day: Annotated[DateIn | None, Query(description="of this day alone")] = None,
    match_state: MatchState | None = None,
) -> Page[BankLineOut]:
    queries.check_overseer(actor)
    rows = await queries.list_lines(
        session,
        ledger_id,
        day=day,
        match_state=match_state,
        page=paging,
    )
    return page_of(rows, paging, BankLineOut.of, lambda line: [line.day, line.position])


@router.post("/lines/{bank_line_id}/match", summary="Match a line by hand")
async def match_line(
    actor: ReconcileBank,
    ledger_id: LedgerId,
    response: Response,
    session: Writing,
    now: Now,
    bank_line_id: UUID,
    body: MatchIn,
) -> BankLineOut:
    """With a reason, and only where the amounts are equal."""
    line = await queries.lock_line(session, ledger_id, bank_line_id)
    matched = await actions.match_by_hand(
        session, actor, line, entry_id=body.entry_id, reason=body.reason, now=now
    )
    return BankLineOut.tagged(matched, response)


@router.post("/matching", summary="Look again for the entries of open lines")
@takes_long
async def match_again(actor: ReconcileBank, ledger_id: LedgerId, session: Writing, now: Now) -> MatchingOut:
    """For deposits that were entered after their statement; advice looks by itself."""
    return MatchingOut(matched=await actions.match_again(session, actor, ledger_id, now=now))


@router.get("/reconciliation", summary="Bank against books at the end of a day", responses={404: {}})
@takes_long
async def reconcile(
    actor: ReadLedger,
    ledger_id: LedgerId,
    session: Reading,
    day: Annotated[DateIn, Query(description="at the end of this day")],
) -> ReconciliationOut:
    """What is matched, what only one side knows, and a difference that these explain to the fen."""
    queries.check_overseer(actor)
    return ReconciliationOut.of(await queries.reconcile(await driver(session), ledger_id, day))
