"""Families of refusals. A slice subclasses one beside the function that raises it.

Each has a stable dotted `code` and one sentence in Chinese and in English; `{names}` in a sentence
are the facts given when it is raised. Only `edge.problems` knows which HTTP status a family answers with.
"""

from typing import Any, ClassVar, Literal

Language = Literal["zh", "en"]


class MarketError(Exception):
    """The market refuses, and says why. `facts` are shown to the caller: no secret belongs there."""

    code: ClassVar[str]
    zh: ClassVar[str]
    en: ClassVar[str]
    retryable: ClassVar[bool] = False
    pointer: str | None = None
    """Which part of the request it is about, as a JSON pointer; set where one of many is refused."""

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        super().__init__(f"{self.code}: {self.sentence('en')}")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "code" in cls.__dict__:
            KNOWN_ERRORS[cls.code] = cls

    def sentence(self, language: Language) -> str:
        """The refusal in one sentence, in the reader's language."""
        return (self.zh if language == "zh" else self.en).format(**self.facts)

    def told(self) -> dict[str, Any]:
        """The refusal as one outcome among others."""
        return {"code": self.code, "zh": self.sentence("zh"), "en": self.sentence("en")}


KNOWN_ERRORS: dict[str, type[MarketError]] = {}


class Invalid(MarketError):
    """The request itself is wrong: another form of it may pass."""


class Unauthenticated(MarketError):
    """Who calls is not known."""

    token_sent: ClassVar[bool] = False
    """Whether a token was sent, and is no good."""


class Forbidden(MarketError):
    """Who calls may never do this."""


class NotFound(MarketError):
    """It is not there, or not yours: the two look the same from outside."""

    code = "not-found"
    zh = "未找到该对象（{thing}），或您无权查看。"
    en = "There is no such {thing}, or it is not yours to see."


class Conflict(MarketError):
    """The state of things does not allow it now."""


class Refused(MarketError):
    """A rule of the market says no."""


class Stale(MarketError):
    """The caller changes what has changed meanwhile."""


class Unavailable(MarketError):
    """Nothing was changed; the same call may succeed later."""

    retryable = True
