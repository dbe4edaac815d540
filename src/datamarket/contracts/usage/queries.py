"""Reading what was metered by month: of the newest uses, by the index of a contract's uses."""

from typing import NamedTuple
from uuid import UUID

from datamarket.foundation.db import Connection

MOST_USES = 200_000
"""That a series reads."""


class UsedMonth(NamedTuple):
    """What was metered in one month."""

    period: int
    uses: int
    quantity: int


_BY_MONTH = """
SELECT to_char(at AT TIME ZONE 'Asia/Shanghai', 'YYYYMM')::int AS period, count(*) AS uses, sum(quantity)::bigint AS quantity
  FROM (SELECT at, quantity FROM contract_use WHERE contract_id = $1 ORDER BY id DESC LIMIT $2) AS newest
 WHERE quantity > 0 GROUP BY 1 ORDER BY 1
"""


async def uses_by_month(connection: Connection, contract_id: UUID) -> list[UsedMonth]:
    """The months in which something was used, oldest first."""
    rows = await connection.fetch(_BY_MONTH, contract_id, MOST_USES)
    return [UsedMonth(**dict(row)) for row in rows]
