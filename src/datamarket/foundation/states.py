"""Words with their labels, and lives: a table {(state, event): next state}, beside which nothing decides a transition."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Self, TypeVar

from datamarket.foundation.errors import Conflict, Invalid

StateT = TypeVar("StateT", bound=StrEnum)
EventT = TypeVar("EventT", bound=StrEnum)


class Labelled(StrEnum):
    """A closed set of words, each written `NAME = "value", "中文", "English"`."""

    zh: str
    en: str

    def __new__(cls, value: str, zh: str = "", en: str = "") -> Self:
        word = str.__new__(cls, value)
        word._value_ = value
        word.zh, word.en = zh, en
        return word

    @property
    def labels(self) -> tuple[str, str]:
        """Chinese first, then English."""
        return self.zh, self.en

    def named(self) -> dict[str, str]:
        """The labels as a shape shows those of a kind."""
        return {"label_zh": self.zh, "label_en": self.en}


class TransitionNotAllowed(Conflict):
    code = "state.transition-not-allowed"
    zh = "当前状态为“{state}”，不允许操作“{event}”；可用操作：{allowed}。"
    en = "In state '{state}' the event '{event}' is not allowed; allowed now: {allowed}."


class ReasonMissing(Invalid):
    """An event that has to say why comes without a reason; its code begins with the noun that asks."""

    code = "state.reason-missing"
    zh = "操作“{event}”须说明理由。"
    en = "The event '{event}' needs a reason."

    def __init__(self, noun: str, event: str) -> None:
        self.code = f"{noun}.reason-missing"  # type: ignore[misc] # a code for each noun, one sentence for all
        super().__init__(event=event)


@dataclass(frozen=True)
class Life(Generic[StateT, EventT]):
    """All that may happen to a thing, beginning with its first state; `reasons` are the events that say why.

    `noun` begins the code of the refusal, `zh` and `en` head the diagram in the glossary.
    """

    noun: str
    zh: str
    en: str
    table: Mapping[tuple[StateT, EventT], StateT]
    reasons: frozenset[EventT] = frozenset()

    @property
    def states(self) -> type[StateT]:
        return type(next(iter(self.table))[0])

    @property
    def events(self) -> type[EventT]:
        return type(next(iter(self.table))[1])

    def after(self, state: str, event: EventT) -> StateT:
        """The state after `event`. Raises TransitionNotAllowed, naming what is allowed."""
        known = self.states(state)
        try:
            return self.table[known, event]
        except KeyError:
            allowed = ", ".join(self.open_in(known)) or "-"
            raise TransitionNotAllowed(state=known, event=event, allowed=allowed) from None

    def open_in(self, state: str) -> list[EventT]:
        """The events that leave `state`, in the order of the table."""
        return [event for (source, event) in self.table if source == state]

    def check_reason(self, event: EventT, reason: str | None) -> None:
        """Raises ReasonMissing."""
        if event in self.reasons and not (reason and reason.strip()):
            raise ReasonMissing(self.noun, event)
