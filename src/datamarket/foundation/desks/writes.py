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
    """A statement that changes rows, or a SELECT of one function that does; with its own `$1`, `$2`, ... in order."""

    statement: str
    arguments: tuple[Any, ...]


async def write_together(connection: Connection, writes: Sequence[Write]) -> None:
    """Several writes in one question: each waits for an answer, while whoever asks has more to do than to wait.

    They are done in their order, so that two batches lock keys, meters and balances alike; all of them, or none. None
    sees what another writes, but what checks them afterwards (keys, triggers) sees all.
    """
    if writes:
        statement = _one_statement(tuple((write.statement, len(write.arguments)) for write in writes))
        await connection.execute(statement, *(value for write in writes for value in write.arguments))


@lru_cache(maxsize=64)
def _one_statement(parts: tuple[tuple[str, int], ...]) -> str:
    """Each under a name of its own, its arguments numbered after those of the parts before it.

    PostgreSQL does a named write whole where its rows are first asked for, and those that nobody asks for last and
    backwards. So each is counted, in the list of what is selected.
    """
    named: list[str] = []
    asked: list[str] = []
    before = 0
    for number, (statement, arguments) in enumerate(parts, 1):
        moved = _ARGUMENT.sub(partial(_moved, before), statement).strip()
        before += arguments
        if moved.startswith("SELECT"):
            asked.append(f"({moved})")
        else:
            named.append(f"write_{number} AS ({moved} RETURNING 1)")
            asked.append(f"(SELECT count(*) FROM write_{number})")  # noqa: S608 - a number
    return f"WITH {', '.join(named)} SELECT {', '.join(asked)}" if named else f"SELECT {', '.join(asked)}"


def _moved(by: int, argument: "re.Match[str]") -> str:
    return f"${int(argument[1]) + by}"
