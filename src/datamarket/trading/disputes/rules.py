"""Decisions about disputes: the life, who moves it, by when, and for how much. Pure."""

from collections.abc import Collection
from datetime import datetime

from datamarket.auth.terms import Actor, Permission
from datamarket.contracts.terms import Party
from datamarket.foundation.errors import Conflict, Forbidden, Invalid
from datamarket.foundation.states import Life
from datamarket.trading.disputes.terms import DisputeEvent, DisputeFacts, DisputeState

S, E = DisputeState, DisputeEvent
DISPUTE_LIFE = Life(
    "dispute",
    "交易争议",
    "Dispute",
    {
        (S.OPENED, E.ANSWER): S.ANSWERED,
        (S.OPENED, E.OFFER): S.OPENED,
        (S.OPENED, E.SETTLE): S.SETTLED,
        (S.OPENED, E.DECIDE): S.DECIDED,
        (S.OPENED, E.WITHDRAW): S.WITHDRAWN,
        (S.ANSWERED, E.OFFER): S.ANSWERED,
        (S.ANSWERED, E.SETTLE): S.SETTLED,
        (S.ANSWERED, E.DECIDE): S.DECIDED,
        (S.ANSWERED, E.WITHDRAW): S.WITHDRAWN,
    },
    reasons=frozenset({E.ANSWER, E.DECIDE}),
)
NAMES_AMOUNT = frozenset({E.OFFER, E.DECIDE})


class DisputeOpen(Conflict):
    code = "dispute.open-already"
    zh = "该交易已有未了结的争议。"
    en = "This trade has an open dispute already."


OPENING = "open"
"""What begins a dispute: no event of its life, which it has not yet."""


class DisputeNotYourMove(Forbidden):
    code = "dispute.not-your-move"
    zh = "操作“{event}”不由您作出：由对方答复，双方均可提出和解金额并由另一方接受，由主管部门裁决，由提出方撤回。"
    en = "The event '{event}' is not yours: the other side answers, either offers and the other settles, the authority decides, the opener withdraws."


class NothingOffered(Conflict):
    code = "dispute.nothing-offered"
    zh = "对方尚未提出和解金额。"
    en = "The other side has offered no amount to settle for."


class DisputeAnswerLate(Conflict):
    code = "dispute.answer-late"
    zh = "答复期限（{answer_by}）已过，由主管部门裁决。"
    en = "The time for an answer ({answer_by}) is over; the authority decides."


class DecisionEarly(Conflict):
    code = "dispute.decision-early"
    zh = "对方尚未答复，{answer_by} 之前不能裁决。"
    en = "The other side has not answered; nothing is decided before {answer_by}."


class OutcomeNotWithin(Invalid):
    code = "dispute.outcome-not-within"
    zh = "提出和解金额与裁决须给出 amount_fen（0 至 {amount_fen} 分），其他操作不得给出。"
    en = "An offer and a decision name amount_fen, from 0 to {amount_fen} fen; no other event does."


class DocumentsNotAsked(Invalid):
    code = "dispute.documents-not-asked"
    zh = "证据材料只能在提出争议与答复时提交。"
    en = "Documents go with the opening and the answer, and with no other event."


def side_of(actor: Actor, *, buyer_id: object, provider_id: object) -> Party | None:
    """In which capacity somebody moves a dispute; the office that decides belongs to no party."""
    if actor.participant_id is None:
        return Party.AUTHORITY if actor.may(Permission.DECIDE_DISPUTE) else None
    if not actor.may(Permission.DISPUTE_TRADE):
        return None
    return {buyer_id: Party.BUYER, provider_id: Party.PROVIDER}.get(actor.participant_id)


def check_move(
    facts: DisputeFacts,
    event: DisputeEvent,
    side: Party | None,
    *,
    amount_fen: int | None,
    reason: str | None,
    documents: Collection[object],
    now: datetime,
) -> DisputeState:
    """The state after an event that somebody makes.

    Raises what `check_turn` raises, ReasonMissing, OutcomeNotWithin, DocumentsNotAsked.
    """
    following = check_turn(facts, event, side, now=now)
    DISPUTE_LIFE.check_reason(event, reason)
    named = amount_fen is not None and 0 <= amount_fen <= facts.amount_fen
    if not (named if event in NAMES_AMOUNT else amount_fen is None):
        raise OutcomeNotWithin(amount_fen=facts.amount_fen)
    if documents and event is not E.ANSWER:
        raise DocumentsNotAsked
    return following


def check_turn(
    facts: DisputeFacts, event: DisputeEvent, side: Party | None, *, now: datetime
) -> DisputeState:
    """Whether it is this side's to do now. Raises DisputeNotYourMove, TransitionNotAllowed, NothingOffered, DisputeAnswerLate, DecisionEarly."""
    decides = side is Party.AUTHORITY
    if side is None or decides is not (event is E.DECIDE):
        raise DisputeNotYourMove(event=event)
    if (event is E.ANSWER and side is facts.opened_by) or (
        event is E.WITHDRAW and side is not facts.opened_by
    ):
        raise DisputeNotYourMove(event=event)
    following = DISPUTE_LIFE.after(facts.state, event)
    if event is E.SETTLE and facts.offered_by in {None, side}:
        raise NothingOffered
    if facts.state is S.OPENED:
        overdue, until = now >= facts.answer_by, facts.answer_by.isoformat()
        if event is E.ANSWER and overdue:
            raise DisputeAnswerLate(answer_by=until)
        if decides and not overdue:
            raise DecisionEarly(answer_by=until)
    return following


def events_open_to(facts: DisputeFacts, side: Party | None, *, now: datetime) -> list[DisputeEvent]:
    """What this side may do with the dispute now."""
    allowed = []
    for event in DISPUTE_LIFE.open_in(facts.state):
        try:
            check_turn(facts, event, side, now=now)
        except (Forbidden, Conflict):
            continue
        allowed.append(event)
    return allowed
