-- zh: 分录与分录行只增不改：权限、触发器与摘要均完好
-- en: entries and legs are never changed: privileges, triggers and digests are intact
-- seen: SELECT count(*) FROM ledger_entry WHERE ledger_id = :ledger_id
WITH parts AS (
    SELECT c.oid, c.relname FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
     WHERE c.relkind IN ('r', 'p')
       AND coalesce(i.inhparent, c.oid) IN (SELECT oid FROM pg_class WHERE relname IN ('ledger_entry', 'ledger_leg'))
)
SELECT relname || ': datamarket_app may change it' FROM parts
 WHERE has_table_privilege('datamarket_app', oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
UNION ALL
SELECT relname || ': a guard is missing or off' FROM parts
 WHERE (SELECT count(*) FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
         WHERE t.tgrelid = parts.oid AND p.proname = 'refuse_change' AND t.tgenabled IN ('O', 'A')) < 2
UNION ALL
SELECT e.id::text FROM ledger_entry e
  LEFT JOIN (SELECT period, entry_id, string_agg(seq || ':' || account_id || ':' || amount_fen, ',' ORDER BY seq) AS content
               FROM ledger_leg WHERE ledger_id = :ledger_id GROUP BY period, entry_id) l
    ON l.period = e.period AND l.entry_id = e.id
 WHERE e.ledger_id = :ledger_id
   AND e.digest IS DISTINCT FROM ledger_digest(e.ledger_id, e.period, e.id, e.kind, e.effective_at, e.recorded_at,
                                               e.source_type, e.source_id, e.reverses, e.actor_id, l.content);
