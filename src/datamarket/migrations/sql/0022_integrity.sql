CREATE TABLE integrity_flag (
    id UUID NOT NULL,
    ledger_id INTEGER NOT NULL,
    year INTEGER NOT NULL,
    detector character varying NOT NULL,
    detector_version INTEGER NOT NULL,
    statement_sha256 character varying NOT NULL,
    parameters JSONB NOT NULL,
    members UUID[] NOT NULL,
    sales JSONB NOT NULL,
    figures JSONB NOT NULL,
    evidence_sha256 character varying NOT NULL,
    trades INTEGER NOT NULL,
    amount_fen BIGINT NOT NULL,
    state character varying NOT NULL,
    raised_by UUID NOT NULL,
    raised_at TIMESTAMP WITH TIME ZONE NOT NULL,
    judged_by UUID,
    judged_at TIMESTAMP WITH TIME ZONE,
    reason character varying,
    version INTEGER NOT NULL,
    CONSTRAINT integrity_flag_pkey PRIMARY KEY (id),
    CONSTRAINT integrity_flag_evidence_key UNIQUE (ledger_id, year, detector, evidence_sha256),
    CONSTRAINT integrity_flag_detector_check CHECK (
        detector IN ('related', 'ring', 'pingpong', 'split', 'burst', 'unused')),
    CONSTRAINT integrity_flag_state_check CHECK (state IN ('raised', 'confirmed', 'dismissed', 'lapsed')),
    CONSTRAINT integrity_flag_other_judges CHECK (judged_by <> raised_by),
    CONSTRAINT integrity_flag_judged_check CHECK (
        state NOT IN ('confirmed', 'dismissed')
        OR (judged_by IS NOT NULL AND judged_at IS NOT NULL AND reason IS NOT NULL))
);
CREATE INDEX integrity_flag_year_idx ON integrity_flag (ledger_id, year, id);
CREATE INDEX integrity_flag_members_idx ON integrity_flag USING gin (members);
GRANT SELECT, INSERT, UPDATE (state, judged_by, judged_at, reason, version) ON integrity_flag TO datamarket_app;
