"""What closed months and accounting days promise, recomputed from entries and legs ($1 = ledger)."""

from datamarket.foundation.checks import Check

_SHUT = "p.state IN ('closed', 'archived')"
_CURRENT = f"""
SELECT b.* FROM ledger_period p
  JOIN ledger_period_balance b ON b.ledger_id = p.ledger_id AND b.period = p.id AND b.revision = p.revision
 WHERE p.ledger_id = $1 AND {_SHUT}
"""  # noqa: S608 - constants only
CHECKS: tuple[Check, ...] = (
    Check(
        "I3b",
        "日发生额等于其分录行之和",
        "what moved on an account on an accounting day is the sum of its legs",
        "SELECT count(*) FROM ledger_day WHERE ledger_id = $1",
        """
        SELECT coalesce(d.account_id, l.account_id) || ' on ' || coalesce(d.day, l.day)
          FROM (SELECT * FROM ledger_day WHERE ledger_id = $1) d
          FULL JOIN (SELECT l.account_id, ledger_accounting_day(e.effective_at, e.period) AS day, count(*) AS legs,
                            coalesce(sum(l.amount_fen) FILTER (WHERE l.amount_fen > 0), 0) AS debit,
                            coalesce(-sum(l.amount_fen) FILTER (WHERE l.amount_fen < 0), 0) AS credit
                       FROM ledger_leg l
                       JOIN ledger_entry e ON e.ledger_id = l.ledger_id AND e.period = l.period AND e.id = l.entry_id
                      WHERE l.ledger_id = $1 GROUP BY 1, 2) l ON l.account_id = d.account_id AND l.day = d.day
         WHERE d.account_id IS NULL OR l.account_id IS NULL
            OR d.debit_fen <> l.debit OR d.credit_fen <> l.credit OR d.legs <> l.legs
        """,
    ),
    Check(
        "I10",
        "关账后不入账：期末 = 期初 + 发生额，下期期初 = 上期期末，关账根哈希可重算",
        "nothing posts into a closed month; closing = opening + movements; next opening = previous closing; roots recompute",
        f"SELECT count(*) FROM ({_CURRENT}) AS current",  # noqa: S608 - constants only
        f"""
        WITH current AS MATERIALIZED ({_CURRENT})
        SELECT 'posted after closing ' || e.id FROM ledger_period p
          JOIN ledger_entry e ON e.ledger_id = p.ledger_id AND e.period = p.id
         WHERE p.ledger_id = $1 AND {_SHUT} AND e.recorded_at > p.closed_at
        UNION ALL
        SELECT 'open before a closed month ' || min(e.period) FROM ledger_entry e
         WHERE e.ledger_id = $1 AND e.period < (SELECT max(p.id) FROM ledger_period p WHERE p.ledger_id = $1 AND {_SHUT})
           AND NOT EXISTS (SELECT FROM ledger_period p WHERE p.ledger_id = $1 AND {_SHUT} AND p.id = e.period) HAVING count(*) > 0
        UNION ALL
        SELECT 'movements ' || coalesce(b.period, l.period) || ' ' || coalesce(b.account_id, l.account_id)
          FROM current b
          FULL JOIN (SELECT l.period, l.account_id,
                            coalesce(sum(l.amount_fen) FILTER (WHERE l.amount_fen > 0), 0) AS debit,
                            coalesce(-sum(l.amount_fen) FILTER (WHERE l.amount_fen < 0), 0) AS credit
                       FROM ledger_period p JOIN ledger_leg l ON l.ledger_id = p.ledger_id AND l.period = p.id
                      WHERE p.ledger_id = $1 AND {_SHUT} GROUP BY 1, 2) l ON l.period = b.period AND l.account_id = b.account_id
         WHERE b.account_id IS NULL OR b.debit_fen <> coalesce(l.debit, 0) OR b.credit_fen <> coalesce(l.credit, 0)
            OR b.closing_debit_fen <> b.opening_debit_fen + b.debit_fen
            OR b.closing_credit_fen <> b.opening_credit_fen + b.credit_fen
        UNION ALL
        SELECT 'opening ' || coalesce(o.period, ledger_next_period(c.period)) || ' ' || coalesce(o.account_id, c.account_id)
          FROM (SELECT * FROM current WHERE period < (SELECT max(p.id) FROM ledger_period p WHERE p.ledger_id = $1 AND {_SHUT})) c
          FULL JOIN current o ON o.period = ledger_next_period(c.period) AND o.account_id = c.account_id
         WHERE o.account_id IS NULL OR o.opening_debit_fen <> coalesce(c.closing_debit_fen, 0)
            OR o.opening_credit_fen <> coalesce(c.closing_credit_fen, 0)
        UNION ALL
        SELECT 'root ' || p.id FROM ledger_period p
         WHERE p.ledger_id = $1 AND {_SHUT} AND p.closing_root IS DISTINCT FROM ledger_closing_root(p.ledger_id, p.id, p.revision)
        """,  # noqa: S608 - constants only
    ),
)
