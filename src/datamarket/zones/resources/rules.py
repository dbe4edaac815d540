"""Decisions about the registration of a resource: its life, its periods, what may be traded."""

from datetime import date, timedelta
from uuid import UUID

from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.clock import add_working_days, assumption
from datamarket.foundation.errors import Conflict, Forbidden, Refused
from datamarket.foundation.states import Life
from datamarket.zones.limits import limits_on
from datamarket.zones.resources.terms import ResourceEvent, ResourceState
from datamarket.zones.terms import Level

RESOURCE_LIFE = Life(
    "zone",
    "公共数据资源登记",
    "Resource registration",
    {
        (ResourceState.DRAFT, ResourceEvent.SUBMIT): ResourceState.SUBMITTED,
        (ResourceState.RETURNED, ResourceEvent.SUBMIT): ResourceState.SUBMITTED,
        (ResourceState.SUBMITTED, ResourceEvent.ACCEPT): ResourceState.ACCEPTED,
        (ResourceState.SUBMITTED, ResourceEvent.RETURN): ResourceState.RETURNED,
        (ResourceState.SUBMITTED, ResourceEvent.REJECT): ResourceState.REJECTED,
        (ResourceState.ACCEPTED, ResourceEvent.REVIEW): ResourceState.REVIEWED,
        (ResourceState.ACCEPTED, ResourceEvent.RETURN): ResourceState.RETURNED,
        (ResourceState.ACCEPTED, ResourceEvent.REJECT): ResourceState.REJECTED,
        (ResourceState.REVIEWED, ResourceEvent.PUBLICISE): ResourceState.PUBLICISED,
        (ResourceState.PUBLICISED, ResourceEvent.CODE): ResourceState.REGISTERED,
        (ResourceState.PUBLICISED, ResourceEvent.RETURN): ResourceState.RETURNED,
        (ResourceState.PUBLICISED, ResourceEvent.REJECT): ResourceState.REJECTED,
        (ResourceState.REGISTERED, ResourceEvent.RENEW): ResourceState.REGISTERED,
        (ResourceState.REGISTERED, ResourceEvent.CANCEL): ResourceState.CANCELLED,
    },
    reasons=frozenset({ResourceEvent.RETURN, ResourceEvent.REJECT, ResourceEvent.CANCEL}),
)
OPERATOR_EVENTS = frozenset({ResourceEvent.SUBMIT, ResourceEvent.RENEW})
PERMISSION_FOR: dict[ResourceEvent, Permission] = {
    event: Permission.REGISTER_RESOURCE if event in OPERATOR_EVENTS else Permission.REVIEW_RESOURCE
    for event in ResourceEvent
}
DAY_OF: dict[ResourceEvent, str] = {
    ResourceEvent.SUBMIT: "submitted_on",
    ResourceEvent.ACCEPT: "accepted_on",
    ResourceEvent.REVIEW: "reviewed_on",
    ResourceEvent.PUBLICISE: "publicised_on",
}
"""Where a step leaves its day."""
PUBLIC_STATES = (ResourceState.PUBLICISED, ResourceState.REGISTERED, ResourceState.CANCELLED)
EDITABLE_STATES = frozenset({ResourceState.DRAFT, ResourceState.RETURNED})


class ResourceEventNotYours(Forbidden):
    code = "resource.event-not-yours"
    zh = "您的角色不能办理“{event}”，所需权限为“{permission}”。"
    en = "Your roles do not include '{permission}', which the event '{event}' needs."


class ZoneNotYours(Forbidden):
    code = "resource.zone-not-yours"
    zh = "仅该专区的运营机构可以办理其资源登记。"
    en = "Only the zone's own operator registers its resources."


class ContentFixed(Conflict):
    code = "resource.content-fixed"
    zh = "仅草稿或退回状态可以修改，当前为“{state}”。"
    en = "It changes only while it is a draft or was returned; its state is '{state}'."


class CoreNeverTrades(Refused):
    code = "resource.core-never-trades"
    zh = "核心数据不得进入市场。"
    en = "Core data never trades."


class RegistrationPublicityRunning(Refused):
    code = "resource.publicity-running"
    zh = "公示期尚未届满，{until} 起方可赋码{assumed_zh}。"
    en = "The publicity is still running; the code may be given from {until} on{assumed_en}."


class RenewalOutsideWindow(Refused):
    code = "resource.renewal-outside-window"
    zh = "续期须在有效期届满前的 {begins} 至 {ends}（不含）期间申请。"
    en = "A renewal is asked for from {begins} until, not including, {ends}."


class NotRegistered(Conflict):
    code = "resource.not-registered"
    zh = "该资源未处于已登记状态，不能办理变更或更正。"
    en = "The resource is not registered, so there is nothing to change or correct."


class LevelUnchanged(Conflict):
    code = "resource.level-unchanged"
    zh = "该资源已是此级别。"
    en = "The resource has this level already."


def check_operates(actor: Actor, operator_id: UUID) -> None:
    """A zone's own operator files for it. Raises ZoneNotYours."""
    if actor.participant_id != operator_id:
        raise ZoneNotYours


def check_tradable(level: Level | str) -> None:
    """Core data never trades. Raises CoreNeverTrades."""
    if level == Level.CORE:
        raise CoreNeverTrades


def is_valid(state: ResourceState | str, valid_to: date | None, on: date) -> bool:
    """Whether a registration counts on a day: coded, not cancelled, not lapsed."""
    return state == ResourceState.REGISTERED and valid_to is not None and on < valid_to


def is_lapsed(state: ResourceState | str, valid_to: date | None, on: date) -> bool:
    """Coded, and over by its term: no renewal revives it, it is registered anew."""
    return state == ResourceState.REGISTERED and not is_valid(state, valid_to, on)


def after(state: str, event: ResourceEvent, *, lapsed: bool) -> ResourceState:
    """The state after `event`; a registration that has lapsed is submitted again. Raises TransitionNotAllowed."""
    if lapsed and event is ResourceEvent.SUBMIT:
        return ResourceState.SUBMITTED
    return RESOURCE_LIFE.after(state, event)


def open_in(state: str, *, lapsed: bool) -> list[ResourceEvent]:
    """The events that leave `state` today."""
    if lapsed:
        return [ResourceEvent.SUBMIT, ResourceEvent.CANCEL]
    return RESOURCE_LIFE.open_in(state)


def check_publicity_over(publicised_on: date, on: date, *, working_days: int | None) -> None:
    """The code comes after the last day of the publicity, where a rule sets one. Raises RegistrationPublicityRunning."""
    if working_days is None:
        return
    last = add_working_days(publicised_on, working_days)
    if on <= last:
        raise RegistrationPublicityRunning(until=last + timedelta(days=1), **assumption(last))


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
