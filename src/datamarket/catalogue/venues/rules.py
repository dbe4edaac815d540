"""Decisions about venues: their life, and what they admit."""

from collections.abc import Collection

from datamarket.catalogue.terms import Category
from datamarket.catalogue.venues.terms import VenueEvent, VenueState
from datamarket.foundation.errors import Refused
from datamarket.foundation.states import Life

VENUE_LIFE = Life(
    "catalogue",
    "交易平台",
    "Venue",
    {
        (VenueState.OPEN, VenueEvent.CLOSE): VenueState.CLOSED,
        (VenueState.CLOSED, VenueEvent.REOPEN): VenueState.OPEN,
    },
)


class VenueClosed(Refused):
    code = "listing.venue-closed"
    zh = "该交易平台已停业，不能挂牌。"
    en = "The venue is closed: nothing can be listed there."


class VenueDoesNotAdmit(Refused):
    code = "listing.venue-does-not-admit"
    zh = "该交易平台不受理“{category}”类产品。"
    en = "This venue does not admit products of the category '{category}'."


def check_venue(state: VenueState, categories: Collection[str], category: Category) -> None:
    """An open venue admits the categories it names, or all when it names none. Raises VenueClosed, VenueDoesNotAdmit."""
    if state is VenueState.CLOSED:
        raise VenueClosed
    if categories and category not in categories:
        raise VenueDoesNotAdmit(category=category)
