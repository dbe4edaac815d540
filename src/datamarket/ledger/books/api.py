"""/ledger: accounts, movements, entries, trial balance, deposits."""

from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field

from datamarket.auth.access import ReadLedger, allow
from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.http import (
    Body,
    DateIn,
    LedgerId,
    Now,
    Page,
    Paging,
    PositiveFenIn,
    Reading,
    Shape,
    ShortText,
    SliceRouter,
    Writing,
    page_of,
    tag,
)
from datamarket.foundation.money import Fen
from datamarket.foundation.shapes import RowShape
from datamarket.ledger.books import actions, queries
from datamarket.ledger.books.tables import LedgerAccount, LedgerLeg
from datamarket.ledger.rules import OverseersOnly
from datamarket.ledger.terms import AccountKind

router = SliceRouter(prefix="/ledger", tags=["ledger"])


class LedgerAccountOut(RowShape):
    """An account with its balance: `balance_fen` is positive on the account's normal side."""

    id: UUID
    owner_id: UUID | None
    kind: AccountKind
    label_zh: str
    label_en: str
    normal_side: str
    debit_fen: int
    credit_fen: int
    held_fen: int
    balance_fen: int
    legs: int

    @classmethod
    def of(cls, row: queries.AccountBalance, **derived: Any) -> Self:
        account, balance = row
        net = balance.debit_fen - balance.credit_fen
        return super().of(
            account,
            **AccountKind(account.kind).named(),
            debit_fen=balance.debit_fen,
            credit_fen=balance.credit_fen,
            held_fen=balance.held_fen,
            balance_fen=net if account.normal_side == "debit" else -net,
            legs=balance.version,
            **derived,
        )


class LegOut(RowShape):
    """One movement, with whose account of which kind it moves: a debit is positive, a credit negative."""

    seq: int
    account_id: UUID
    owner_id: UUID | None
    kind: AccountKind
    label_zh: str
    label_en: str
    amount_fen: int

    @classmethod
    def of(cls, row: tuple[LedgerLeg, LedgerAccount], **derived: Any) -> Self:
        leg, account = row
        kind = AccountKind(account.kind)
        return super().of(leg, kind=kind, owner_id=account.owner_id, **kind.named(), **derived)


class MovementOut(RowShape):
    """A movement of one account, with what it came from."""

    entry_id: UUID
    seq: int
    amount_fen: int
    kind: str
    period: int
    effective_at: datetime
    recorded_at: datetime
    source_type: str
    source_id: UUID


class EntryOut(RowShape):
    """An entry: to overseers with all its legs and who made it, to others with those of their own accounts.

    `digest` is a SHA-256 over all of it, seen or not.
    """

    id: UUID
    period: int
    kind: str
    effective_at: datetime
    recorded_at: datetime
    source_type: str
    source_id: UUID
    reverses: UUID | None
    actor_id: UUID | None
    digest: str
    legs: list[LegOut]


class TrialBalanceRow(RowShape):
    kind: AccountKind
    label_zh: str
    label_en: str
    accounts: int
    debit_fen: int
    credit_fen: int


class TrialBalanceOut(Shape):
    """Debits equal credits, or the books are broken."""

    at: date | None
    rows: list[TrialBalanceRow]
    debit_fen: int
    credit_fen: int
    difference_fen: int = Field(description="always 0")


class DepositIn(Body):
    """Money that arrived at the bank for a buyer."""

    owner_id: UUID
    amount_fen: PositiveFenIn = Field(examples=[5_000_000])
    reference: ShortText = Field(examples=["bank advice 20240603-0001"])


class DepositOut(Shape):
    entry_id: UUID


@router.get("/accounts", summary="Accounts with their balances")
async def list_accounts(
    actor: ReadLedger,
    ledger_id: LedgerId,
    session: Reading,
    paging: Paging[UUID],
    owner: UUID | None = None,
    kind: AccountKind | None = None,
) -> Page[LedgerAccountOut]:
    """Your organisation's accounts; overseers see all."""
    rows = await queries.list_accounts(
        session,
        ledger_id,
        visible_to=actor,
        owner=owner,
        kind=kind,
        page=paging,
    )
    return page_of(rows, paging, LedgerAccountOut.of, lambda found: [found.account.id])


@router.get("/accounts/{account_id}", summary="One account", responses={304: {}})
async def get_account(
    actor: ReadLedger, ledger_id: LedgerId, response: Response, session: Reading, account_id: UUID
) -> LedgerAccountOut:
    found = await queries.get_account(session, ledger_id, account_id, visible_to=actor)
    tag(response, found.balance.version)
    return LedgerAccountOut.of(found)


@router.get("/accounts/{account_id}/legs", summary="The movements of an account, newest month first")
async def list_legs(
    actor: ReadLedger,
    ledger_id: LedgerId,
    session: Reading,
    paging: Paging[tuple[int, UUID, int]],
    account_id: UUID,
) -> Page[MovementOut]:
    await queries.get_account(session, ledger_id, account_id, visible_to=actor)
    rows = await queries.list_legs(
        session,
        ledger_id,
        account_id,
        page=paging,
    )
    return page_of(
        rows,
        paging,
        lambda found: MovementOut.of(
            found[1], entry_id=found[0].entry_id, seq=found[0].seq, amount_fen=found[0].amount_fen
        ),
        lambda found: [found[0].period, found[0].entry_id, found[0].seq],
    )


@router.get("/entries/{entry_id}", summary="One entry with the legs that are yours to see")
async def get_entry(actor: ReadLedger, ledger_id: LedgerId, session: Reading, entry_id: UUID) -> EntryOut:
    """Of a trade between others your own share: neither the buyer nor the seller, nor what others got."""
    entry, legs = await queries.get_entry(session, ledger_id, entry_id, visible_to=actor)
    made_by = entry.actor_id if actor.sees_all else None
    legs_out = [LegOut.of(found) for found in legs]
    return EntryOut.of(entry, digest=entry.digest.hex(), legs=legs_out, actor_id=made_by)


@router.get("/trial-balance", summary="Debits and credits by kind of account")
async def trial_balance(
    actor: ReadLedger,
    ledger_id: LedgerId,
    session: Reading,
    at: Annotated[DateIn | None, Query(description="at the end of this day; without it, now")] = None,
) -> TrialBalanceOut:
    """At the end of the accounting day `at`; without `at`, now.

    The accounting day is the business day on which a movement took effect; of a late event, whose month was
    closed already, it is the first day of the month that took it. A closed month therefore never changes.
    """
    if not actor.sees_all:
        raise OverseersOnly
    rows = [
        TrialBalanceRow.of(row, **AccountKind(row.kind).named())
        for row in await queries.trial_balance(session, ledger_id, at=at)
    ]
    debit, credit = sum(row.debit_fen for row in rows), sum(row.credit_fen for row in rows)
    return TrialBalanceOut(
        at=at, rows=rows, debit_fen=debit, credit_fen=credit, difference_fen=debit - credit
    )


@router.post("/deposits", status_code=201, summary="Record money that a buyer paid in")
async def deposit(
    actor: Annotated[Actor, allow(Permission.DEPOSIT_FUNDS)],
    ledger_id: LedgerId,
    session: Writing,
    now: Now,
    body: DepositIn,
) -> DepositOut:
    entry_id = await actions.deposit(
        session,
        actor,
        ledger_id,
        owner_id=body.owner_id,
        amount_fen=Fen(body.amount_fen),
        reference=body.reference,
        now=now,
    )
    return DepositOut(entry_id=entry_id)
