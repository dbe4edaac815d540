"""The orders in which a search may be read."""

from enum import StrEnum


class Sort(StrEnum):
    """Orders of the catalogue; `name` follows the Chinese name, by pinyin for the common characters."""

    NEWEST = "newest"
    PRICE_ASC = "price_asc"
    PRICE_DESC = "price_desc"
    NAME = "name"


class Facet(StrEnum):
    """What a search may be narrowed by, and is counted by; named as the filter is."""

    ZONE = "zone"
    VENUE = "venue"
    CATEGORY = "category"
    DELIVERY_FORM = "delivery_form"
    PRICE_MODEL = "price_model"
    USE_CLASS = "use_class"
