"""A recovery is proposed, decided with its plan, paid or set off, cancelled or restored; each with its entry and its event."""

from collections.abc import Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import driver
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen, percent, yuan
from datamarket.ledger import posting
from datamarket.ledger.books import queries as books
from datamarket.ledger.books.actions import deposit_source
from datamarket.ledger.terms import AccountKey, AccountKind, EntryId, EntryKind, Leg, Posting, moved
from datamarket.subsidy.recoveries import queries, rules
from datamarket.subsidy.recoveries.fines import fine_of, interest_of
from datamarket.subsidy.recoveries.grounds import grounds_of, justified_now
from datamarket.subsidy.recoveries.rules import RECOVERY_LIFE
from datamarket.subsidy.recoveries.tables import (
    RecoveryInstalment,
    RecoveryReceipt,
    RecoveryRestoration,
    SubsidyRecovery,
)
from datamarket.subsidy.recoveries.terms import ReceiptKind, RecoveryCause, RecoveryEvent
from datamarket.subsidy.runs import payment, sealed
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs.rules import check_duties
from datamarket.subsidy.runs.tables import SubsidyLine, SubsidyPosting, SubsidyRun
from datamarket.subsidy.runs.terms import RunEvent
from datamarket.subsidy.terms import LineStatus

SOURCE = "recovery"


async def propose_recovery(
    session: AsyncSession,
    actor: Actor,
    *,
    line_id: UUID,
    cause: RecoveryCause,
    amount_fen: int | None,
    reason: str,
    article: str,
    now: datetime,
) -> SubsidyRecovery:
    """Without an amount, what today's books say. Raises RecoveryNotPaid, RecoveryGroundless, RecoveryExceeds, RecoveryOpen."""
    left, run_id, enterprise_id = await _left(session, line_id)
    view = await run_queries.get_run(session, run_id)
    if amount_fen is None:
        grounds = await grounds_of(session, view, now=now)
        found = [one.amount_fen for one in grounds if (one.line_id, one.cause) == (line_id, cause)]
        if not found:
            raise rules.RecoveryGroundless(cause=cause)
        amount_fen = found[0]
    rules.check_left(amount_fen, left)
    row = SubsidyRecovery(
        id=new_id(now),
        ledger_id=view.run.ledger_id,
        run_id=run_id,
        line_id=line_id,
        enterprise_id=enterprise_id,
        cause=cause,
        amount_fen=amount_fen,
        reason=reason,
        article=article,
        proposed_by=actor.account_id,
        proposed_at=now,
    )
    session.add(row)
    await _tell(session, actor, "propose", row, now=now)
    return row


async def _left(session: AsyncSession, line_id: UUID) -> tuple[int, UUID, UUID]:
    """What was paid of a line less what is decided, its run and its enterprise. Raises RecoveryNotPaid."""
    paid = await run_queries.paid_awards(session, line_id=line_id)
    if not paid:
        raise rules.RecoveryNotPaid
    decided = await queries.decided_of(session, line_id=line_id)
    return paid[0].paid_fen - decided.get(line_id, 0), paid[0].run_id, paid[0].enterprise_id


async def decide_recovery(
    session: AsyncSession,
    actor: Actor,
    row: SubsidyRecovery,
    *,
    reason: str | None,
    fine: Fraction | None,
    plan: Sequence[tuple[date, int]],
    now: datetime,
) -> SubsidyRecovery:
    """Another hand decides a recovery whose run and row are locked: the enterprise owes amount and fine by its plan.

    Raises TransitionNotAllowed, ReasonMissing, RecoverySameHand, RecoveryExceeds, FineUnfounded, FineOutsideRange,
    InstalmentsUnequal, InstalmentsUntimely.
    """
    after = RECOVERY_LIFE.after(row.state, RecoveryEvent.DECIDE)
    RECOVERY_LIFE.check_reason(RecoveryEvent.DECIDE, reason)
    if actor.account_id == row.proposed_by:
        raise rules.RecoverySameHand
    rules.check_left(row.amount_fen, (await _left(session, row.line_id))[0])
    if fine is not None:
        if row.cause not in rules.FINABLE:
            raise rules.FineUnfounded(cause=RecoveryCause(row.cause))
        row.fine_fen, row.fine_rate = fine_of(Fen(row.amount_fen), fine, business_date(now)), percent(fine)
    rules.check_plan(plan, row.total_fen, business_date(now))
    row.state, row.decided_by, row.decided_at, row.decision = after, actor.account_id, now, reason
    instalments, through = [], 0
    for n, (due_on, amount) in enumerate(plan, 1):
        through += amount
        key: dict[str, Any] = {"recovery_id": row.id, "n": n, "due_on": due_on}
        instalments.append(RecoveryInstalment(**key, amount_fen=amount, through_fen=through))
    session.add_all(instalments)
    entry = posting.new_posting(actor, EntryKind.RECOVERY_DECIDED, (SOURCE, row.id), _legs(row), now=now)
    await _post(session, row, entry, now)
    await _tell(session, actor, RecoveryEvent.DECIDE, row, *instalments, now=now)
    return row


