"""Which income is paid out, or which awards, to whom, and the file that says so to the bank."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from hashlib import sha256
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import driver
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen
from datamarket.ledger.terms import AccountKind
from datamarket.participants import queries as participants
from datamarket.payouts import files, queries, rules
from datamarket.payouts.tables import Payout, PayoutBatch
from datamarket.payouts.terms import OFFICES, BankFile, BatchState, PayableKind, PaymentOrder

LARGEST_BATCH = 5_000
"""Payouts of one batch: their advice still fits a request. What is left goes into the next."""


async def propose_batch(
    session: AsyncSession,
    actor: Actor,
    ledger_id: int,
    *,
    kinds: Collection[PayableKind],
    min_amount_fen: Fen,
    up_to_day: date | None,
    now: datetime,
) -> PayoutBatch:
    """One payout for every income account that holds enough, is in no other batch, and is not suspended.

    Raises NothingToPay.
    """
    suspended = await participants.suspended_at(session, now)
    asked = queries.Asked(frozenset(kinds), min_amount_fen, up_to_day)
    payable = await queries.payable_accounts(
        await driver(session), ledger_id, asked, without=suspended, limit=LARGEST_BATCH
    )
    return await draft_batch(session, actor, ledger_id, payable, asked, now=now)


async def draft_batch(
    session: AsyncSession,
    actor: Actor,
    ledger_id: int,
    payable: Sequence[queries.Payable],
    asked: queries.Asked,
    *,
    now: datetime,
) -> PayoutBatch:
    """What was asked for, as one batch in the order given. Raises NothingToPay, AwardInstructed."""
    if not payable:
        raise rules.NothingToPay
    batch_id, day = new_id(now), business_date(now)
    payouts = await _drafted(session, ledger_id, batch_id, payable, now)
    batch = PayoutBatch(
        ledger_id=ledger_id,
        id=batch_id,
        number=f"PB{day:%Y%m%d}-{batch_id.hex[-8:].upper()}",
        day=day,
        up_to_day=asked.up_to_day,
        min_amount_fen=asked.min_amount_fen,
        kinds=sorted(asked.kinds),
        payouts=len(payouts),
        total_fen=sum(account.amount_fen for account in payable),
        file_sha256="",
        actor_id=actor.account_id,
        made_at=now,
    )
    batch.file_sha256 = sha256(file_of(batch, payouts)).hexdigest()
    session.add(batch)
    await session.flush()
    session.add_all(payouts)
    facts = {"payouts": batch.payouts, "total_fen": batch.total_fen, "file_sha256": batch.file_sha256}
    subject, kept = ("payout_batch", batch.id), queries.of_awards(payouts)
    await evidence.record(session, actor, "payouts.propose", subject, *kept, now=now, **facts)
    return batch


async def _drafted(
    session: AsyncSession,
    ledger_id: int,
    batch_id: UUID,
    payable: Sequence[queries.Payable],
    now: datetime,
) -> list[Payout]:
    """Code and name as they are today; the bank finds the payee's account by its credit code."""
    payees = await participants.participants_by_ids(
        session, (account.owner_id for account in payable if account.owner_id)
    )
    drafted = []
    for position, account in enumerate(payable, 1):
        if account.owner_id is None:
            code, name = OFFICES[PayableKind(account.kind)]
        else:
            payee = payees[account.owner_id]
            code, name = payee.uscc, " ".join(payee.name_zh.split())
        payout_id = new_id(now)
        drafted.append(
            Payout(
                ledger_id=ledger_id,
                id=payout_id,
                batch_id=batch_id,
                position=position,
                payee_id=account.owner_id,
                payee_code=code,
                payee_name=name,
                account_id=account.account_id,
                account_kind=account.kind,
                amount_fen=account.amount_fen,
                bank_reference=f"PO{payout_id.hex}",
                award_id=account.award_id,
            )
        )
    return drafted


def file_of(batch: PayoutBatch, payouts: Sequence[Payout]) -> bytes:
    """The batch as the bank gets it: from what never changes, so always the same bytes."""
    orders = tuple(
        PaymentOrder(
            payout.bank_reference,
            payout.payee_code,
            payout.payee_name,
            Fen(payout.amount_fen),
            AccountKind(payout.account_kind).zh,
        )
        for payout in payouts
    )
    return files.write_payments(BankFile(batch.number, batch.day, orders))


def file_for_bank(batch: PayoutBatch, payouts: Sequence[Payout]) -> bytes:
    """The file of a batch that another has approved. Raises FileNotReady."""
    if batch.state in {BatchState.DRAFTED, BatchState.CANCELLED}:
        raise rules.FileNotReady(state=BatchState(batch.state))
    return file_of(batch, payouts)
