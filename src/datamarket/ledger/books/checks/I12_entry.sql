-- zh: 封存：不落后，水位线以下每条记录（entry）恰有一个叶子，且叶子与记录相符
-- en: sealing keeps up, and every row (entry) below the watermark has exactly one leaf, and it is that of the row
-- seen: SELECT count(*) FROM seal_leaf WHERE ledger_id = :ledger_id AND kind = 'entry'
WITH sealed AS (  -- empty while a restored database waits for its first pass
    SELECT xid_below, sealed_at, pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS beyond
      FROM seal_block, pg_control_system() AS server
     WHERE ledger_id = :ledger_id AND number = (SELECT max(number) FROM seal_block WHERE ledger_id = :ledger_id)
       AND seal_block.system_identifier = server.system_identifier
)
SELECT coalesce('leaf ' || l.index || ' of ' || l.id, 'no leaf of ' || r.id)
  FROM (SELECT index, id, hash FROM seal_leaf WHERE ledger_id = :ledger_id AND kind = 'entry') AS l
  FULL JOIN (SELECT xid, id, digest FROM ledger_entry WHERE ledger_id = :ledger_id) AS r ON r.id = l.id
 WHERE CASE WHEN l.id IS NULL THEN r.xid < (SELECT xid_below FROM sealed) OR r.xid >= (SELECT beyond FROM sealed)
            ELSE l.hash IS DISTINCT FROM sha256(
                     '\x0000000005656e74727900000004'::bytea || int4send(:ledger_id) || '\x00000010'::bytea || uuid_send(r.id)
                     || '\x00000008'::bytea || int8send(r.xid) || '\x00000020'::bytea || r.digest) END
UNION ALL
SELECT 'twice ' || id FROM seal_leaf WHERE ledger_id = :ledger_id AND kind = 'entry'
 GROUP BY id HAVING count(*) > 1
UNION ALL  -- as many as four passes take, and none has been for ten minutes: the sealer stands still, or something old holds its watermark back
SELECT 'more than 262144 rows wait for a block' FROM sealed
 WHERE sealed_at < now() - interval '10 minutes'
   AND (SELECT count(*) FROM (SELECT FROM ledger_entry WHERE ledger_id = :ledger_id AND xid >= xid_below AND xid < beyond LIMIT 262145) AS waiting) > 262144;
