"""The bank's answers are booked: executed money leaves, refused money returns to its income."""

from collections import Counter
from collections.abc import Awaitable, Sequence
from datetime import date, datetime
from typing import NamedTuple, Protocol

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.clock import business_date, start_of_day
from datamarket.foundation.db import driver
from datamarket.foundation.documents.reading import read_aside
from datamarket.ledger import posting
from datamarket.ledger.terms import AccountId, AccountKey, AccountKind, EntryId, EntryKind, moved
from datamarket.payouts import files, queries, rules
from datamarket.payouts.actions import in_transit
from datamarket.payouts.bank import actions as bank_actions
from datamarket.payouts.tables import Payout, PayoutBatch
from datamarket.payouts.terms import AdviceLine, AwardAnswer, BatchEvent, PayableKind, PayoutState


class Follower(Protocol):
    """What a room above does when the bank has answered for its awards, before that is posted."""

    def __call__(
        self, session: AsyncSession, actor: Actor, answers: Sequence[AwardAnswer], /, *, now: datetime
    ) -> Awaitable[None]: ...


FOLLOWERS: dict[PayableKind, Follower] = {}
"""Each room enters itself; without it an advice on awards ends in a KeyError, and is not half booked."""


class AdviceTaken(NamedTuple):
    """What an advice changed."""

    executed: int
    refused: int
    unchanged: int


async def take_advice(
    session: AsyncSession, actor: Actor, batch: PayoutBatch, text: str, *, now: datetime
) -> AdviceTaken:
    """Book the bank's answers, all or none; `batch` is locked by the caller.

    An answer that was booked before changes nothing. The batch settles with the last answer, and the
    bank's lines that waited for these entries are matched. Raises FileInvalid, AdviceUnknown,
    AdviceContradicts, AdviceUntimely, TransitionNotAllowed for a batch that was not sent.
    """
    answers = await read_aside(files.read_advice, text)
    payouts = {payout.bank_reference: payout for payout in await queries.payouts_of(session, batch)}
    decided = []
    for number, answer in answers:
        payout = payouts.get(answer.reference)
        if payout is None:
            raise rules.AdviceUnknown(line=number, reference=answer.reference)
        if payout.state in rules.DECIDED:
            if _booked(payout) != answer:
                raise rules.AdviceContradicts(line=number, reference=answer.reference)
            continue
        _decide(payout, answer, number, batch, business_date(now))
        decided.append(payout)
    await _book(session, actor, batch, decided, now)
    counts = Counter(payout.state for payout in decided)
    taken = AdviceTaken(
        counts[PayoutState.EXECUTED], counts[PayoutState.REFUSED], len(answers) - len(decided)
    )
    subject, kept = ("payout_batch", batch.id), queries.of_awards(decided)
    await evidence.record(session, actor, "payouts.advice", subject, *kept, now=now, **taken._asdict())
    await bank_actions.match_open_lines(await driver(session), batch.ledger_id)
    return taken


def _decide(payout: Payout, answer: AdviceLine, number: int, batch: PayoutBatch, today: date) -> None:
    event = rules.EVENT_OF[answer.result]
    payout.state = rules.PAYOUT_LIFE.after(payout.state, event)
    sent_on = business_date(batch.sent_at) if batch.sent_at else today
    rules.check_timely(answer, number, sent_on=sent_on, today=today)
    payout.decided_on = answer.day
    payout.refusal_code, payout.refusal_reason = answer.code or None, answer.reason or None
    payout.version += 1


def _booked(payout: Payout) -> AdviceLine | None:
    """The bank's answer as it was booked."""
    if payout.decided_on is None:
        return None
    result = rules.RESULT_OF[PayoutState(payout.state)]
    told = payout.refusal_code or "", payout.refusal_reason or ""
    return AdviceLine(payout.bank_reference, result, payout.decided_on, *told)


async def _book(
    session: AsyncSession, actor: Actor, batch: PayoutBatch, decided: Sequence[Payout], now: datetime
) -> None:
    """Executed money leaves the bank, refused money returns to its income; effective on the bank's day."""
    if not decided:
        return
    connection = await driver(session)
    bank = AccountKey(batch.ledger_id, None, AccountKind.BANK)
    await posting.open_accounts(connection, batch.ledger_id, [bank], now=now)
    sent = await queries.sent_entries(connection, batch.ledger_id, (payout.id for payout in decided))
    postings = []
    for payout in decided:
        at = max(batch.sent_at or now, start_of_day(payout.decided_on or batch.day))
        if payout.state == PayoutState.EXECUTED:
            batch.executed_fen += payout.amount_fen
            kind, credited, reverses = EntryKind.PAYOUT_EXECUTED, bank.id, None
        else:
            batch.refused_fen += payout.amount_fen
            kind, credited, reverses = (
                EntryKind.PAYOUT_REFUSED,
                AccountId(payout.account_id),
                EntryId(sent[payout.id]),
            )
        legs, source = moved(in_transit(payout).id, credited, payout.amount_fen), (queries.SOURCE, payout.id)
        postings.append(posting.new_posting(actor, kind, source, legs, now=now, at=at, reverses=reverses))
    entries = {entry.source_id: entry.id for entry in postings}
    answers = [
        AwardAnswer(payout.award_id, payout.id, payout.amount_fen, entries[payout.id], payout.refusal)
        for payout in decided
        if payout.award_id is not None
    ]
    if answers:
        await FOLLOWERS[PayableKind.SUBSIDY_PAYABLE](session, actor, answers, now=now)
    await posting.post(connection, batch.ledger_id, postings, now=now)
    if batch.executed_fen + batch.refused_fen == batch.total_fen:
        batch.state = rules.BATCH_LIFE.after(batch.state, BatchEvent.SETTLE)
        batch.settled_at = now
    batch.version += 1
