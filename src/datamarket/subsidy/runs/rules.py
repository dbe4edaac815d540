"""The life of a run, pure: who may cause which event, and when publicity is over.

One table decides every transition, one decides who may cause it, and one rule says who may not: whoever
calculated does not review, and whoever did either does not approve.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from uuid import UUID

from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.clock import add_working_days, business_date, start_of_day
from datamarket.foundation.errors import Forbidden, Refused
from datamarket.foundation.states import Life
from datamarket.subsidy.runs.terms import RunEvent, RunState

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
        (S.POSTED, E.PAY): S.PAID,
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
    reasons=frozenset({E.REJECT}),
)
PERMISSION_OF: Mapping[RunEvent, Permission] = {
    E.SNAPSHOT: Permission.CALCULATE_SUBSIDY,
    E.CALCULATE: Permission.CALCULATE_SUBSIDY,
    E.SUBMIT: Permission.CALCULATE_SUBSIDY,
    E.CANCEL: Permission.CALCULATE_SUBSIDY,
    E.SUPERSEDE: Permission.CALCULATE_SUBSIDY,
    E.PUBLICISE: Permission.APPROVE_SUBSIDY,
    E.APPROVE: Permission.APPROVE_SUBSIDY,
    E.REJECT: Permission.APPROVE_SUBSIDY,
    E.POST: Permission.PAY_SUBSIDY,
    E.PAY: Permission.PAY_SUBSIDY,
    E.CLOSE: Permission.PAY_SUBSIDY,
}
ENDED = (S.REJECTED, S.CANCELLED, S.SUPERSEDED)
"""Runs that decide nothing any more."""
DECIDED = (S.APPROVED, S.POSTED, S.PAID, S.CLOSED)
"""Runs that bind money: of one scheme and year there is one."""
PUBLIC = (S.PUBLICISED, *DECIDED)
"""Runs whose awards everyone may see."""


class EventNotPermitted(Forbidden):
    code = "subsidy.event-not-permitted"
    zh = "操作“{event}”需要权限“{permission}”。"
    en = "The event '{event}' needs the permission '{permission}'."


class RunDutiesNotSeparate(Refused):
    code = "subsidy.duties-not-separate"
    zh = "计算、审核、批准须由三个不同的账户办理。"
    en = "Calculation, review and approval are done by three different accounts."


class RunPublicityRunning(Refused):
    code = "subsidy.publicity-running"
    zh = "公示期至 {until}（含）结束，此前不能批准。"
    en = "The publicity lasts until {until} inclusive; no approval before it has ended."


def check_permitted(actor: Actor, event: RunEvent) -> None:
    """Raises EventNotPermitted."""
    permission = PERMISSION_OF[event]
    if not actor.may(permission):
        raise EventNotPermitted(event=event, permission=permission)


def check_duties(
    actor: Actor, event: RunEvent, *, calculated_by: UUID | None, reviewed_by: UUID | None
) -> None:
    """Raises RunDutiesNotSeparate when the actor had an earlier hand in the run."""
    if actor.account_id in forbidden_to(event, calculated_by, reviewed_by):
        raise RunDutiesNotSeparate


def forbidden_to(event: RunEvent, calculated_by: UUID | None, reviewed_by: UUID | None) -> set[UUID | None]:
    """Who may not cause an event, because they had an earlier hand in the run."""
    if event in {RunEvent.PUBLICISE, RunEvent.REJECT}:
        return {calculated_by}
    return {calculated_by, reviewed_by} if event is RunEvent.APPROVE else set()


def events_open_to(
    actor: Actor, state: RunState, *, calculated_by: UUID | None, reviewed_by: UUID | None
) -> list[RunEvent]:
    """What this actor may do with a run now; superseding is done by the run that takes its place."""
    return [
        event
        for event in RUN_LIFE.open_in(state)
        if event is not RunEvent.SUPERSEDE
        and actor.may(PERMISSION_OF[event])
        and actor.account_id not in forbidden_to(event, calculated_by, reviewed_by)
    ]


def check_publicity_over(last_day: date, *, now: datetime) -> None:
    """Raises RunPublicityRunning until the day after the last has begun in Qingdao."""
    if now < start_of_day(last_day + timedelta(days=1)):
        raise RunPublicityRunning(until=last_day.isoformat())


def earliest_approval(last_day: date, now: datetime) -> datetime:
    """The first instant, not before `now`, at which the publicity is over."""
    return max(now, start_of_day(last_day + timedelta(days=1)))


def publicity_from(now: datetime, working_days: int | None) -> tuple[date, date]:
    """First and last day; a scheme that states no publicity ends it before it began."""
    today = business_date(now)
    if working_days is None:
        return today, today - timedelta(days=1)
    return today, add_working_days(today, working_days)
