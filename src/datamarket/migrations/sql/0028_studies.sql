CREATE TABLE subsidy_study (
    id UUID NOT NULL,
    ledger_id INTEGER NOT NULL,
    run_id UUID NOT NULL,
    scheme_id character varying NOT NULL,
    year INTEGER NOT NULL,
    scheme_sha256 character varying NOT NULL,
    snapshot_sha256 character varying NOT NULL,
    engine_id character varying NOT NULL,
    question JSONB NOT NULL,
    sha256 character varying NOT NULL,
    account_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT subsidy_study_pkey PRIMARY KEY (id),
    CONSTRAINT subsidy_study_sha256_key UNIQUE (ledger_id, sha256),
    CONSTRAINT subsidy_study_sha256_check CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    CONSTRAINT subsidy_study_run_id_fkey FOREIGN KEY (run_id) REFERENCES subsidy_run (id)
);
CREATE INDEX subsidy_study_run_idx ON subsidy_study (run_id, id);
-- What was answered is never changed: the market may add studies, nothing else.
CREATE TABLE subsidy_study_file (
    study_id UUID NOT NULL,
    name character varying NOT NULL,
    content BYTEA NOT NULL,
    sha256 character varying NOT NULL,
    CONSTRAINT subsidy_study_file_pkey PRIMARY KEY (study_id, name),
    CONSTRAINT subsidy_study_file_name_check CHECK (name IN ('study.json', 'study.csv', 'study.xlsx', 'chart.svg', 'chart.png')),
    CONSTRAINT subsidy_study_file_study_id_fkey FOREIGN KEY (study_id) REFERENCES subsidy_study (id)
);
GRANT SELECT, INSERT ON subsidy_study, subsidy_study_file TO datamarket_app;
