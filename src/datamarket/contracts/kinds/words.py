"""What a clause says, in Chinese and in English. Pure."""

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from datamarket.catalogue.listings.terms import PriceModel
from datamarket.catalogue.products.terms import DeliveryForm
from datamarket.contracts.kinds.rules import WHOLE_BPS
from datamarket.contracts.kinds.terms import (
    ClausePart,
    ContractClause,
    ContractKind,
    DataRight,
    DeliveryMode,
    ResultsCourse,
)
from datamarket.contracts.limits.terms import RatePeriod
from datamarket.contracts.terms import Purpose
from datamarket.foundation.clock import MARKET_ZONE
from datamarket.foundation.money import percent, yuan
from datamarket.foundation.states import Labelled
from datamarket.zones.terms import Level, UseClass

WORDS: Mapping[str, type[Labelled]] = {
    "kind": ContractKind,
    "price_model": PriceModel,
    "purposes": Purpose,
    "use_class": UseClass,
    "security_level": Level,
    "delivery_mode": DeliveryMode,
    "right": DataRight,
    "results": ResultsCourse,
    "forms": DeliveryForm,
}
"""Of which list a value is a word; any other text is the parties' own."""
_PLACES: dict[str, int] = {part: place for place, part in enumerate(ClausePart)}


def label_of(part: str) -> tuple[str, str]:
    """What a part of a clause is called; one that has no word by its name."""
    return ClausePart(part).labels if part in set(ClausePart) else (part, part)


def in_order(value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The parts of a value as they are told, however the database keeps them."""
    return sorted(value.items(), key=lambda part: (_PLACES.get(part[0], len(_PLACES)), part[0]))


def in_words(name: str, value: Any) -> tuple[str, str]:
    """A value of this name, whole, in Chinese and in English; an empty part of it is left out."""
    if name == ContractClause.RATE and value is not None:
        per = RatePeriod(value["per"])
        return f"{per.zh} {value['units']}", f"{value['units']} {per.en}"
    if isinstance(value, dict):
        said = [
            (label_of(part), in_words(part, found))
            for part, found in in_order(value)
            if found not in (None, [])
        ]
        return (
            "；".join(f"{label[0]} {word[0]}" for label, word in said),
            "; ".join(f"{label[1]} {word[1]}" for label, word in said),
        )
    if isinstance(value, list):
        words = [in_words(name, one) for one in value]
        return "、".join(zh for zh, _ in words), ", ".join(en for _, en in words)
    return ("无", "none") if value is None else _word(name, value)


def _word(name: str, value: Any) -> tuple[str, str]:
    """Amounts are said in yuan, shares in percent, instants as they are in Qingdao."""
    if name in WORDS:
        return WORDS[name](value).labels
    if isinstance(value, bool):
        return ("是", "yes") if value else ("否", "no")
    if name.endswith("_fen"):
        return f"{yuan(value)} 元", f"CNY {yuan(value)}"
    if name.endswith("_bps") or name == "instalments":
        return (percent(Fraction(value, WHOLE_BPS)),) * 2
    return (value.astimezone(MARKET_ZONE).isoformat() if isinstance(value, datetime) else str(value),) * 2
