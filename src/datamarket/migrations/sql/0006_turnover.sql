CREATE TABLE yearly_turnover (
    ledger_id INTEGER NOT NULL,
    year INTEGER NOT NULL,
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
    PRIMARY KEY (ledger_id, year, contract_id, part)
)
 WITH (fillfactor = 50);
GRANT SELECT ON yearly_turnover TO datamarket_app;
-- Every trade until now; from now on triggers add what is written.
INSERT INTO yearly_turnover
SELECT t.ledger_id, date_part('year', t.occurred_at AT TIME ZONE 'Asia/Shanghai')::integer, t.contract_id,
       '00000000-0000-0000-0000-000000000000', t.provider_id, t.buyer_id, t.venue_id, count(*),
       count(*) FILTER (WHERE t.amount_fen = 0), count(*) FILTER (WHERE t.amount_fen > coalesce(r.fen, 0)),
       sum(t.amount_fen), coalesce(sum(r.fen), 0), min(t.occurred_at) FILTER (WHERE t.amount_fen > 0), max(t.recorded_at),
       max(r.last_at)
  FROM trade AS t
  LEFT JOIN (SELECT trade_id, sum(amount_fen) AS fen, max(refunded_at) AS last_at FROM refund GROUP BY trade_id) AS r
    ON r.trade_id = t.id
 GROUP BY 1, 2, 3, 5, 6, 7;
-- From what a run's turnover was taken: null in runs before this was told, which read every trade.
ALTER TABLE subsidy_run
    ADD COLUMN turnover_from character varying,
    ADD CONSTRAINT subsidy_run_turnover_from_check CHECK (turnover_from IN ('trades', 'kept'));