async def cancel_recovery(
    session: AsyncSession, actor: Actor, row: SubsidyRecovery, *, reason: str | None, now: datetime
) -> SubsidyRecovery:
    """What was decided is reversed whole; of what something came in nothing is cancelled. Raises TransitionNotAllowed, ReasonMissing."""
    owed = row.open_fen
    row.state = RECOVERY_LIFE.after(row.state, RecoveryEvent.CANCEL)
    RECOVERY_LIFE.check_reason(RecoveryEvent.CANCEL, reason)
    row.decision = reason
    if owed:
        connection = await driver(session)
        kind, undone = EntryKind.RECOVERY_CANCELLED, EntryKind.RECOVERY_DECIDED
        reverses = await books.entry_of(connection, row.ledger_id, SOURCE, row.id, undone)
        legs = tuple(Leg(leg.account_id, Fen(-leg.amount_fen)) for leg in _legs(row))
        back = posting.new_posting(actor, kind, (SOURCE, row.id), legs, now=now, reverses=reverses)
        await _post(session, row, back, now)
    await _tell(session, actor, RecoveryEvent.CANCEL, row, now=now)
    return row


async def restore_award(
    session: AsyncSession, actor: Actor, row: SubsidyRecovery, *, reason: str | None, now: datetime
) -> RecoveryRestoration:
    """What the books justify again of a recovery whose run and row are locked is awarded again: owed less, the rest payable.

    Never typed, never more than it took; what it still owes, fine and interest too, is set off first.
    Raises TransitionNotAllowed, ReasonMissing, RecoveryBeyondBooks, NothingToRestore.
    """
    RECOVERY_LIFE.after(row.state, RecoveryEvent.RESTORE)
    RECOVERY_LIFE.check_reason(RecoveryEvent.RESTORE, reason)
    if row.cause == RecoveryCause.FRAUD:
        raise rules.RecoveryBeyondBooks
    view = await run_queries.get_run(session, row.run_id)
    [paid] = await run_queries.paid_awards(session, line_id=row.line_id)
    fallen = await queries.decided_of(session, line_id=row.line_id, without=RecoveryCause.FRAUD)
    amount = rules.restorable(
        row.amount_fen - row.restored_fen,
        paid=paid.paid_fen,
        fallen=fallen[row.line_id],
        justified_now=await justified_now(session, view, paid, now=now),
    )
    if not amount:
        raise rules.NothingToRestore
    await _accrue(session, actor, row, now)
    owed = min(amount, row.open_fen)
    again, payable = new_id(now), AccountKey(row.ledger_id, row.enterprise_id, AccountKind.SUBSIDY_RESTORED)
    sides = (_incomes(row.ledger_id)[0], amount), (_receivable(row), -owed), (payable, owed - amount)
    legs = tuple(Leg(account.id, Fen(fen)) for account, fen in sides if fen)
    entry = posting.new_posting(actor, EntryKind.RECOVERY_RESTORED, (SOURCE, again), legs, now=now)
    given = RecoveryRestoration(
        id=again,
        recovery_id=row.id,
        amount_fen=amount,
        set_off_fen=owed,
        reason=str(reason),
        entry_id=await _post(session, row, entry, now, payable),
        restored_by=actor.account_id,
        restored_at=now,
    )
    row.restored_fen += amount
    if owed:
        await _pay_down(session, actor, row, owed, now)
    session.add(given)
    await _tell(session, actor, RecoveryEvent.RESTORE, row, given, now=now)
    return given


