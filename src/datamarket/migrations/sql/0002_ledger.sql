-- The transaction that wrote a row: the sealer takes what lies below the watermark of running transactions.
ALTER TABLE ledger_entry ADD COLUMN xid bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint);
ALTER TABLE audit_event ADD COLUMN xid bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint);
CREATE INDEX ledger_entry_xid_idx ON ledger_entry (ledger_id, xid);
CREATE INDEX audit_event_xid_idx ON audit_event (xid);
