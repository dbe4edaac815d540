CREATE TABLE subsidy_objection (
    id UUID NOT NULL,
    run_id UUID NOT NULL,
    enterprise_id UUID NOT NULL,
    line_id UUID,
    appeal_of_id UUID,
    state character varying NOT NULL,
    grounds character varying NOT NULL,
    papers UUID[] NOT NULL,
    decide_by DATE NOT NULL,
    barred UUID[] NOT NULL,
    filed_by UUID NOT NULL,
    filed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    answer character varying,
    answered_by UUID,
    answered_at TIMESTAMP WITH TIME ZONE,
    decision character varying,
    decided_by UUID,
    decided_at TIMESTAMP WITH TIME ZONE,
    appeal_by DATE,
    version INTEGER NOT NULL,
    CONSTRAINT subsidy_objection_pkey PRIMARY KEY (id),
    CONSTRAINT subsidy_objection_state_check CHECK (state IN ('filed', 'answered', 'upheld', 'rejected', 'withdrawn')),
    CONSTRAINT subsidy_objection_duties_separate CHECK (decided_by <> ALL (barred)),
    CONSTRAINT subsidy_objection_decided_check CHECK (
        (state IN ('upheld', 'rejected')) = (decided_by IS NOT NULL)
        AND num_nonnulls(decided_by, decided_at) <> 1 AND (state <> 'answered' OR answer IS NOT NULL)),
    CONSTRAINT subsidy_objection_appeal_check CHECK ((appeal_by IS NOT NULL) = (state = 'rejected' AND appeal_of_id IS NULL)),
    CONSTRAINT subsidy_objection_run_id_fkey FOREIGN KEY (run_id) REFERENCES subsidy_run (id),
    CONSTRAINT subsidy_objection_enterprise_id_fkey FOREIGN KEY (enterprise_id) REFERENCES participant (id),
    CONSTRAINT subsidy_objection_line_id_fkey FOREIGN KEY (line_id) REFERENCES subsidy_line (id),
    CONSTRAINT subsidy_objection_appeal_of_id_fkey FOREIGN KEY (appeal_of_id) REFERENCES subsidy_objection (id)
);
CREATE UNIQUE INDEX subsidy_objection_line_key ON subsidy_objection (run_id, enterprise_id, line_id) NULLS NOT DISTINCT
    WHERE appeal_of_id IS NULL AND state <> 'withdrawn';
CREATE UNIQUE INDEX subsidy_objection_appeal_key ON subsidy_objection (appeal_of_id) WHERE state <> 'withdrawn';
CREATE INDEX subsidy_objection_run_idx ON subsidy_objection (run_id, id);
CREATE INDEX subsidy_objection_enterprise_idx ON subsidy_objection (enterprise_id, id);
CREATE INDEX subsidy_objection_open_idx ON subsidy_objection (decide_by) WHERE state IN ('filed', 'answered');
GRANT SELECT, INSERT, UPDATE (state, answer, answered_by, answered_at, decision, decided_by, decided_at, appeal_by, version)
    ON subsidy_objection TO datamarket_app;
-- Which upheld objection led to a run; no run before this was led to by one.
ALTER TABLE subsidy_run ADD COLUMN objection_id UUID;
