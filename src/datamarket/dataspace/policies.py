"""Policies: the terms of a listing or a contract as ODRL 2.2 writes them, and read back; what is not understood is refused.

Permission `use`, with `purpose`, `dateTime` (from, and before), `elapsedTime` and `count`; obligation `compensate` with
`payAmount` in yuan and `unitOfCount`, the listing's price model. Every constraint holds: they are joined by and.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, NoReturn
from uuid import UUID

from pydantic import TypeAdapter

from datamarket.catalogue.listings.rules import use_classes
from datamarket.catalogue.listings.terms import PriceModel
from datamarket.contracts.terms import PUBLIC_GOOD_PURPOSES, Purpose
from datamarket.dataspace.rules import OfferUnknown, PolicyNotUnderstood, TermUnknown
from datamarket.dataspace.shapes import ConstraintIn, PolicyIn, TypedValue
from datamarket.dataspace.terms import PRICE_MODEL_TERM, URN, PolicyTerms
from datamarket.foundation.clock import business_date
from datamarket.foundation.documents.dated import read_dated, read_days, value_on
from datamarket.foundation.http import InstantIn
from datamarket.foundation.money import Fen, parse_yuan, yuan
from datamarket.zones.terms import UseClass

CURRENCY = "CNY"
_INSTANT: TypeAdapter[datetime] = TypeAdapter(InstantIn)


@cache
def _stated() -> Mapping[str, Sequence[Any]]:
    content = (files("datamarket.dataspace") / "offered.yaml").read_bytes()
    return read_dated("dataspace/offered.yaml", content, {"term_days": read_days})


def offered_days(on: date) -> int:
    """For how many days a contract without dates lasts. Raises TermUnknown."""
    lasts = value_on(_stated()["term_days"], on)
    if lasts is None:
        raise TermUnknown(on=on.isoformat())
    days: int = lasts.days
    return days


def offer_id(listing_id: object, use_class: str) -> str:
    return f"{URN}{listing_id}#{use_class}"


def read_offer_id(offer: PolicyIn) -> tuple[UUID, UseClass]:
    """The listing and the class of an offer of the catalogue. Raises OfferUnknown, also for another dataset's target."""
    listing, _, use_class = offer.id.partition("#")
    try:
        found = UUID(listing), UseClass(use_class)
    except ValueError:
        raise OfferUnknown(offer=offer.id) from None
    if offer.target not in {None, listing}:
        raise OfferUnknown(offer=offer.id)
    return found


def read_request(offer: PolicyIn, now: datetime) -> tuple[UUID, UseClass, PolicyTerms]:
    """Listing, class and terms that a first policy asks for; what it leaves open is as the catalogue says.

    That is all purposes of the class, and the days of the catalogue from now on.
    """
    listing_id, use_class = read_offer_id(offer)
    terms = read_policy(offer)
    term_from = terms.term_from or now
    days = terms.lasts_days or offered_days(business_date(now))
    term_to = terms.term_to or term_from + timedelta(days)
    purposes = terms.purposes or purposes_of(use_class)
    return listing_id, use_class, replace(terms, purposes=purposes, term_from=term_from, term_to=term_to)


def purposes_of(use_class: UseClass) -> frozenset[Purpose]:
    """All of a class."""
    good = use_class is UseClass.PUBLIC_GOOD
    return frozenset(purpose for purpose in Purpose if (purpose in PUBLIC_GOOD_PURPOSES) == good)


def catalogue_offers(listing: Mapping[str, Any], on: date) -> list[dict[str, Any]]:
    """The offers of a published listing: for industry where its scenario is open to it, and for the public good.

    Public data for the public good are free of charge.
    """
    days = offered_days(on)
    offers = []
    for kind in use_classes(listing["use_class"]):
        free = kind is UseClass.PUBLIC_GOOD and listing["zone_id"] is not None
        terms = PolicyTerms(
            purposes=purposes_of(kind),
            lasts_days=days,
            price_fen=Fen(0 if free else listing["price_fen"]),
            price_model=PriceModel.FREE if free else PriceModel(listing["price_model"]),
        )
        offers.append({"@id": offer_id(listing["id"], kind), "@type": "Offer", **written(terms)})
    return offers


