"""What two cities' books promise each other, recomputed from transfers and legs ($1 = ledger)."""

from datamarket.foundation.checks import Check

_WAITING = """
(SELECT coalesce(sum(CASE t.direction WHEN 'outgoing' THEN t.amount_fen ELSE -t.amount_fen END), 0)
   FROM city_transfer t WHERE t.ledger_id = {ledger} AND t.clearing_id = {account} AND t.state <> 'settled')
"""
_STANDS = """
(SELECT coalesce(-sum(l.amount_fen), 0) FROM ledger_leg l WHERE l.ledger_id = {ledger} AND l.account_id = {account})
"""
_OWN = {"ledger": "pair.ledger_id", "account": "pair.clearing_id"}
_OTHER = {"ledger": "pair.other_ledger", "account": "pair.other_clearing"}
CHECKS: tuple[Check, ...] = (
    Check(
        "I11-cities",
        "城际清算账户等于未清算划转之和；两城账户互为镜像，无在途时合计为零",
        "a clearing account with a city stands at the transfers not settled; the two cities' mirror each other",
        "SELECT count(*) FROM city_transfer WHERE ledger_id = $1",
        f"""
        WITH own AS (SELECT * FROM city_transfer WHERE ledger_id = $1),
        theirs AS (SELECT * FROM city_transfer WHERE other_ledger = $1)
        SELECT 'clearing ' || a.id FROM ledger_account a
         WHERE a.ledger_id = $1 AND a.kind = 'city_clearing'
           AND {_STANDS.format(ledger="a.ledger_id", account="a.id")} <> {_WAITING.format(ledger="a.ledger_id", account="a.id")}
        UNION ALL
        SELECT 'between ' || $1 || ' and ' || pair.other_ledger
          FROM (SELECT coalesce(o.ledger_id, t.other_ledger) AS ledger_id, o.clearing_id,
                       coalesce(o.other_ledger, t.ledger_id) AS other_ledger, t.clearing_id AS other_clearing
                  FROM (SELECT DISTINCT ledger_id, other_ledger, clearing_id FROM own) o
                  FULL JOIN (SELECT DISTINCT ledger_id, other_ledger, clearing_id FROM theirs) t
                         ON t.ledger_id = o.other_ledger) AS pair
         WHERE {_STANDS.format(**_OWN)} + {_STANDS.format(**_OTHER)} <> {_WAITING.format(**_OWN)} + {_WAITING.format(**_OTHER)}
        UNION ALL
        SELECT 'transfer ' || coalesce(own.id, theirs.id)
          FROM own FULL JOIN theirs ON theirs.ledger_id = own.other_ledger AND theirs.id = own.id
         WHERE CASE WHEN theirs.id IS NULL THEN own.direction = 'incoming' OR own.state <> 'sent'
                    WHEN own.id IS NULL THEN theirs.direction = 'incoming' OR theirs.state <> 'sent'
                    ELSE own.direction = theirs.direction
                         OR (own.owner_id, own.amount_fen, own.reference) <> (theirs.owner_id, theirs.amount_fen, theirs.reference)
                         OR own.direction = 'incoming' AND own.state = 'settled' AND theirs.state <> 'settled'
                         OR theirs.direction = 'incoming' AND theirs.state = 'settled' AND own.state <> 'settled' END
        """,  # noqa: S608 - constants only
    ),
)
