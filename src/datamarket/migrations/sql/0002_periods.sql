-- A month is open, closing (takes no posting, may still be given back), closed with its balances, or archived for good.
ALTER TABLE ledger_period
    DROP CONSTRAINT ledger_period_state_check,
    ADD COLUMN revision integer NOT NULL DEFAULT 0,
    ADD COLUMN closed_at timestamptz,
    ADD COLUMN closing_root bytea;
-- Who closed ahead of the calendar, which the rules no longer allow, finds the month open again.
UPDATE ledger_period SET state = 'open', version = version + 1
 WHERE state = 'closed' AND id >= to_char(now() AT TIME ZONE 'Asia/Shanghai', 'YYYYMM')::integer;

-- What stood on an account when a month was closed. A month that is closed again has a further revision beside the old.
CREATE TABLE ledger_period_balance (
    ledger_id INTEGER NOT NULL,
    period INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    account_id UUID NOT NULL,
    opening_debit_fen BIGINT NOT NULL,
    opening_credit_fen BIGINT NOT NULL,
    debit_fen BIGINT NOT NULL,
    credit_fen BIGINT NOT NULL,
    closing_debit_fen BIGINT NOT NULL,
    closing_credit_fen BIGINT NOT NULL,
    PRIMARY KEY (ledger_id, period, revision, account_id),
    CONSTRAINT ledger_period_balance_period_fkey FOREIGN KEY (ledger_id, period) REFERENCES ledger_period (ledger_id, id),
    CONSTRAINT ledger_period_balance_account_fkey
        FOREIGN KEY (ledger_id, account_id) REFERENCES ledger_account (ledger_id, id),
    CONSTRAINT ledger_period_balance_sum_check CHECK (
        closing_debit_fen = opening_debit_fen + debit_fen AND closing_credit_fen = opening_credit_fen + credit_fen)
);
GRANT SELECT ON ledger_period_balance TO datamarket_app;

-- Months that were closed before closing balances were kept get them now, as the first revision, and so does every
-- month before them, back to the first partition.
CREATE TEMPORARY TABLE shut_month ON COMMIT DROP AS
SELECT shut.ledger_id, to_char(begins, 'YYYYMM')::integer AS period, begins::date, (begins + '1 month')::date AS ends
  FROM (SELECT ledger_id, make_date(max(id) / 100, max(id) % 100, 1)::timestamp AS last
          FROM ledger_period WHERE state = 'closed' GROUP BY ledger_id) AS shut,
       (SELECT make_date(min(right(c.relname, 4)::integer), 1, 1)::timestamp AS day
          FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'ledger_entry'::regclass) AS first,
       generate_series(least(first.day, shut.last), shut.last, '1 month') AS begins;
INSERT INTO ledger_period (ledger_id, id, state, version, revision)
SELECT ledger_id, period, 'open', 0, 0 FROM shut_month ON CONFLICT DO NOTHING;
INSERT INTO ledger_period_balance
SELECT ledger_id, period, 1, account_id, all_debit - debit, all_credit - credit, debit, credit, all_debit, all_credit
  FROM (SELECT *, sum(debit) OVER so_far AS all_debit, sum(credit) OVER so_far AS all_credit
          FROM (SELECT m.ledger_id, m.period, a.account_id, coalesce(sum(d.debit_fen), 0) AS debit,
                       coalesce(sum(d.credit_fen), 0) AS credit
                  FROM shut_month m
                  JOIN (SELECT ledger_id, account_id, min(day) AS day FROM ledger_day GROUP BY 1, 2) AS a
                    ON a.ledger_id = m.ledger_id AND a.day < m.ends
                  LEFT JOIN ledger_day d ON d.ledger_id = m.ledger_id AND d.account_id = a.account_id
                                        AND d.day >= m.begins AND d.day < m.ends
                 GROUP BY 1, 2, 3) AS moved
        WINDOW so_far AS (PARTITION BY ledger_id, account_id ORDER BY period)) AS stood;
UPDATE ledger_period AS p
   SET state = 'closed', version = p.version + 1, revision = 1,
       closed_at = greatest(now(), (SELECT max(recorded_at) FROM ledger_entry
                                     WHERE ledger_id = p.ledger_id AND period = p.id)),
       closing_root = sha256(convert_to(concat_ws('|', p.ledger_id, p.id, 1,
           (SELECT string_agg(account_id || ':' || closing_debit_fen || ':' || closing_credit_fen, ',' ORDER BY account_id)
              FROM ledger_period_balance WHERE ledger_id = p.ledger_id AND period = p.id)), 'UTF8'))
  FROM shut_month m
 WHERE p.ledger_id = m.ledger_id AND p.id = m.period;
ALTER TABLE ledger_period
    ADD CONSTRAINT ledger_period_state_check CHECK (state IN ('open', 'closing', 'closed', 'archived')),
    ADD CONSTRAINT ledger_period_closing_check CHECK (
        (state IN ('closed', 'archived')) = (closing_root IS NOT NULL) AND (closing_root IS NULL) = (closed_at IS NULL)
        AND revision >= 0);

-- Two functions change a month, and nothing else.
REVOKE INSERT, UPDATE, DELETE ON ledger_period FROM datamarket_app;
