-- The transaction that wrote a row: the sealer takes what lies below the watermark of running transactions.
ALTER TABLE ledger_entry ADD COLUMN xid bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint);
ALTER TABLE audit_event ADD COLUMN xid bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint);
CREATE INDEX ledger_entry_xid_idx ON ledger_entry (ledger_id, xid);
CREATE INDEX audit_event_xid_idx ON audit_event (xid);

-- A leg's entry and account are looked up once for each of them, not once for a row: two thirds of a batch went there.
-- The scalar subqueries are meant: as joins, a plan made for two legs would serve a thousand.
ALTER TABLE ledger_leg DROP CONSTRAINT ledger_leg_entry_fkey;
ALTER TABLE ledger_leg DROP CONSTRAINT ledger_leg_account_fkey;
CREATE OR REPLACE FUNCTION ledger_legs_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM fresh GROUP BY ledger_id, period, entry_id HAVING sum(amount_fen) <> 0 OR count(*) < 2
    ) THEN
        RAISE EXCEPTION 'the legs of an entry do not balance'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_entry_balanced';
    END IF;
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT ledger_id, period, entry_id FROM fresh OFFSET 0) AS f
         WHERE (SELECT 1 FROM ledger_entry e
                 WHERE e.ledger_id = f.ledger_id AND e.period = f.period AND e.id = f.entry_id) IS NULL
    ) THEN
        RAISE EXCEPTION 'a leg has no entry'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_leg_of_an_entry';
    END IF;
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT ledger_id, account_id FROM fresh OFFSET 0) AS f
         WHERE (SELECT 1 FROM ledger_account a WHERE a.ledger_id = f.ledger_id AND a.id = f.account_id) IS NULL
    ) THEN
        RAISE EXCEPTION 'a leg has no account'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_leg_of_an_account';
    END IF;
    RETURN NULL;
END
$$;

-- What moved on an account on one accounting day: the effective day, or, for a late event, the first day of the
-- month that took it. Balances at a date stand on closing balances and these, not on every leg.
CREATE TABLE ledger_day (
    ledger_id INTEGER NOT NULL,
    account_id UUID NOT NULL,
    day DATE NOT NULL,
    debit_fen BIGINT NOT NULL,
    credit_fen BIGINT NOT NULL,
    legs BIGINT NOT NULL,
    PRIMARY KEY (ledger_id, account_id, day),
    CONSTRAINT ledger_day_account_fkey FOREIGN KEY (ledger_id, account_id) REFERENCES ledger_account (ledger_id, id)
) WITH (fillfactor = 50);
CREATE INDEX ledger_day_day_idx ON ledger_day (ledger_id, day);
GRANT SELECT ON ledger_day TO datamarket_app;

CREATE FUNCTION ledger_accounting_day(p_effective timestamptz, p_period integer) RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN to_char(p_effective AT TIME ZONE 'Asia/Shanghai', 'YYYYMM')::integer = p_period
                THEN (p_effective AT TIME ZONE 'Asia/Shanghai')::date
                ELSE make_date(p_period / 100, p_period % 100, 1) END
$$;
INSERT INTO ledger_day (ledger_id, account_id, day, debit_fen, credit_fen, legs)
SELECT l.ledger_id, l.account_id, ledger_accounting_day(e.effective_at, e.period),
       coalesce(sum(l.amount_fen) FILTER (WHERE l.amount_fen > 0), 0),
       coalesce(-sum(l.amount_fen) FILTER (WHERE l.amount_fen < 0), 0), count(*)
  FROM ledger_leg l JOIN ledger_entry e ON e.ledger_id = l.ledger_id AND e.period = l.period AND e.id = l.entry_id
 GROUP BY 1, 2, 3;

