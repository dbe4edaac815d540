"""What a batch writes: each column as one array, several statements in one question."""

import re
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypeVar

from datamarket.foundation.db import Connection

ElementT = TypeVar("ElementT")


def folded(values: list[ElementT]) -> list[ElementT]:
    """A column of a batch as it is sent: where all are alike, one for all, which SQL calls `unfolded`.

    The driver takes a quarter of a microsecond for an element, for an instant three times as long.
    """
    return values[:1] if values == values[:1] * len(values) else values


_ARGUMENT = re.compile(r"\$(\d+)")


class Write(NamedTuple):
    """A statement that changes rows, with its own `$1`, `$2`, ... in order."""

    statement: str
    arguments: tuple[Any, ...]


async def write_together(connection: Connection, writes: Sequence[Write]) -> None:
    """Several writes in one question: each waits for an answer, while whoever asks has more to do than to wait.

    None sees what another writes, but what checks them afterwards (keys, triggers) sees all. The last alone may call a
    function; PostgreSQL begins with it. All are done, or none is.
    """
    if writes:
        statement = _one_statement(tuple((write.statement, len(write.arguments)) for write in writes))
        await connection.execute(statement, *(value for write in writes for value in write.arguments))


@lru_cache(maxsize=64)
def _one_statement(parts: tuple[tuple[str, int], ...]) -> str:
    """Each but the last under a name of its own, its arguments numbered after those of the parts before it."""
    numbered: list[str] = []
    before = 0
    for statement, arguments in parts:
        numbered.append(_ARGUMENT.sub(partial(_moved, before), statement))
        before += arguments
    named = ", ".join(f"write_{number} AS ({part})" for number, part in enumerate(numbered[:-1], 1))
    return f"WITH {named} {numbered[-1]}" if named else numbered[-1]


def _moved(by: int, argument: "re.Match[str]") -> str:
    return f"${int(argument[1]) + by}"
