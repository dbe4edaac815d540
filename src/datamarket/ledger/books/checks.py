"""What the books promise, recomputed from entries, legs and balances ($1 = ledger)."""

from datamarket.foundation.checks import Check
from datamarket.foundation.db import APP_ROLE

_GUARDED = "('ledger_entry', 'ledger_leg')"
_PARTS = f"""
SELECT c.oid, c.relname FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
 WHERE c.relkind IN ('r', 'p') AND coalesce(i.inhparent, c.oid) IN (SELECT oid FROM pg_class WHERE relname IN {_GUARDED})
   AND $1::int IS NOT NULL
"""  # noqa: S608 - constants only
CHECKS: tuple[Check, ...] = (
    Check(
        "I1",
        "每笔分录借贷相等，至少两行，无零额",
        "the legs of every entry sum to zero; at least two, none zero",
        "SELECT count(*) FROM ledger_entry WHERE ledger_id = $1",
        """
        SELECT coalesce(e.id::text, 'legs without entry ' || l.entry_id)
          FROM (SELECT period, id FROM ledger_entry WHERE ledger_id = $1) e
          FULL JOIN (SELECT period, entry_id, sum(amount_fen) AS total, count(*) AS legs, bool_or(amount_fen = 0) AS zero
                       FROM ledger_leg WHERE ledger_id = $1 GROUP BY period, entry_id) l
            ON l.period = e.period AND l.entry_id = e.id
         WHERE e.id IS NULL OR l.entry_id IS NULL OR l.total <> 0 OR l.legs < 2 OR l.zero
        """,
    ),
    Check(
        "I2",
        "全市场分录行合计为零",
        "all legs of the market sum to zero",
        "SELECT count(*) FROM ledger_leg WHERE ledger_id = $1",
        "SELECT 'sum ' || sum(amount_fen) FROM ledger_leg WHERE ledger_id = $1 HAVING sum(amount_fen) <> 0",
    ),
    Check(
        "I3",
        "余额等于其分录行之和，版本等于行数",
        "a stored balance is the sum of its legs, its version their number",
        "SELECT count(*) FROM ledger_balance WHERE ledger_id = $1",
        """
        SELECT coalesce(b.account_id, l.account_id)::text FROM (SELECT * FROM ledger_balance WHERE ledger_id = $1) b
          FULL JOIN (SELECT account_id, count(*) AS legs,
                            coalesce(sum(amount_fen) FILTER (WHERE amount_fen > 0), 0) AS debit,
                            coalesce(-sum(amount_fen) FILTER (WHERE amount_fen < 0), 0) AS credit
                       FROM ledger_leg WHERE ledger_id = $1 GROUP BY account_id) l ON l.account_id = b.account_id
         WHERE b.account_id IS NULL OR b.debit_fen <> coalesce(l.debit, 0) OR b.credit_fen <> coalesce(l.credit, 0)
            OR b.version <> coalesce(l.legs, 0)
            OR NOT b.may_go_negative AND b.credit_fen - b.debit_fen < b.held_fen
        """,
    ),
    Check(
        "I4",
        "借方余额合计等于贷方余额合计",
        "debit balances equal credit balances",
        "SELECT count(*) FROM ledger_balance WHERE ledger_id = $1",
        "SELECT 'difference ' || sum(debit_fen - credit_fen) FROM ledger_balance WHERE ledger_id = $1"
        " HAVING sum(debit_fen - credit_fen) <> 0",
        quick=True,
    ),
    Check(
        "I5",
        "分录与分录行只增不改：权限、触发器与摘要均完好",
        "entries and legs are never changed: privileges, triggers and digests are intact",
        "SELECT count(*) FROM ledger_entry WHERE ledger_id = $1",
        f"""
        WITH parts AS ({_PARTS})
        SELECT relname || ': {APP_ROLE} may change it' FROM parts
         WHERE has_table_privilege('{APP_ROLE}', oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
        UNION ALL
        SELECT relname || ': a guard is missing or off' FROM parts
         WHERE (SELECT count(*) FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                 WHERE t.tgrelid = parts.oid AND p.proname = 'refuse_change' AND t.tgenabled IN ('O', 'A')) < 2
        UNION ALL
        SELECT e.id::text FROM ledger_entry e
          LEFT JOIN (SELECT period, entry_id, string_agg(seq || ':' || account_id || ':' || amount_fen, ',' ORDER BY seq) AS content
                       FROM ledger_leg WHERE ledger_id = $1 GROUP BY period, entry_id) l
            ON l.period = e.period AND l.entry_id = e.id
         WHERE e.ledger_id = $1
           AND e.digest IS DISTINCT FROM ledger_digest(e.ledger_id, e.period, e.id, e.kind, e.effective_at, e.recorded_at,
                                                       e.source_type, e.source_id, e.reverses, e.actor_id, l.content)
        """,  # noqa: S608 - constants only
    ),
    Check(
        "I6",
        "每项业务只记账一次：业务键与分录一一对应",
        "one posting per business: keys and entries match one to one",
        "SELECT count(*) FROM business_key WHERE ledger_id = $1",
        """
        SELECT coalesce(k.entry_id, e.id)::text FROM (SELECT * FROM business_key WHERE ledger_id = $1) k
          FULL JOIN (SELECT * FROM ledger_entry WHERE ledger_id = $1) e
            ON e.period = k.period AND e.id = k.entry_id AND e.source_type = k.source_type
           AND e.source_id = k.source_id AND e.kind = k.kind
         WHERE k.entry_id IS NULL OR e.id IS NULL
        """,
    ),
    Check(
        "I7",
        "冲正与原分录方向相反、同一账户、不超原额",
        "reversals mirror their original and never exceed it",
        "SELECT count(*) FROM ledger_entry WHERE ledger_id = $1 AND reverses IS NOT NULL",
        """
        SELECT id::text FROM (
            SELECT r.reverses AS id, l.account_id, 0::bigint AS original, l.amount_fen AS back
              FROM ledger_entry r
              JOIN ledger_leg l ON l.ledger_id = r.ledger_id AND l.period = r.period AND l.entry_id = r.id
             WHERE r.ledger_id = $1 AND r.reverses IS NOT NULL
            UNION ALL
            SELECT e.id, l.account_id, l.amount_fen, 0 FROM ledger_entry e
              JOIN ledger_leg l ON l.ledger_id = e.ledger_id AND l.period = e.period AND l.entry_id = e.id
             WHERE e.ledger_id = $1
               AND e.id IN (SELECT reverses FROM ledger_entry WHERE ledger_id = $1 AND reverses IS NOT NULL)
        ) AS both_ways GROUP BY id, account_id
        HAVING sum(original) = 0 OR sign(sum(original)) * sign(sum(back)) > 0 OR abs(sum(back)) > abs(sum(original))
        """,
    ),
)
