"""Decisions about objections: their life, who moves them when, and what is refused. Pure."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.clock import assumption
from datamarket.foundation.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from datamarket.foundation.states import Life
from datamarket.subsidy.objections.terms import ObjectionEvent, ObjectionState

S, E = ObjectionState, ObjectionEvent
OBJECTION_LIFE = Life(
    "objection",
    "异议与申诉",
    "Objection",
    {
        (S.FILED, E.ANSWER): S.ANSWERED,
        (S.FILED, E.UPHOLD): S.UPHELD,
        (S.FILED, E.REJECT): S.REJECTED,
        (S.FILED, E.WITHDRAW): S.WITHDRAWN,
        (S.ANSWERED, E.UPHOLD): S.UPHELD,
        (S.ANSWERED, E.REJECT): S.REJECTED,
        (S.ANSWERED, E.WITHDRAW): S.WITHDRAWN,
    },
    reasons=frozenset(E),
)
APPEALING = "appeal"
"""What begins an appeal: no event of the life of what was rejected."""
OPEN = (S.FILED, S.ANSWERED)
DECISIONS = frozenset({E.UPHOLD, E.REJECT})


class ListClosed(Refused):
    code = "objection.list-closed"
    zh = "公示的最后一日为 {last}（含），此后不再受理对该名单的异议。"
    en = "The last day of the public list was {last}; objections to it are taken no more."


class ObjectorUnclear(Invalid):
    code = "objection.objector-unclear"
    zh = "企业只为自己提出异议，不填 enterprise_id；主管部门代为登记的，须填写 enterprise_id。"
    en = "An enterprise objects for itself and names no enterprise_id; an officer who records for one names it."


class ObjectorNotConcerned(Forbidden):
    code = "objection.not-concerned"
    zh = "该企业与本名单无关：名单测算所涉、当年有销售，或有案例的企业方可提出异议。"
    en = "This enterprise has nothing to do with the run: who has a line in it, sold in its year, or has a case may object."


class ObjectedAlready(Conflict):
    code = "objection.filed-already"
    zh = "该企业对同一明细已提出过异议；不服驳回的，请申诉。"
    en = "This enterprise has objected to the same line already; against a rejection it appeals."


class NothingToAppeal(Conflict):
    code = "objection.nothing-to-appeal"
    zh = "只能对被驳回的异议申诉，且申诉的结果不能再申诉。"
    en = "Only a rejected objection is appealed, and the outcome of an appeal is not."


class AppealedAlready(Conflict):
    code = "objection.appealed-already"
    zh = "对该异议的驳回已有申诉。"
    en = "The rejection of this objection is appealed already."


class AppealClosed(Refused):
    code = "objection.appeal-closed"
    zh = "申诉的最后一日为 {last}（含），现已届满{assumed_zh}。"
    en = "The last day for an appeal was {last}; it is over{assumed_en}."


class EvidenceNotYours(NotFound):
    code = "objection.paper-not-yours"
    zh = "没有属于该企业的该项证据材料。"
    en = "There is no such paper of this enterprise."


class EvidenceDiffers(Invalid):
    code = "objection.paper-digest-differs"
    zh = "材料“{name}”的摘要为“{found}”，与申明的“{stated}”不一致。"
    en = "The paper '{name}' has the digest '{found}', not '{stated}' as stated."


class ObjectionNotYourMove(Forbidden):
    code = "objection.not-your-move"
    zh = "操作“{event}”由另一方办理：企业或代其登记的人撤回，有批准权限的部门答复和决定。"
    en = "The event '{event}' is the other side's: the enterprise, or who recorded for it, withdraws; an office that approves answers and decides."


class ObjectionDutiesNotSeparate(Refused):
    code = "objection.duties-not-separate"
    zh = "异议不得由测算该名单的人，或提出、代为登记该异议的人决定。"
    en = "Who calculated the run, or filed or recorded the objection, does not decide it."


class ObjectionDecidedTwice(Refused):
    code = "objection.decided-twice"
    zh = "答复或决定过原异议的人，不得再决定对它的申诉。"
    en = "Who answered or decided an objection does not decide the appeal against it; another account does."


def is_objector(actor: Actor, *, enterprise: UUID, filed_by: UUID) -> bool:
    """The enterprise, or who recorded it for the enterprise."""
    return actor.participant_id == enterprise or actor.account_id == filed_by


def may(
    actor: Actor, event: ObjectionEvent, *, enterprise: UUID, filed_by: UUID, barred: Collection[UUID]
) -> bool:
    """Whether the event is this actor's: the objector withdraws, an office answers, and one with no earlier hand in it decides."""
    if event is E.WITHDRAW:
        return is_objector(actor, enterprise=enterprise, filed_by=filed_by)
    apart = event not in DECISIONS or actor.account_id not in barred
    return apart and actor.may(Permission.APPROVE_SUBSIDY)


def after(
    actor: Actor,
    event: ObjectionEvent,
    state: str,
    *,
    enterprise: UUID,
    filed_by: UUID,
    barred: Collection[UUID],
    judged: Collection[UUID | None],
) -> ObjectionState:
    """`judged` are who answered and decided what is appealed.

    Raises ObjectionNotYourMove, TransitionNotAllowed, ObjectionDecidedTwice, ObjectionDutiesNotSeparate.
    """
    if not may(actor, event, enterprise=enterprise, filed_by=filed_by, barred=()):
        raise ObjectionNotYourMove(event=event)
    following = OBJECTION_LIFE.after(state, event)
    if not may(actor, event, enterprise=enterprise, filed_by=filed_by, barred=barred):
        raise ObjectionDecidedTwice if actor.account_id in judged else ObjectionDutiesNotSeparate
    return following


def check_list_public(last: date, today: date, *, decided: bool) -> None:
    """Raises ListClosed after the last day, and once the list is decided."""
    if decided or today > last:
        raise ListClosed(last=last.isoformat())


def check_appeal(last: date | None, today: date) -> None:
    """Raises NothingToAppeal where no rejection set a last day, and AppealClosed after it."""
    if last is None:
        raise NothingToAppeal
    if today > last:
        raise AppealClosed(last=last.isoformat(), **assumption(last))
