"""Entries with their legs as leaves of the sealed log.

The digest is taken anew here rather than by `ledger_digest`: who may change a row may replace a function.
"""

from datamarket.evidence.log.leaves import LEDGER, LeafSource, micros

_RECOMPUTED = f"""
SELECT e.xid, e.id, e.digest AS stored, coalesce(l.parts, 0) AS parts,
       sha256(convert_to(concat_ws('|', e.ledger_id, e.period, e.id, e.kind, {micros("e.effective_at")},
           {micros("e.recorded_at")}, e.source_type, e.source_id, coalesce(e.reverses::text, '-'), e.actor_id,
           l.content), 'UTF8')) AS digest
  FROM ledger_entry AS e
  LEFT JOIN (SELECT period, entry_id, count(*) AS parts,
                    string_agg(concat(seq, ':', account_id, ':', amount_fen), ',' ORDER BY seq) AS content
               FROM ledger_leg
              WHERE ledger_id = {LEDGER} AND entry_id = ANY ({{wanted}})
                AND period = ANY ({{scope}}::int[])
              GROUP BY period, entry_id) AS l ON l.period = e.period AND l.entry_id = e.id
 WHERE e.ledger_id = {LEDGER} AND e.id = ANY ({{wanted}}) AND e.period = ANY ({{scope}}::int[])
OFFSET 0
"""  # noqa: S608 - constants
_ENTRIES = f"""
SELECT id, xid, period, kind, {micros("effective_at")} AS effective_at, {micros("recorded_at")} AS recorded_at,
       source_type, source_id, coalesce(reverses::text, '-') AS reverses, actor_id, encode(digest, 'hex') AS digest
  FROM ledger_entry WHERE ledger_id = {LEDGER} ORDER BY period, id
"""  # noqa: S608 - constants
_LEGS = f"""
SELECT period, entry_id, seq, account_id, amount_fen FROM ledger_leg
 WHERE ledger_id = {LEDGER} ORDER BY period, entry_id, seq
"""  # noqa: S608 - constants
ENTRIES = LeafSource(
    kind="entry",
    stored=f"SELECT xid, id, digest FROM ledger_entry WHERE ledger_id = {LEDGER}",  # noqa: S608 - constants
    recomputed=_RECOMPUTED,
    scope=f"SELECT DISTINCT period FROM ledger_entry WHERE ledger_id = {LEDGER} AND id = ANY ({{wanted}})",  # noqa: S608
    exports={"entries.csv": _ENTRIES, "legs.csv": _LEGS},
    parts=f"SELECT count(*) FROM ledger_leg WHERE ledger_id = {LEDGER}",  # noqa: S608 - constants
    strays="""
    SELECT 'leg ' || l.seq || ' of ' || l.entry_id FROM ledger_leg AS l
      LEFT JOIN ledger_entry AS e ON e.ledger_id = l.ledger_id AND e.period = l.period AND e.id = l.entry_id
     WHERE l.ledger_id = $1::int AND e.id IS NULL
    """,
)
