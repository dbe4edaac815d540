CREATE OR REPLACE FUNCTION turnover_month(p_at timestamptz) RETURNS date LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT date_trunc('month', p_at AT TIME ZONE 'Asia/Shanghai')::date
$$;

-- Adds to one part of each contract and month that nobody has locked, or begins a new one: no writer ever waits here.
CREATE OR REPLACE FUNCTION turnover_add(p_added monthly_turnover[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH added AS MATERIALIZED (SELECT * FROM unnest(p_added)),
    free AS MATERIALIZED (
        SELECT p.* FROM added AS a CROSS JOIN LATERAL (
            SELECT y.ledger_id, y.month, y.contract_id, y.part FROM monthly_turnover AS y
             WHERE y.ledger_id = a.ledger_id AND y.month = a.month AND y.contract_id = a.contract_id
             LIMIT 1 FOR UPDATE SKIP LOCKED) AS p),
    summed AS (
        UPDATE monthly_turnover AS y
           SET trades = y.trades + a.trades, free_trades = y.free_trades + a.free_trades,
               remaining_trades = y.remaining_trades + a.remaining_trades,
               gross_fen = y.gross_fen + a.gross_fen, refunded_fen = y.refunded_fen + a.refunded_fen,
               first_settled_at = least(y.first_settled_at, a.first_settled_at),
               last_recorded_at = greatest(y.last_recorded_at, a.last_recorded_at),
               last_refunded_at = greatest(y.last_refunded_at, a.last_refunded_at)
          FROM free AS f JOIN added AS a USING (ledger_id, month, contract_id)
         WHERE y.ledger_id = f.ledger_id AND y.month = f.month AND y.contract_id = f.contract_id AND y.part = f.part)
    INSERT INTO monthly_turnover
    SELECT a.* FROM added AS a
     WHERE NOT EXISTS (SELECT FROM free AS f
                        WHERE f.ledger_id = a.ledger_id AND f.month = a.month AND f.contract_id = a.contract_id);
END
$$;
REVOKE ALL ON FUNCTION turnover_add(monthly_turnover[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION turnover_of_trades() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM turnover_add(array_agg(row(ledger_id, month, contract_id, gen_random_uuid(), provider_id, buyer_id, venue_id, trades, free,
                                       trades - free, gross, 0, first_settled, last_recorded, NULL)::monthly_turnover))
      FROM (SELECT ledger_id, turnover_month(occurred_at) AS month, contract_id, provider_id, buyer_id, venue_id,
                   count(*) AS trades, count(*) FILTER (WHERE amount_fen = 0) AS free, sum(amount_fen) AS gross,
                   min(occurred_at) FILTER (WHERE amount_fen > 0) AS first_settled, max(recorded_at) AS last_recorded
              FROM fresh GROUP BY 1, 2, 3, 4, 5, 6) AS made;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER trade_turnover AFTER INSERT ON trade
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION turnover_of_trades();

-- A trade is locked by whoever refunds it: its refunds so far are all visible.
CREATE OR REPLACE FUNCTION turnover_of_refunds() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    given record;  -- the new rows by themselves: on a shard they meet no table
BEGIN
    SELECT array_agg(trade_id) AS ids, array_agg(fen) AS fens, array_agg(last_at) AS lasts INTO given
      FROM (SELECT trade_id, sum(amount_fen) AS fen, max(refunded_at) AS last_at FROM fresh GROUP BY trade_id) AS f;
    PERFORM turnover_add(array_agg(row(ledger_id, month, contract_id, gen_random_uuid(), provider_id, buyer_id, venue_id, 0, 0,
                                       -wholly, 0, back, NULL, NULL, last_refunded)::monthly_turnover))
      FROM (SELECT t.ledger_id, turnover_month(t.occurred_at) AS month, t.contract_id, t.provider_id, t.buyer_id, t.venue_id,
                   count(*) FILTER (WHERE t.amount_fen = (SELECT sum(r.amount_fen) FROM refund AS r WHERE r.trade_id = t.id))
                       AS wholly,
                   sum(f.fen) AS back, max(f.last_at) AS last_refunded
              FROM unnest(given.ids, given.fens, given.lasts) AS f (trade_id, fen, last_at)
              JOIN trade AS t ON t.id = f.trade_id
             GROUP BY 1, 2, 3, 4, 5, 6) AS made;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER refund_turnover AFTER INSERT ON refund
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION turnover_of_refunds();

-- What the totals must be, by every trade and refund: for I17, and for who restores rows without their triggers.
CREATE OR REPLACE FUNCTION turnover_recounted(p_ledger integer) RETURNS SETOF monthly_turnover LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT t.ledger_id, turnover_month(t.occurred_at), t.contract_id, '00000000-0000-0000-0000-000000000000'::uuid,
           t.provider_id, t.buyer_id, t.venue_id, count(*), count(*) FILTER (WHERE t.amount_fen = 0),
           count(*) FILTER (WHERE t.amount_fen > coalesce(r.fen, 0)), sum(t.amount_fen)::bigint,
           coalesce(sum(r.fen), 0)::bigint, min(t.occurred_at) FILTER (WHERE t.amount_fen > 0), max(t.recorded_at),
           max(r.last_at)
      FROM trade AS t
      LEFT JOIN (SELECT trade_id, sum(amount_fen) AS fen, max(refunded_at) AS last_at FROM refund GROUP BY trade_id) AS r
        ON r.trade_id = t.id
     WHERE t.ledger_id = p_ledger
     GROUP BY 1, 2, 3, 5, 6, 7;
END
$$;
