-- zh: 各月流通交易额累计数与逐笔交易、退款重算一致
-- en: the monthly turnover of each contract is what its trades and refunds add up to
-- seen: SELECT count(*) FROM monthly_turnover WHERE ledger_id = :ledger_id
SELECT coalesce(y.contract_id, t.contract_id) || ' in ' || to_char(coalesce(y.month, t.month), 'YYYY-MM')
  FROM (SELECT month, contract_id, provider_id, buyer_id, venue_id, sum(trades) AS trades, sum(free_trades) AS free_trades,
               sum(remaining_trades) AS remaining_trades, sum(gross_fen) AS gross_fen, sum(refunded_fen) AS refunded_fen,
               min(first_settled_at) AS first_settled_at, max(last_recorded_at) AS last_recorded_at,
               max(last_refunded_at) AS last_refunded_at
          FROM monthly_turnover WHERE ledger_id = :ledger_id GROUP BY 1, 2, 3, 4, 5) AS y
  FULL JOIN turnover_recounted(:ledger_id) AS t ON t.month = y.month AND t.contract_id = y.contract_id
 WHERE (y.provider_id, y.buyer_id, y.venue_id, y.trades, y.free_trades, y.remaining_trades, y.gross_fen, y.refunded_fen,
        y.first_settled_at, y.last_recorded_at, y.last_refunded_at)
       IS DISTINCT FROM
       (t.provider_id, t.buyer_id, t.venue_id, t.trades, t.free_trades, t.remaining_trades, t.gross_fen, t.refunded_fen,
        t.first_settled_at, t.last_recorded_at, t.last_refunded_at);
