"""A column of a batch in which all values are alike is sent as one."""

from uuid import UUID

import pytest

from datamarket.foundation.db import Database
from datamarket.foundation.desks.writes import folded

ONE, OTHER = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("values", "sent"),
    [
        ([], 0),
        ([None], 1),
        ([None] * 3, 1),
        ([ONE] * 3, 1),
        ([ONE, None, ONE], 3),
        ([None, ONE, ONE], 3),
        ([ONE, ONE, OTHER], 3),
    ],
)
async def test_what_is_sent_once_stands_for_each_again(
    database: Database, values: list[UUID | None], sent: int
) -> None:
    assert len(folded(values)) == sent
    async with database.connection() as connection:
        unfolded = "SELECT unfolded($1::uuid[], $2)"
        assert await connection.fetchval(unfolded, folded(values), len(values)) == values
