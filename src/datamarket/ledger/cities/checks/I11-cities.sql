-- zh: 城际清算账户等于未清算划转之和；两城账户互为镜像，无在途时合计为零
-- en: a clearing account with a city stands at the transfers not settled; the two cities' mirror each other
-- seen: SELECT count(*) FROM city_transfer WHERE ledger_id = :ledger_id
WITH own AS (
    SELECT * FROM city_transfer WHERE ledger_id = :ledger_id
), theirs AS (
    SELECT * FROM city_transfer WHERE other_ledger = :ledger_id
), clearing AS MATERIALIZED (
    SELECT ledger_id, id FROM ledger_account WHERE ledger_id = :ledger_id AND kind = 'city_clearing'
    UNION
    SELECT ledger_id, clearing_id FROM own
    UNION
    SELECT ledger_id, clearing_id FROM theirs
), side AS MATERIALIZED (
    SELECT a.ledger_id, a.id,
           (SELECT coalesce(-sum(l.amount_fen), 0)
              FROM ledger_leg l WHERE l.ledger_id = a.ledger_id AND l.account_id = a.id) AS stands,
           (SELECT coalesce(sum(CASE t.direction WHEN 'outgoing' THEN t.amount_fen ELSE -t.amount_fen END), 0)
              FROM city_transfer t
             WHERE t.ledger_id = a.ledger_id AND t.clearing_id = a.id AND t.state <> 'settled') AS waiting
      FROM clearing a
)
SELECT 'clearing ' || side.id
  FROM side JOIN ledger_account a ON a.ledger_id = side.ledger_id AND a.id = side.id
 WHERE a.ledger_id = :ledger_id AND a.kind = 'city_clearing' AND side.stands <> side.waiting
UNION ALL
SELECT 'between ' || :ledger_id || ' and ' || pair.other_ledger
  FROM (SELECT o.ledger_id, o.clearing_id, coalesce(o.other_ledger, t.ledger_id) AS other_ledger,
               t.clearing_id AS other_clearing
          FROM (SELECT DISTINCT ledger_id, other_ledger, clearing_id FROM own) o
          FULL JOIN (SELECT DISTINCT ledger_id, other_ledger, clearing_id FROM theirs) t
                 ON t.ledger_id = o.other_ledger) AS pair
  LEFT JOIN side here ON here.ledger_id = pair.ledger_id AND here.id = pair.clearing_id
  LEFT JOIN side there ON there.ledger_id = pair.other_ledger AND there.id = pair.other_clearing
 WHERE coalesce(here.stands, 0) + coalesce(there.stands, 0) <> coalesce(here.waiting, 0) + coalesce(there.waiting, 0)
UNION ALL
SELECT 'transfer ' || coalesce(own.id, theirs.id)
  FROM own FULL JOIN theirs ON theirs.ledger_id = own.other_ledger AND theirs.id = own.id
 WHERE CASE WHEN theirs.id IS NULL THEN own.direction = 'incoming' OR own.state <> 'sent'
            WHEN own.id IS NULL THEN theirs.direction = 'incoming' OR theirs.state <> 'sent'
            ELSE own.direction = theirs.direction
                 OR (own.owner_id, own.amount_fen, own.reference) <> (theirs.owner_id, theirs.amount_fen, theirs.reference)
                 OR own.direction = 'incoming' AND own.state = 'settled' AND theirs.state <> 'settled'
                 OR theirs.direction = 'incoming' AND theirs.state = 'settled' AND own.state <> 'settled' END;