def contract_terms(row: Mapping[str, Any]) -> PolicyTerms:
    """What of a contract's terms a policy says."""
    names = ("term_from", "term_to", "quota", "price_fen", "price_model")
    return PolicyTerms(
        purposes=frozenset(map(Purpose, row["purposes"])), **{name: row[name] for name in names}
    )


def written(terms: PolicyTerms) -> dict[str, Any]:
    """The rules of a policy."""
    stated = [
        ("purpose", "isAnyOf", sorted(terms.purposes or ()) or None),
        ("dateTime", "gteq", terms.term_from and terms.term_from.isoformat()),
        ("dateTime", "lt", terms.term_to and terms.term_to.isoformat()),
        ("elapsedTime", "lteq", terms.lasts_days and f"P{terms.lasts_days}D"),
        ("count", "lteq", terms.quota and str(terms.quota)),
    ]
    held = [_constraint(*said) for said in stated if said[2]]
    pay = [
        _constraint("payAmount", "eq", yuan(terms.price_fen or 0)) | {"unit": CURRENCY},
        _constraint(PRICE_MODEL_TERM, "eq", terms.price_model),
    ]
    return {
        "permission": [{"action": "use", "constraint": held}],
        "obligation": [{"action": "compensate", "constraint": pay}],
    }


def _constraint(left: str, operator: str, right: object) -> dict[str, Any]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def read_policy(policy: PolicyIn) -> PolicyTerms:
    """What a policy says. Raises PolicyNotUnderstood for everything that the market would not enforce."""
    if policy.prohibition:
        _refuse("prohibition")
    found: dict[str, Any] = {}
    rules = [(rule, "use") for rule in policy.permission] + [
        (rule, "compensate") for rule in policy.obligation
    ]
    if len(policy.permission) > 1:
        _refuse("permission")
    for rule, action in rules:
        if rule.action.removeprefix("odrl:") != action:
            _refuse(rule.action)
        for one in rule.constraint:
            name, value = _read(one, action)
            if name in found:
                _refuse(one.leftOperand)
            found[name] = value
    if {"term_to", "lasts_days"} <= found.keys():
        _refuse("elapsedTime")
    return PolicyTerms(**found)


def _read(one: ConstraintIn, action: str) -> tuple[str, Any]:
    """The term that a constraint states, and its value. Raises PolicyNotUnderstood."""
    given = one.rightOperand if isinstance(one.rightOperand, list) else [one.rightOperand]
    values = [part.value if isinstance(part, TypedValue) else part for part in given]
    said = action, one.leftOperand.removeprefix("odrl:"), one.operator.removeprefix("odrl:")
    many = said[2] == "isAnyOf"
    try:
        name, read = _READERS[said]
        if len(values) == 1 or many:
            return name, frozenset(map(read, values)) if name == "purposes" else read(values[0])
    except (KeyError, ValueError):
        pass
    return _refuse(json.dumps(one.model_dump(by_alias=True, exclude_none=True), ensure_ascii=False)[:200])


def _whole(form: re.Pattern[str]) -> Callable[[str], int]:
    def read(text: str) -> int:
        if found := form.fullmatch(text):
            return int(found[1])
        raise ValueError(text)

    return read


_READERS: Mapping[tuple[str, str, str], tuple[str, Callable[[str], Any]]] = {
    ("use", "purpose", "eq"): ("purposes", Purpose),
    ("use", "purpose", "isAnyOf"): ("purposes", Purpose),
    ("use", "dateTime", "gteq"): ("term_from", _INSTANT.validate_python),
    ("use", "dateTime", "lt"): ("term_to", _INSTANT.validate_python),
    ("use", "elapsedTime", "lteq"): ("lasts_days", _whole(re.compile(r"P([1-9]\d{0,4})D", re.ASCII))),
    ("use", "count", "lteq"): ("quota", _whole(re.compile(r"([1-9]\d{0,8})", re.ASCII))),
    ("compensate", "payAmount", "eq"): ("price_fen", parse_yuan),
    ("compensate", PRICE_MODEL_TERM, "eq"): ("price_model", PriceModel),
}
"""What a constraint of an action may say, and which term it states."""


def _refuse(part: str) -> NoReturn:
    raise PolicyNotUnderstood(part=part)
