"""The evidence as files that anyone verifies without us: rows, leaves, blocks, and the verifier's key.

`tools/verify_evidence.py` reads them; it shares no code with this package.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from datamarket.evidence.log.sealing import horizon_of, is_restored, last_block
from datamarket.evidence.log.verification import Log
from datamarket.foundation.db import Connection

FORMAT = 1
_LEAVES = """
SELECT index, kind, id, encode(hash, 'hex') AS hash FROM seal_leaf WHERE ledger_id = $1::int ORDER BY index
"""
_NODES = """
SELECT level, index, encode(hash, 'hex') AS hash FROM seal_node WHERE ledger_id = $1::int ORDER BY level, index
"""
_BLOCKS = """
SELECT number, first_index, leaves, size, encode(root, 'hex') AS root, encode(previous_root, 'hex') AS previous_root,
       (SELECT string_agg(encode(peak, 'hex'), ' ' ORDER BY slot)
          FROM unnest(frontier) WITH ORDINALITY AS edge (peak, slot)) AS frontier, epoch, system_identifier,
       xid_from, xid_below, xid_last, (extract(epoch FROM sealed_at) * 1000000)::bigint AS sealed_at, checkpoint
  FROM seal_block WHERE ledger_id = $1::int ORDER BY number
"""


async def export(connection: Connection, log: Log, folder: Path) -> list[Path]:
    """Write the bundle of one market's log; `connection` should see one snapshot. The files written."""
    last, horizon = await last_block(connection, log.ledger_id), await horizon_of(connection)
    about = {
        "format": FORMAT,
        "ledger_id": log.ledger_id,
        "origin": log.reader.origin,
        "beyond": horizon.beyond,
        "restored": is_restored(last, horizon),
    }
    written = _write(folder, {"log.json": json.dumps(about, indent=2), "key.txt": log.reader.line})
    tables = {name: sql for source in log.sources for name, sql in source.exports.items()}
    tables |= {"leaves.csv": _LEAVES, "nodes.csv": _NODES, "blocks.csv": _BLOCKS}
    for name, query in tables.items():
        path = folder / name
        await connection.copy_from_query(query, log.ledger_id, output=path, format="csv", header=True)
        written.append(path)
    return written


def _write(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(f"{text}\n", encoding="utf-8")
    return [folder / name for name in texts]
