"""A page of a list, in SQL: the filters that were asked for, the key to go on after, and one row too many."""

from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select

SelectT = TypeVar("SelectT", bound=Select[Any])


def asked(*filters: tuple[Any, object]) -> list[ColumnElement[bool]]:
    """Columns that must equal a value, where one was given."""
    return [column == value for column, value in filters if value is not None]


def newest_first(statement: SelectT, key: Any, *, limit: int, after: object) -> SelectT:
    """By falling key, after that of the last row on the page before; the row too many tells of a next page."""
    if after is not None:
        statement = statement.where(key < after)
    return statement.order_by(key.desc()).limit(limit + 1)
