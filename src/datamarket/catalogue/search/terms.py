"""The orders in which a search may be read."""

from enum import StrEnum


class Sort(StrEnum):
    """Orders of the catalogue; `name` follows the Chinese name, by pinyin for the common characters."""

    NEWEST = "newest"
    PRICE_ASC = "price_asc"
    PRICE_DESC = "price_desc"
    NAME = "name"
