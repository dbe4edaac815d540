"""I12: sealing covers every row below the watermark, and every leaf is still the one that its row makes."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from datamarket.evidence.log.leaves import LeafSource, leaf_hash
from datamarket.foundation.checks import Check
from datamarket.foundation.db import Connection

_SAME_SERVER = """
(SELECT xid_below FROM seal_block, pg_control_system() AS server WHERE ledger_id = $1
   AND number = (SELECT max(number) FROM seal_block WHERE ledger_id = $1)
   AND seal_block.system_identifier = server.system_identifier)
"""
"""Null while a restored database waits for its first pass."""


def _leaves_of_rows(source: LeafSource) -> Check:
    rows = f"({source.stored}) AS r"
    return Check(
        f"I12 {source.kind}",
        f"封存：水位线以下每条记录（{source.kind}）恰有一个叶子，且叶子与记录相符",
        f"sealing: every row ({source.kind}) below the watermark has exactly one leaf, and it is that of the row",
        f"SELECT count(*) FROM seal_leaf WHERE ledger_id = $1 AND kind = '{source.kind}'",  # noqa: S608 - constants
        f"""
        SELECT coalesce('leaf ' || l.index || ' of ' || l.id, 'no leaf of ' || r.id)
          FROM (SELECT index, id, hash FROM seal_leaf WHERE ledger_id = $1 AND kind = '{source.kind}') AS l
          FULL JOIN {rows} ON r.id = l.id
         WHERE CASE WHEN l.id IS NULL THEN r.xid < {_SAME_SERVER}
                    ELSE l.hash IS DISTINCT FROM {leaf_hash(source.kind)} END
        UNION ALL
        SELECT 'twice ' || id FROM seal_leaf WHERE ledger_id = $1 AND kind = '{source.kind}'
         GROUP BY id HAVING count(*) > 1
        """,  # noqa: S608 - constants
    )


_BLOCKS = Check(
    "I12 blocks",
    "封存：区块首尾相接，合计等于叶子数",
    "sealing: blocks stand on each other, and add up to the leaves",
    "SELECT count(*) FROM seal_block WHERE ledger_id = $1",
    """
    SELECT 'block ' || number FROM (
        SELECT number, first_index, previous_root, lag(size, 1, 0::bigint) OVER chain AS size,
               lag(root, 1, sha256('')) OVER chain AS root, row_number() OVER chain AS place
          FROM seal_block WHERE ledger_id = $1 WINDOW chain AS (ORDER BY number)
    ) AS b WHERE first_index <> size OR previous_root <> root OR number <> place
    UNION ALL
    SELECT 'leaves ' || leaves || ', in blocks ' || blocks FROM (
        SELECT (SELECT coalesce(sum(cardinality(ids)), 0) FROM seal_leaves WHERE ledger_id = $1) AS leaves,
               (SELECT coalesce(max(size), 0) FROM seal_block WHERE ledger_id = $1) AS blocks
    ) AS sums WHERE leaves <> blocks
    """,
)


def checks_of(sources: Sequence[LeafSource]) -> tuple[Check, ...]:
    """The invariants of a log over these rows."""
    return (*(_leaves_of_rows(source) for source in sources), _BLOCKS)


async def sealing_lag(connection: Connection, ledger_id: int, now: datetime) -> timedelta:
    """How long the oldest audit event above the watermark has waited to be sealed; zero when none does."""
    oldest = await connection.fetchval(
        "SELECT min(at) FROM audit_event"
        " WHERE xid >= (SELECT coalesce(max(xid_below), 0) FROM seal_block WHERE ledger_id = $1)",
        ledger_id,
    )
    return max(now - oldest, timedelta()) if oldest is not None else timedelta()
