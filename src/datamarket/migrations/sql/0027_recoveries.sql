CREATE TABLE subsidy_recovery (
    id UUID NOT NULL,
    ledger_id INTEGER NOT NULL,
    run_id UUID NOT NULL,
    line_id UUID NOT NULL,
    enterprise_id UUID NOT NULL,
    cause character varying NOT NULL,
    state character varying NOT NULL,
    amount_fen BIGINT NOT NULL,
    fine_rate character varying,
    fine_fen BIGINT NOT NULL,
    interest_fen BIGINT NOT NULL,
    interest_to DATE,
    received_fen BIGINT NOT NULL,
    reason character varying NOT NULL,
    article character varying NOT NULL,
    proposed_by UUID NOT NULL,
    proposed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_by UUID,
    decided_at TIMESTAMP WITH TIME ZONE,
    decision character varying,
    version INTEGER NOT NULL,
    CONSTRAINT subsidy_recovery_pkey PRIMARY KEY (id),
    CONSTRAINT subsidy_recovery_run_id_fkey FOREIGN KEY (run_id) REFERENCES subsidy_run (id),
    CONSTRAINT subsidy_recovery_line_id_fkey FOREIGN KEY (line_id) REFERENCES subsidy_line (id),
    CONSTRAINT subsidy_recovery_enterprise_id_fkey FOREIGN KEY (enterprise_id) REFERENCES participant (id),
    CONSTRAINT subsidy_recovery_cause_check CHECK (cause IN ('refund', 'flag', 'revoked', 'correction', 'fraud')),
    CONSTRAINT subsidy_recovery_state_check CHECK (state IN ('proposed', 'decided', 'recovering', 'recovered', 'cancelled')),
    CONSTRAINT subsidy_recovery_hands_separate CHECK (decided_by <> proposed_by),
    CONSTRAINT subsidy_recovery_amount_check CHECK (
        amount_fen > 0 AND fine_fen >= 0 AND interest_fen >= 0 AND (fine_rate IS NOT NULL OR fine_fen = 0)
        AND received_fen BETWEEN 0 AND amount_fen + fine_fen + interest_fen),
    CONSTRAINT subsidy_recovery_decided_check CHECK (
        state NOT IN ('decided', 'recovering', 'recovered')
        OR (decided_by IS NOT NULL AND decided_at IS NOT NULL AND decision IS NOT NULL)),
    CONSTRAINT subsidy_recovery_received_check CHECK (
        (state = 'recovered') = (received_fen = amount_fen + fine_fen + interest_fen)
        AND (received_fen > 0) = (state IN ('recovering', 'recovered')))
);
CREATE UNIQUE INDEX subsidy_recovery_open_key ON subsidy_recovery (line_id, cause) WHERE state IN ('proposed', 'decided', 'recovering');
CREATE INDEX subsidy_recovery_owed_idx ON subsidy_recovery (enterprise_id, id) WHERE state IN ('decided', 'recovering');
CREATE INDEX subsidy_recovery_line_idx ON subsidy_recovery (line_id);
CREATE TABLE subsidy_recovery_instalment (
    recovery_id UUID NOT NULL,
    n INTEGER NOT NULL,
    due_on DATE NOT NULL,
    amount_fen BIGINT NOT NULL,
    through_fen BIGINT NOT NULL,
    CONSTRAINT subsidy_recovery_instalment_pkey PRIMARY KEY (recovery_id, n),
    CONSTRAINT subsidy_recovery_instalment_recovery_id_fkey FOREIGN KEY (recovery_id) REFERENCES subsidy_recovery (id),
    CONSTRAINT subsidy_recovery_instalment_day_key UNIQUE (recovery_id, due_on),
    CONSTRAINT subsidy_recovery_instalment_amount_check CHECK (amount_fen > 0 AND through_fen >= amount_fen)
);
CREATE TABLE subsidy_recovery_receipt (
    id UUID NOT NULL,
    recovery_id UUID NOT NULL,
    kind character varying NOT NULL,
    reference character varying,
    line_id UUID,
    amount_fen BIGINT NOT NULL,
    entry_id UUID NOT NULL,
    received_by UUID NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT subsidy_recovery_receipt_pkey PRIMARY KEY (id),
    CONSTRAINT subsidy_recovery_receipt_recovery_id_fkey FOREIGN KEY (recovery_id) REFERENCES subsidy_recovery (id),
    CONSTRAINT subsidy_recovery_receipt_line_id_fkey FOREIGN KEY (line_id) REFERENCES subsidy_line (id),
    CONSTRAINT subsidy_recovery_receipt_kind_check CHECK (kind IN ('payment', 'set_off')),
    CONSTRAINT subsidy_recovery_receipt_amount_check CHECK (amount_fen > 0),
    CONSTRAINT subsidy_recovery_receipt_named_check CHECK (
        (kind = 'payment') = (reference IS NOT NULL) AND (kind = 'set_off') = (line_id IS NOT NULL)),
    CONSTRAINT subsidy_recovery_receipt_entry_key UNIQUE (recovery_id, entry_id)
);
GRANT SELECT, INSERT, UPDATE (state, fine_rate, fine_fen, interest_fen, interest_to, received_fen, decided_by, decided_at, decision,
                              version) ON subsidy_recovery TO datamarket_app;
GRANT SELECT, INSERT ON subsidy_recovery_instalment, subsidy_recovery_receipt TO datamarket_app;
