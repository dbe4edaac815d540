"""Every write of the catalogue, by thing: venues, products, listings."""

from datamarket.catalogue.actions.listings import edit_listing, list_product, move_listing
from datamarket.catalogue.actions.products import edit_product, make_product, make_version, move_product
from datamarket.catalogue.actions.venues import edit_venue, move_venue, open_venue

__all__ = [
    "edit_listing",
    "edit_product",
    "edit_venue",
    "list_product",
    "make_product",
    "make_version",
    "move_listing",
    "move_product",
    "move_venue",
    "open_venue",
]
