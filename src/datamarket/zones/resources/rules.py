"""Decisions about the registration of a resource: its life, its periods, what may be traded."""

from datetime import date, timedelta

from datamarket.auth.terms import Permission
from datamarket.foundation.clock import add_working_days
from datamarket.foundation.errors import Conflict, Refused
from datamarket.foundation.states import Life
from datamarket.zones.limits import limits_on
from datamarket.zones.resources.terms import ResourceEvent, ResourceState
from datamarket.zones.terms import Level

E, S = ResourceEvent, ResourceState
RESOURCE_LIFE = Life(
    "zone",
    "公共数据资源登记",
    "Resource registration",
    {
        (S.DRAFT, E.SUBMIT): S.SUBMITTED,
        (S.RETURNED, E.SUBMIT): S.SUBMITTED,
        (S.SUBMITTED, E.ACCEPT): S.ACCEPTED,
        (S.SUBMITTED, E.RETURN): S.RETURNED,
        (S.SUBMITTED, E.REJECT): S.REJECTED,
        (S.ACCEPTED, E.REVIEW): S.REVIEWED,
        (S.ACCEPTED, E.RETURN): S.RETURNED,
        (S.ACCEPTED, E.REJECT): S.REJECTED,
        (S.REVIEWED, E.PUBLICISE): S.PUBLICISED,
        (S.PUBLICISED, E.CODE): S.REGISTERED,
        (S.PUBLICISED, E.RETURN): S.RETURNED,
        (S.PUBLICISED, E.REJECT): S.REJECTED,
        (S.REGISTERED, E.RENEW): S.REGISTERED,
        (S.REGISTERED, E.CANCEL): S.CANCELLED,
    },
    reasons=frozenset({E.RETURN, E.REJECT, E.CANCEL}),
)


OPERATOR_EVENTS = frozenset({E.SUBMIT, E.RENEW})


PERMISSION_FOR: dict[ResourceEvent, Permission] = {
    event: Permission.REGISTER_RESOURCE if event in OPERATOR_EVENTS else Permission.REVIEW_RESOURCE
    for event in ResourceEvent
}


PUBLIC_STATES = (S.PUBLICISED, S.REGISTERED, S.CANCELLED)


EDITABLE_STATES = frozenset({S.DRAFT, S.RETURNED})


class CoreNeverTrades(Refused):
    code = "resource.core-never-trades"
    zh = "核心数据不得进入市场。"
    en = "Core data never trades."


class PublicityRunning(Refused):
    code = "resource.publicity-running"
    zh = "公示期尚未届满，{until} 起方可赋码。"
    en = "The publicity is still running; the code may be given from {until} on."


class RenewalOutsideWindow(Refused):
    code = "resource.renewal-outside-window"
    zh = "续期须在有效期届满前的 {begins} 至 {ends}（不含）期间申请。"
    en = "A renewal is asked for from {begins} until, not including, {ends}."


class LevelUnchanged(Conflict):
    code = "resource.level-unchanged"
    zh = "该资源已是此级别。"
    en = "The resource has this level already."


def check_tradable(level: Level | str) -> None:
    """Core data never trades. Raises CoreNeverTrades."""
    if level == Level.CORE:
        raise CoreNeverTrades


def is_valid(state: ResourceState | str, valid_to: date | None, on: date) -> bool:
    """Whether a registration counts on a day: coded, not cancelled, not lapsed."""
    return state == ResourceState.REGISTERED and valid_to is not None and on < valid_to


def check_publicity_over(publicised_on: date, on: date, *, working_days: int | None) -> None:
    """The code comes after the last day of the publicity, where a rule sets one. Raises PublicityRunning."""
    if working_days is None:
        return
    last = add_working_days(publicised_on, working_days)
    if on <= last:
        raise PublicityRunning(until=last + timedelta(days=1))


def check_renewal_window(valid_to: date, on: date, *, window_days: int) -> None:
    """Only in the last days of the validity, and never after it. Raises RenewalOutsideWindow."""
    begins = valid_to - timedelta(days=window_days)
    if not begins <= on < valid_to:
        raise RenewalOutsideWindow(begins=begins, ends=valid_to)


def check_level_changes(before: Level, after: Level) -> None:
    """A re-assessment that changes nothing is none. Raises LevelUnchanged."""
    if before is after:
        raise LevelUnchanged


def registration_code(division: str, year: int, code: str) -> str:
    """The unified code: where the supplier is, the year, the resource's own code. Its layout is assumed."""
    return f"{division}-{year}-{code}"


def due_on(state: ResourceState | str, *, submitted_on: date | None, accepted_on: date | None) -> date | None:
    """The last day to accept what was submitted, or to review what was accepted; None without a rule."""
    if state == ResourceState.SUBMITTED and submitted_on is not None:
        since, days = submitted_on, limits_on(submitted_on).acceptance_working_days
    elif state == ResourceState.ACCEPTED and accepted_on is not None:
        since, days = accepted_on, limits_on(accepted_on).review_working_days
    else:
        return None
    return None if days is None else add_working_days(since, days)
