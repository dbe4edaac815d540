-- The transaction that wrote a row: the sealer takes what lies below the watermark of running transactions.
ALTER TABLE ledger_entry ADD COLUMN xid bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint);
ALTER TABLE audit_event ADD COLUMN xid bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint);
CREATE INDEX ledger_entry_xid_idx ON ledger_entry (ledger_id, xid);
CREATE INDEX audit_event_xid_idx ON audit_event (xid);

-- A trigger looks up a leg's entry and account once for each of them: two thirds of a batch went into doing it by row.
ALTER TABLE ledger_leg DROP CONSTRAINT ledger_leg_entry_fkey;
ALTER TABLE ledger_leg DROP CONSTRAINT ledger_leg_account_fkey;

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

INSERT INTO ledger_day (ledger_id, account_id, day, debit_fen, credit_fen, legs)
SELECT l.ledger_id, l.account_id,
       CASE WHEN to_char(e.effective_at AT TIME ZONE 'Asia/Shanghai', 'YYYYMM')::integer = e.period
            THEN (e.effective_at AT TIME ZONE 'Asia/Shanghai')::date
            ELSE make_date(e.period / 100, e.period % 100, 1) END,
       coalesce(sum(l.amount_fen) FILTER (WHERE l.amount_fen > 0), 0),
       coalesce(-sum(l.amount_fen) FILTER (WHERE l.amount_fen < 0), 0), count(*)
  FROM ledger_leg l JOIN ledger_entry e ON e.ledger_id = l.ledger_id AND e.period = l.period AND e.id = l.entry_id
 GROUP BY 1, 2, 3;

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