async def receive_payment(
    session: AsyncSession,
    actor: Actor,
    row: SubsidyRecovery,
    *,
    amount_fen: int,
    reference: str,
    now: datetime,
) -> RecoveryReceipt:
    """Money arrived at the bank for a locked recovery. Raises TransitionNotAllowed, ReceiptExceeds, AlreadyPosted.

    A bank advice is entered once, for whatever it paid: the entry is a deposit, so that its bank line finds it.
    """
    RECOVERY_LIFE.after(row.state, RecoveryEvent.RECEIVE)
    await _accrue(session, actor, row, now)
    if amount_fen > row.open_fen:
        raise rules.ReceiptExceeds(asked=yuan(amount_fen), open=yuan(row.open_fen))
    await _pay_down(session, actor, row, amount_fen, now)
    bank = AccountKey(row.ledger_id, None, AccountKind.BANK)
    legs = moved(bank.id, _receivable(row).id, amount_fen)
    source = "deposit", deposit_source(row.ledger_id, reference)
    deposit = posting.new_posting(actor, EntryKind.DEPOSIT, source, legs, now=now)
    entry = await _post(session, row, deposit, now)
    told = {"kind": ReceiptKind.PAYMENT, "reference": reference, "amount_fen": amount_fen}
    receipt = _receipt(session, actor, row, entry, now, **told)
    await _tell(session, actor, RecoveryEvent.RECEIVE, row, receipt, now=now)
    return receipt


async def set_off(
    session: AsyncSession, actor: Actor, run: SubsidyRun, line_id: UUID, *, now: datetime
) -> list[RecoveryReceipt]:
    """A payable award of a locked run pays what its enterprise owes, the oldest first; the bank then pays the rest.

    Raises RunDutiesNotSeparate, RunNotAsSealed, NothingToSetOff.
    """
    check_duties(actor, RunEvent.PAY, run.hands)
    await sealed.check_as_sealed(session, run)
    line = await _payable(session, run, line_id)
    left, parts = line.amount_fen, []
    for row in await queries.lock_owed(session, run.ledger_id, line.enterprise_id):
        if left:
            await _accrue(session, actor, row, now)
            part = min(left, row.open_fen)
            parts.append((row, part))
            left -= part
    if not parts:
        raise rules.NothingToSetOff
    total = line.amount_fen - left
    payable = AccountKey(run.ledger_id, line.enterprise_id, AccountKind.SUBSIDY_PAYABLE)
    legs = moved(payable.id, _receivable(parts[0][0]).id, total)
    kind = EntryKind.SUBSIDY_SET_OFF
    taken = posting.new_posting(actor, kind, (payment.SOURCE, line.id), legs, now=now)
    entry = await _post(session, parts[0][0], taken, now)
    posted: list[SQLModel] = [
        SubsidyPosting(line_id=line.id, kind=kind, entry_id=entry, amount_fen=total, posted_at=now)
    ]
    session.add_all(posted)
    receipts = []
    for row, part in parts:
        await _pay_down(session, actor, row, part, now)
        told = {"kind": ReceiptKind.SET_OFF, "line_id": line.id, "amount_fen": part}
        receipt = _receipt(session, actor, row, entry, now, **told)
        await _tell(session, actor, "set-off", row, receipt, *posted, now=now)
        posted = []
        receipts.append(receipt)
    return receipts


async def _payable(session: AsyncSession, run: SubsidyRun, line_id: UUID) -> SubsidyLine:
    """An award that is payable, is neither held nor on its way to the bank, and was not set off. Raises NothingToSetOff."""
    kinds = {one.kind for one in await run_queries.postings_of(session, run.id) if one.line_id == line_id}
    held = {one.line_id for one in await run_queries.open_holds(session, run.id)}
    award = (await run_queries.awards_now(session, run.id)).get(line_id)
    if (
        kinds != {EntryKind.SUBSIDY_APPROVED}
        or line_id in held
        or award is None
        or award.status is not LineStatus.PAYABLE
    ):
        raise rules.NothingToSetOff
    [line] = await run_queries.award_lines(session, run.id, line_id=line_id)
    return line


