"""The dated rule of `rules.yaml`: how long a quote is valid."""

from datetime import timedelta
from functools import cache
from importlib.resources import files

from datamarket.foundation.documents.dated import DatedValue, read_dated, read_days


@cache
def quote_terms() -> tuple[DatedValue[timedelta], ...]:
    """How long a quote is valid, oldest first."""
    content = (files("datamarket.contracts.quotes") / "rules.yaml").read_bytes()
    return read_dated("contracts/quotes/rules.yaml", content, {"quote_valid_days": read_days})[
        "quote_valid_days"
    ]
