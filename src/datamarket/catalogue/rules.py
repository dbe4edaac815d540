"""What products and listings refuse alike."""

from enum import StrEnum

from datamarket.catalogue.listings.terms import ListingEvent
from datamarket.catalogue.products.terms import ProductEvent
from datamarket.foundation.errors import Forbidden, Invalid, NotFound

NEEDS_REASON: frozenset[StrEnum] = frozenset({ProductEvent.RETURN, ProductEvent.REJECT, ListingEvent.RETURN})


class EventNotYours(Forbidden):
    code = "catalogue.event-not-yours"
    zh = "操作“{event}”不由您的机构或角色办理。"
    en = "The event '{event}' is not for your organisation or role."


class ReasonMissing(Invalid):
    code = "catalogue.reason-missing"
    zh = "操作“{event}”须说明理由。"
    en = "The event '{event}' needs a reason."


def check_reason(event: StrEnum, reason: str | None) -> None:
    """Who sends something back says why. Raises ReasonMissing."""
    if event in NEEDS_REASON and reason is None:
        raise ReasonMissing(event=event)


class ReferenceUnknown(NotFound):
    code = "catalogue.reference-unknown"
    zh = "所引用的对象不存在。"
    en = "What is referred to is not there."