async def _pay_down(
    session: AsyncSession, actor: Actor, row: SubsidyRecovery, amount: int, now: datetime
) -> None:
    """At the last fen it is recovered; what came in of fine and interest is the treasury's, whence it is paid out."""
    event = RecoveryEvent.COMPLETE if amount == row.open_fen else RecoveryEvent.RECEIVE
    before, row.received_fen = row.collected, row.received_fen + amount
    row.state = RECOVERY_LIFE.after(row.state, event)
    taken = [through - earlier for through, earlier in zip(row.collected, before, strict=True)]
    if any(taken):
        treasury = AccountKey(row.ledger_id, None, AccountKind.TREASURY)
        sides = *zip(_incomes(row.ledger_id)[1:], taken, strict=True), (treasury, -sum(taken))
        legs = tuple(Leg(account.id, Fen(fen)) for account, fen in sides if fen)
        source = SOURCE, new_id(now)
        handed = posting.new_posting(actor, EntryKind.RECOVERY_COLLECTED, source, legs, now=now)
        await _post(session, row, handed, now, treasury)


async def _accrue(session: AsyncSession, actor: Actor, row: SubsidyRecovery, now: datetime) -> None:
    """Interest for delay is owed on top of the plan; less than half a fen waits for the next time."""
    today = business_date(now)
    interest = interest_of(await queries.plan_of(session, row), row.interest_to, today)
    if interest:
        row.interest_fen, row.interest_to = row.interest_fen + interest, today
        legs = moved(_receivable(row).id, _incomes(row.ledger_id)[2].id, interest)
        source = SOURCE, new_id(now)
        accrued = posting.new_posting(actor, EntryKind.RECOVERY_INTEREST, source, legs, now=now)
        await _post(session, row, accrued, now)


def _receivable(row: SubsidyRecovery) -> AccountKey:
    return AccountKey(row.ledger_id, row.enterprise_id, AccountKind.SUBSIDY_RECEIVABLE)


def _incomes(ledger_id: int) -> tuple[AccountKey, AccountKey, AccountKey]:
    """Where amount, fine and interest belong: what was awarded is no expense any more, the others are the treasury's."""
    kinds = AccountKind.SUBSIDY_EXPENSE, AccountKind.SUBSIDY_FINE, AccountKind.SUBSIDY_INTEREST
    expense, fine, interest = (AccountKey(ledger_id, None, kind) for kind in kinds)
    return expense, fine, interest


def _legs(row: SubsidyRecovery) -> tuple[Leg, ...]:
    """Owed by the enterprise: to the expense what was awarded, to the treasury the fine."""
    given = zip(_incomes(row.ledger_id), (row.amount_fen, row.fine_fen), strict=False)
    credited = (Leg(account.id, Fen(-fen)) for account, fen in given if fen)
    return (Leg(_receivable(row).id, Fen(row.amount_fen + row.fine_fen)), *credited)


async def _post(
    session: AsyncSession, row: SubsidyRecovery, entry: Posting, now: datetime, *more: AccountKey
) -> EntryId:
    connection = await driver(session)
    accounts = [_receivable(row), *_incomes(row.ledger_id), *more]
    await posting.open_accounts(connection, row.ledger_id, accounts, now=now)
    await posting.post(connection, row.ledger_id, [entry], now=now)
    return entry.id


def _receipt(
    session: AsyncSession, actor: Actor, row: SubsidyRecovery, entry: EntryId, now: datetime, **told: Any
) -> RecoveryReceipt:
    known: dict[str, Any] = {
        "recovery_id": row.id,
        "entry_id": entry,
        "received_by": actor.account_id,
        "received_at": now,
    }
    receipt = RecoveryReceipt(id=new_id(now), **known, **told)
    session.add(receipt)
    return receipt


async def _tell(
    session: AsyncSession, actor: Actor, verb: str, row: SubsidyRecovery, *rows: SQLModel, now: datetime
) -> None:
    """To the enterprise, once it is decided, and to the log; `rows` are what else was written with it."""
    row.version += verb != "propose"
    facts = {"line": str(row.line_id), "cause": row.cause, "state": row.state, "amount_fen": row.amount_fen}
    facts |= {
        "fine_fen": row.fine_fen,
        "received_fen": row.received_fen,
        "reason": row.decision or row.reason,
    }
    subject = SOURCE, row.id
    await evidence.record(session, actor, f"subsidy.{verb}-recovery", subject, row, *rows, now=now, **facts)