CREATE OR REPLACE FUNCTION ledger_post(
    p_ledger integer, p_recorded timestamptz, p_open_month integer,
    p_entry uuid[], p_month integer[], p_kind text[], p_effective timestamptz[],
    p_source_type text[], p_source uuid[], p_reverses uuid[], p_actor uuid[],
    p_leg_entry integer[], p_leg_seq integer[], p_account uuid[], p_amount bigint[]
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    periods integer[];
    days date[];
    touched uuid[];
BEGIN
    -- Closing a period takes this lock alone: nothing posts into a period while it closes.
    PERFORM pg_advisory_xact_lock_shared(p_ledger, 1);
    -- A late event stands in the open month, with its own effective date.
    SELECT array_agg(period ORDER BY position), array_agg(ledger_accounting_day(effective_at, period) ORDER BY position)
      INTO periods, days
      FROM (SELECT given.position, given.effective_at,
                   CASE WHEN shut.id IS NULL THEN given.month ELSE p_open_month END AS period
              FROM unnest(p_month, p_effective) WITH ORDINALITY AS given (month, effective_at, position)
              LEFT JOIN ledger_period AS shut
                ON shut.ledger_id = p_ledger AND shut.id = given.month AND shut.state <> 'open') AS placed;
    IF EXISTS (SELECT FROM ledger_period WHERE ledger_id = p_ledger AND id = ANY (periods) AND state <> 'open') THEN
        RAISE EXCEPTION 'the accounting period is closed'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_period_open';
    END IF;

    -- I6: a second posting of the same business fails here, on the primary key.
    INSERT INTO business_key (ledger_id, source_type, source_id, kind, period, entry_id)
    SELECT p_ledger, e.source_type, e.source_id, e.kind, e.period, e.id
      FROM unnest(p_source_type, p_source, p_kind, periods, p_entry) AS e (source_type, source_id, kind, period, id);

    INSERT INTO ledger_entry
        (ledger_id, period, id, kind, effective_at, recorded_at, source_type, source_id, reverses, actor_id, digest)
    SELECT p_ledger, e.period, e.id, e.kind, e.effective_at, p_recorded, e.source_type, e.source_id, e.reverses, e.actor_id,
           ledger_digest(p_ledger, e.period, e.id, e.kind, e.effective_at, p_recorded,
                         e.source_type, e.source_id, e.reverses, e.actor_id, legs.content)
      FROM unnest(periods, p_entry, p_kind, p_effective, p_source_type, p_source, p_reverses, p_actor)
           WITH ORDINALITY AS e (period, id, kind, effective_at, source_type, source_id, reverses, actor_id, position)
      LEFT JOIN (SELECT entry, string_agg(seq || ':' || account_id || ':' || amount_fen, ',' ORDER BY seq) AS content
                   FROM unnest(p_leg_entry, p_leg_seq, p_account, p_amount) AS l (entry, seq, account_id, amount_fen)
                  GROUP BY entry) AS legs ON legs.entry = e.position;

    INSERT INTO ledger_leg (ledger_id, period, entry_id, seq, account_id, amount_fen)
    SELECT p_ledger, periods[l.entry], p_entry[l.entry], l.seq, l.account_id, l.amount_fen
      FROM unnest(p_leg_entry, p_leg_seq, p_account, p_amount) AS l (entry, seq, account_id, amount_fen);

    IF (SELECT count(DISTINCT entry) FROM unnest(p_leg_entry) AS l (entry)) <> cardinality(p_entry) THEN
        RAISE EXCEPTION 'an entry has no legs'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_entry_balanced';
    END IF;

    PERFORM ledger_guard_reversals(p_ledger, p_reverses) WHERE array_remove(p_reverses, NULL) <> '{}';

    -- One update per account and day, accounts locked in the order of their ids: no deadlock, no hot loop.
    SELECT array_agg(DISTINCT account) INTO touched FROM unnest(p_account) AS a (account);
    PERFORM 1 FROM ledger_balance
      WHERE ledger_id = p_ledger AND account_id = ANY (touched) ORDER BY account_id FOR UPDATE;
    UPDATE ledger_balance AS b
       SET debit_fen = b.debit_fen + moved.debit, credit_fen = b.credit_fen + moved.credit, version = b.version + moved.legs
      FROM (SELECT account_id,
                   coalesce(sum(amount) FILTER (WHERE amount > 0), 0) AS debit,
                   coalesce(-sum(amount) FILTER (WHERE amount < 0), 0) AS credit,
                   count(*) AS legs
              FROM unnest(p_account, p_amount) AS l (account_id, amount) GROUP BY account_id) AS moved
     WHERE b.ledger_id = p_ledger AND b.account_id = moved.account_id
       AND b.account_id = ANY (touched);  -- says how few they are: without it, a large batch reads every balance
    INSERT INTO ledger_day AS d (ledger_id, account_id, day, debit_fen, credit_fen, legs)
    SELECT p_ledger, account_id, days[entry],
           coalesce(sum(amount) FILTER (WHERE amount > 0), 0), coalesce(-sum(amount) FILTER (WHERE amount < 0), 0), count(*)
      FROM unnest(p_leg_entry, p_account, p_amount) AS l (entry, account_id, amount)
     GROUP BY account_id, days[entry]
    ON CONFLICT (ledger_id, account_id, day) DO UPDATE
       SET debit_fen = d.debit_fen + excluded.debit_fen, credit_fen = d.credit_fen + excluded.credit_fen,
           legs = d.legs + excluded.legs;
END
$$;

-- Money between two cities: one row in the books of each, so that every transaction writes one city only.
CREATE TABLE city_transfer (
    ledger_id INTEGER NOT NULL,
    id UUID NOT NULL,
    direction VARCHAR NOT NULL,
    other_ledger INTEGER NOT NULL,
    clearing_id UUID NOT NULL,
    owner_id UUID NOT NULL,
    amount_fen BIGINT NOT NULL,
    reference VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    actor_id UUID NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE,
    settled_at TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    CONSTRAINT city_transfer_pkey PRIMARY KEY (ledger_id, id),
    CONSTRAINT city_transfer_reference_key UNIQUE (ledger_id, direction, other_ledger, reference),
    CONSTRAINT city_transfer_clearing_fkey FOREIGN KEY (ledger_id, clearing_id)
        REFERENCES ledger_account (ledger_id, id),
    CONSTRAINT city_transfer_between_two CHECK (ledger_id <> other_ledger),
    CONSTRAINT city_transfer_amount_check CHECK (amount_fen > 0),
    CONSTRAINT city_transfer_direction_check CHECK (direction IN ('outgoing', 'incoming')),
    CONSTRAINT city_transfer_state_check CHECK (state IN ('sent', 'received', 'settled'))
);
CREATE INDEX city_transfer_owner_idx ON city_transfer (ledger_id, owner_id, id);
CREATE INDEX city_transfer_due_idx ON city_transfer (ledger_id, id) WHERE state = 'sent';
GRANT SELECT, INSERT, UPDATE (state, received_at, settled_at, version) ON city_transfer TO datamarket_app;

-- Audit events are asked for by subject, or by action; nearly all are of one action, which needs no index of its own.
DROP INDEX audit_event_subject;
CREATE INDEX audit_event_subject_idx ON audit_event (subject_id, id);
CREATE INDEX audit_event_action_idx ON audit_event (action, id) WHERE action <> 'trading.record';
