-- What was kept by year is kept by month, from every trade until now; functions and triggers come after.
CREATE TABLE monthly_turnover (
    ledger_id INTEGER NOT NULL,
    month DATE NOT NULL,
    contract_id UUID NOT NULL,
    part UUID NOT NULL,
    provider_id UUID NOT NULL,
    buyer_id UUID NOT NULL,
    venue_id UUID NOT NULL,
    trades BIGINT NOT NULL,
    free_trades BIGINT NOT NULL,
    remaining_trades BIGINT NOT NULL,
    gross_fen BIGINT NOT NULL,
    refunded_fen BIGINT NOT NULL,
    first_settled_at TIMESTAMP WITH TIME ZONE,
    last_recorded_at TIMESTAMP WITH TIME ZONE,
    last_refunded_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (ledger_id, month, contract_id, part)
)
 WITH (fillfactor = 50);
GRANT SELECT ON monthly_turnover TO datamarket_app;
INSERT INTO monthly_turnover
SELECT t.ledger_id, date_trunc('month', t.occurred_at AT TIME ZONE 'Asia/Shanghai')::date, t.contract_id,
       '00000000-0000-0000-0000-000000000000', t.provider_id, t.buyer_id, t.venue_id, count(*),
       count(*) FILTER (WHERE t.amount_fen = 0), count(*) FILTER (WHERE t.amount_fen > coalesce(r.fen, 0)),
       sum(t.amount_fen), coalesce(sum(r.fen), 0), min(t.occurred_at) FILTER (WHERE t.amount_fen > 0), max(t.recorded_at),
       max(r.last_at)
  FROM trade AS t
  LEFT JOIN (SELECT trade_id, sum(amount_fen) AS fen, max(refunded_at) AS last_at FROM refund GROUP BY trade_id) AS r
    ON r.trade_id = t.id
 GROUP BY 1, 2, 3, 5, 6, 7;
DROP FUNCTION IF EXISTS turnover_add(yearly_turnover[]);
DROP FUNCTION IF EXISTS turnover_recounted(integer);
DROP FUNCTION IF EXISTS turnover_year(timestamptz);
DROP TABLE yearly_turnover;
