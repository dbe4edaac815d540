"""The life of a run, pure: who may cause which event, and when publicity is over.

One table decides every transition, one decides who may cause it, and one rule says who may not: whoever
calculated does not review, whoever did either does not approve, and whoever did any of it does not pay.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from datamarket.auth.terms import PERMISSIONS_OF, Actor, Permission, Role
from datamarket.foundation.clock import add_working_days, assumption, business_date, start_of_day
from datamarket.foundation.errors import Conflict, Forbidden, Refused
from datamarket.foundation.states import Life
from datamarket.subsidy.runs.terms import AwardHoldEvent, AwardHoldState, RunEvent, RunState

S, E = RunState, RunEvent
RUN_LIFE = Life(
    "subsidy",
    "补贴运行",
    "Subsidy run",
    {
        (S.DRAFT, E.SNAPSHOT): S.SNAPSHOTTED,
        (S.SNAPSHOTTED, E.CALCULATE): S.CALCULATED,
        (S.CALCULATED, E.SUBMIT): S.UNDER_REVIEW,
        (S.UNDER_REVIEW, E.PUBLICISE): S.PUBLICISED,
        (S.PUBLICISED, E.APPROVE): S.APPROVED,
        (S.APPROVED, E.POST): S.POSTED,
        (S.POSTED, E.PAY): S.PAYING,
        (S.PAYING, E.PAY): S.PAYING,
        (S.PAYING, E.SETTLE): S.PAID,
        (S.PAYING, E.CLOSE): S.CLOSED,
        (S.PAID, E.PAY): S.PAYING,
        (S.PAID, E.CLOSE): S.CLOSED,
        (S.UNDER_REVIEW, E.REJECT): S.REJECTED,
        (S.PUBLICISED, E.REJECT): S.REJECTED,
        (S.DRAFT, E.CANCEL): S.CANCELLED,
        (S.SNAPSHOTTED, E.CANCEL): S.CANCELLED,
        (S.CALCULATED, E.CANCEL): S.CANCELLED,
        (S.SNAPSHOTTED, E.SUPERSEDE): S.SUPERSEDED,
        (S.CALCULATED, E.SUPERSEDE): S.SUPERSEDED,
        (S.UNDER_REVIEW, E.SUPERSEDE): S.SUPERSEDED,
        (S.PUBLICISED, E.SUPERSEDE): S.SUPERSEDED,
    },
    reasons=frozenset({E.REJECT, E.SUPERSEDE}),
)
AWARD_HOLD_LIFE = Life(
    "subsidy",
    "暂缓的奖补",
    "Held award",
    {
        (AwardHoldState.HELD, AwardHoldEvent.RELEASE): AwardHoldState.RELEASED,
        (AwardHoldState.HELD, AwardHoldEvent.FORGO): AwardHoldState.FORGONE,
    },
    reasons=frozenset({AwardHoldEvent.FORGO}),
)
PERMISSION_OF: Mapping[RunEvent, Permission] = {
    E.SNAPSHOT: Permission.CALCULATE_SUBSIDY,
    E.CALCULATE: Permission.CALCULATE_SUBSIDY,
    E.SUBMIT: Permission.CALCULATE_SUBSIDY,
    E.CANCEL: Permission.CALCULATE_SUBSIDY,
    E.SUPERSEDE: Permission.APPROVE_SUBSIDY,
    E.PUBLICISE: Permission.APPROVE_SUBSIDY,
    E.APPROVE: Permission.APPROVE_SUBSIDY,
    E.REJECT: Permission.APPROVE_SUBSIDY,
    E.POST: Permission.PAY_SUBSIDY,
    E.PAY: Permission.PAY_SUBSIDY,
    E.SETTLE: Permission.PAY_SUBSIDY,
    E.CLOSE: Permission.PAY_SUBSIDY,
}
NOT_BY_HAND = (E.SETTLE, E.SUPERSEDE)
"""What the bank's last answer does, and the run that takes this one's place."""
ENDED = (S.REJECTED, S.CANCELLED, S.SUPERSEDED)
"""Runs that decide nothing any more."""
DECIDED = (S.APPROVED, S.POSTED, S.PAYING, S.PAID, S.CLOSED)
"""Runs that bind money."""
PUBLIC = (S.PUBLICISED, *DECIDED)
"""Runs whose awards everyone may see: of one scheme and year there is one, and a year is answered from it."""


class EventNotPermitted(Forbidden):
    code = "subsidy.event-not-permitted"
    zh = "操作“{event}”需要权限“{permission}”。"
    en = "The event '{event}' needs the permission '{permission}'."


class RunDutiesNotSeparate(Refused):
    code = "subsidy.duties-not-separate"
    zh = "计算、审核、批准、支付须由四个不同的账户办理。"
    en = "Calculation, review, approval and payment are done by four different accounts."


class RunPublicityRunning(Refused):
    code = "subsidy.publicity-running"
    zh = "公示期至 {until}（含）结束{assumed_zh}，此前不能批准。"
    en = "The publicity lasts until {until} inclusive{assumed_en}; no approval before it has ended."


class ObjectionsOpen(Conflict):
    code = "subsidy.objections-open"
    zh = "该年度名单尚有 {count} 项异议或申诉未了结，或仍在申诉期内，此前不能批准。"
    en = "Of the objections and appeals to the year's lists {count} are open or may still be appealed; no approval before."


class ObjectionsUnheeded(Conflict):
    code = "subsidy.objections-unheeded"
    zh = "本次运行发起后有 {count} 项异议成立，须另行发起取代它的运行，对全部申报对象重新测算。"
    en = "After this run was opened {count} objections were upheld; a run that supersedes it calculates everyone again."


def check_objections(*, unsettled: int, upheld: int) -> None:
    """Raises ObjectionsOpen and ObjectionsUnheeded."""
    if unsettled:
        raise ObjectionsOpen(count=unsettled)
    if upheld:
        raise ObjectionsUnheeded(count=upheld)


def check_permitted(actor: Actor, event: RunEvent) -> None:
    """Raises EventNotPermitted."""
    permission = PERMISSION_OF[event]
    if not actor.may(permission):
        raise EventNotPermitted(event=event, permission=permission)


class Hands(NamedTuple):
    """Who calculated a run, reviewed and approved it, as far as it has come."""

    calculator: UUID | None = None
    reviewer: UUID | None = None
    approver: UUID | None = None


_HANDS_BEFORE: Mapping[RunEvent, int] = {
    E.PUBLICISE: 1,
    E.REJECT: 1,
    E.APPROVE: 2,
    E.POST: 3,
    E.PAY: 3,
    E.CLOSE: 3,
}


def check_duties(actor: Actor, event: RunEvent, hands: Hands) -> None:
    """Raises RunDutiesNotSeparate when the actor had an earlier hand in the run."""
    if had_a_hand(actor, event, hands):
        raise RunDutiesNotSeparate


def had_a_hand(actor: Actor, event: RunEvent, hands: Hands) -> bool:
    """Whether the actor may not cause an event, because of an earlier hand in the run."""
    return actor.account_id in hands[: _HANDS_BEFORE.get(event, 0)]


def events_open_to(actor: Actor, state: RunState, hands: Hands) -> list[RunEvent]:
    """What this actor may do with a run now, by hand."""
    return [
        event
        for event in RUN_LIFE.open_in(state)
        if event not in NOT_BY_HAND
        and actor.may(PERMISSION_OF[event])
        and not had_a_hand(actor, event, hands)
    ]


def offices_next(state: RunState) -> list[Role]:
    """Who moves a run on from here: the offices that may cause an event which does not end it without an award."""
    onward = [
        PERMISSION_OF[event]
        for event in RUN_LIFE.open_in(state)
        if event not in NOT_BY_HAND and RUN_LIFE.table[state, event] not in ENDED
    ]
    return [role for role in Role if PERMISSIONS_OF[role] & set(onward)]


def check_publicity_over(last_day: date, *, now: datetime) -> None:
    """Raises RunPublicityRunning until the day after the last has begun in Qingdao."""
    if now < start_of_day(last_day + timedelta(days=1)):
        raise RunPublicityRunning(until=last_day.isoformat(), **assumption(last_day))


def earliest_approval(last_day: date, now: datetime) -> datetime:
    """The first instant, not before `now`, at which the publicity is over."""
    return max(now, start_of_day(last_day + timedelta(days=1)))


def publicity_from(now: datetime, working_days: int | None) -> tuple[date, date]:
    """First and last day; a scheme that states no publicity ends it before it began."""
    today = business_date(now)
    if working_days is None:
        return today, today - timedelta(days=1)
    return today, add_working_days(today, working_days)
