-- zh: 每项业务只记账一次：业务键与分录一一对应
-- en: one posting per business: keys and entries match one to one
-- seen: SELECT count(*) FROM business_key WHERE ledger_id = :ledger_id
SELECT coalesce(k.entry_id, e.id)::text FROM (SELECT * FROM business_key WHERE ledger_id = :ledger_id) k
  FULL JOIN (SELECT * FROM ledger_entry WHERE ledger_id = :ledger_id) e
    ON e.period = k.period AND e.id = k.entry_id AND e.source_type = k.source_type
   AND e.source_id = k.source_id AND e.kind = k.kind
 WHERE k.entry_id IS NULL OR e.id IS NULL;
