"""A state machine is a table {(state, event): next state}; nothing else decides a transition."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from datamarket.foundation.errors import Conflict

StateT = TypeVar("StateT", bound=StrEnum)
EventT = TypeVar("EventT", bound=StrEnum)


class TransitionNotAllowed(Conflict):
    code = "state.transition-not-allowed"
    zh = "当前状态为“{state}”，不允许操作“{event}”；可用操作：{allowed}。"
    en = "In state '{state}' the event '{event}' is not allowed; allowed now: {allowed}."


def next_state(table: Mapping[tuple[StateT, EventT], StateT], state: StateT, event: EventT) -> StateT:
    """The state after `event`. Raises TransitionNotAllowed, naming what is allowed."""
    try:
        return table[state, event]
    except KeyError:
        allowed = ", ".join(allowed_events(table, state)) or "-"
        raise TransitionNotAllowed(state=state, event=event, allowed=allowed) from None


def allowed_events(table: Mapping[tuple[StateT, EventT], StateT], state: StateT) -> list[EventT]:
    """The events that leave `state`, in the order of the table."""
    return [event for (source, event) in table if source == state]
