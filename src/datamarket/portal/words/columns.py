"""Which columns a list shows, and how a value of the API is told: from the schema of the answer and one declared file."""

import functools
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml

from datamarket.portal.operations import ApiDocument, Operation, Schema

COLUMNS_SHOWN = 7
"""Of a list that declares none: what fits beside one another on a desk."""
_SECOND = ("_zh", "_en")
_WIDE = {"array", "object"}


@dataclass(frozen=True)
class Columns:
    """The columns of one path: their names, and for words the enumeration that labels them."""

    columns: tuple[str, ...]
    kinds: dict[str, str]


@functools.cache
def _declared() -> dict[str, list[str]]:
    """Path of the API → the columns of its list, in their order."""
    text = resources.files("datamarket.portal").joinpath("words/columns.yaml").read_text("utf-8")
    declared: dict[str, list[str]] = yaml.safe_load(text)
    return declared


def sheet_of(document: ApiDocument, operation: Operation) -> Columns:
    """Of a list its items, of a thing itself."""
    shape = document.resolved(operation.answer or {})
    properties: dict[str, Schema] = shape.get("properties", {})
    if "items" in properties:
        shape = document.resolved(properties["items"]["items"])
        properties = shape.get("properties", {})
    kinds = {name: kind for name, schema in properties.items() if (kind := _enumeration(document, schema))}
    columns = _declared().get(operation.template) or _columns(document, properties)
    return Columns(tuple(columns), kinds)


def _enumeration(document: ApiDocument, schema: Schema) -> str | None:
    present = document.present(schema)
    if present.get("type") == "array":
        present = present["items"]
    return document.name_of(present) if "enum" in document.resolved(present) else None


def _columns(document: ApiDocument, properties: dict[str, Schema]) -> list[str]:
    """The first that are told in a word or a figure; of a name in two languages, the name."""
    columns: list[str] = []
    for name, schema in properties.items():
        stem = name[:-3] if name.endswith(_SECOND) else name
        told = document.resolved(schema).get("type") not in _WIDE and name not in {
            "id",
            "version",
            "ledger_id",
        }
        if told and stem not in columns:
            columns.append(stem)
    return columns[:COLUMNS_SHOWN]


def shown_fields(record: dict[str, Any]) -> list[str]:
    """The fields of a thing, a name in two languages once."""
    stems = (name[:-3] if name.endswith(_SECOND) else name for name in record)
    return [stem for stem in dict.fromkeys(stems) if stem not in {"id", "version", "ledger_id"}]
