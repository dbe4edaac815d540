CREATE TABLE subsidy_paper (
    id UUID NOT NULL,
    owner_id UUID,
    name character varying NOT NULL,
    media_type character varying NOT NULL,
    size INTEGER NOT NULL,
    sha256 character varying NOT NULL,
    account_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT subsidy_paper_pkey PRIMARY KEY (id),
    CONSTRAINT subsidy_paper_media_type_check CHECK (media_type IN ('application/pdf', 'image/png', 'image/jpeg', 'text/plain',
        'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
        'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet')),
    CONSTRAINT subsidy_paper_size_check CHECK (size > 0),
    CONSTRAINT subsidy_paper_sha256_check CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    CONSTRAINT subsidy_paper_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES participant (id)
);
CREATE INDEX subsidy_paper_owner_idx ON subsidy_paper (owner_id, id);
GRANT SELECT, INSERT ON subsidy_paper TO datamarket_app;

ALTER TABLE subsidy_case
    ADD COLUMN state character varying NOT NULL DEFAULT 'registered',
    ADD COLUMN list_name character varying,
    ADD COLUMN list_number character varying,
    ADD COLUMN list_key character varying,
    ADD COLUMN registered_by UUID,
    ADD COLUMN corrected_by UUID,
    ADD COLUMN paper_id UUID;
-- What one hand verified before this stays verified. What is not verified yet is verified by another than registered it,
-- whom the audit knows; its list and number are entered by a correction.
UPDATE subsidy_case SET state = 'verified' WHERE verified_by IS NOT NULL;
UPDATE subsidy_case c SET registered_by = e.actor_id
  FROM audit_event e
 WHERE e.action = 'subsidy.register-case' AND e.subject_type = 'case' AND e.subject_id = c.id AND c.verified_by IS NULL;
ALTER TABLE subsidy_case
    ALTER COLUMN state DROP DEFAULT,
    DROP CONSTRAINT subsidy_case_verified_check,
    ADD CONSTRAINT subsidy_case_state_check CHECK (state IN ('registered', 'corrected', 'verified', 'revoked')),
    ADD CONSTRAINT subsidy_case_verified_check CHECK (
        CASE state WHEN 'verified' THEN verified_by IS NOT NULL AND investment_fen IS NOT NULL
                   WHEN 'revoked' THEN true ELSE verified_by IS NULL END),
    ADD CONSTRAINT subsidy_case_hands_separate CHECK (verified_by <> registered_by AND verified_by <> corrected_by),
    ADD CONSTRAINT subsidy_case_paper_check CHECK (verified_by IS NULL OR registered_by IS NULL OR paper_id IS NOT NULL),
    ADD CONSTRAINT subsidy_case_list_check CHECK (num_nonnulls(list_name, list_number, list_key) IN (0, 3)),
    ADD CONSTRAINT subsidy_case_paper_id_fkey FOREIGN KEY (paper_id) REFERENCES subsidy_paper (id);
CREATE UNIQUE INDEX subsidy_case_list_key ON subsidy_case (list_key) WHERE state <> 'revoked';
-- Who entered a case, and under which code, never changes.
REVOKE UPDATE ON subsidy_case FROM datamarket_app;
GRANT UPDATE (enterprise_id, title_zh, title_en, field, level, listed_on, investment_fen, verified_by, verified_at, state,
              list_name, list_number, list_key, corrected_by, paper_id, version) ON subsidy_case TO datamarket_app;

CREATE TABLE subsidy_case_share (
    case_id UUID NOT NULL,
    enterprise_id UUID NOT NULL,
    numerator INTEGER NOT NULL,
    denominator INTEGER NOT NULL,
    CONSTRAINT subsidy_case_share_pkey PRIMARY KEY (case_id, enterprise_id),
    CONSTRAINT subsidy_case_share_part_check CHECK (0 < numerator AND numerator < denominator),
    CONSTRAINT subsidy_case_share_case_id_fkey FOREIGN KEY (case_id) REFERENCES subsidy_case (id),
    CONSTRAINT subsidy_case_share_enterprise_id_fkey FOREIGN KEY (enterprise_id) REFERENCES participant (id)
);
CREATE INDEX subsidy_case_share_enterprise_idx ON subsidy_case_share (enterprise_id);
GRANT SELECT, INSERT, DELETE ON subsidy_case_share TO datamarket_app;

CREATE TABLE subsidy_case_doubt (
    case_id UUID NOT NULL,
    other_id UUID NOT NULL,
    kind character varying NOT NULL,
    CONSTRAINT subsidy_case_doubt_pkey PRIMARY KEY (case_id, other_id, kind),
    CONSTRAINT subsidy_case_doubt_kind_check CHECK (kind IN ('title', 'day_and_investment')),
    CONSTRAINT subsidy_case_doubt_case_id_fkey FOREIGN KEY (case_id) REFERENCES subsidy_case (id),
    CONSTRAINT subsidy_case_doubt_other_id_fkey FOREIGN KEY (other_id) REFERENCES subsidy_case (id)
);
CREATE INDEX subsidy_case_doubt_other_idx ON subsidy_case_doubt (other_id);
GRANT SELECT, INSERT, DELETE ON subsidy_case_doubt TO datamarket_app;

CREATE TABLE subsidy_call (
    id UUID NOT NULL,
    scheme_id character varying NOT NULL,
    scheme_version_id UUID NOT NULL,
    year INTEGER NOT NULL,
    opens_on DATE NOT NULL,
    closes_on DATE NOT NULL,
    papers JSONB NOT NULL,
    district_step BOOLEAN NOT NULL,
    account_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT subsidy_call_pkey PRIMARY KEY (id),
    CONSTRAINT subsidy_call_year_key UNIQUE (scheme_version_id, year),
    CONSTRAINT subsidy_call_window_check CHECK (opens_on <= closes_on),
    CONSTRAINT subsidy_call_scheme_id_fkey FOREIGN KEY (scheme_id) REFERENCES scheme (id),
    CONSTRAINT subsidy_call_scheme_version_id_fkey FOREIGN KEY (scheme_version_id) REFERENCES scheme_version (id)
);
GRANT SELECT, INSERT ON subsidy_call TO datamarket_app;

CREATE TABLE subsidy_application (
    id UUID NOT NULL,
    call_id UUID NOT NULL,
    enterprise_id UUID NOT NULL,
    case_id UUID,
    clause_id character varying,
    line_id UUID,
    state character varying NOT NULL,
    papers JSONB NOT NULL,
    reason character varying,
    submitted_at TIMESTAMP WITH TIME ZONE,
    passed_by UUID,
    decided_by UUID,
    account_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT subsidy_application_pkey PRIMARY KEY (id),
    CONSTRAINT subsidy_application_proposed_key UNIQUE (call_id, enterprise_id, clause_id),
    CONSTRAINT subsidy_application_state_check CHECK (state IN ('draft', 'submitted', 'returned', 'district_passed', 'verified',
                                                                'rejected', 'withdrawn', 'proposed', 'confirmed')),
    CONSTRAINT subsidy_application_subject_check CHECK (
        num_nonnulls(case_id, line_id) = 1 AND (line_id IS NULL) = (clause_id IS NULL)),
    CONSTRAINT subsidy_application_hands_separate CHECK (decided_by <> passed_by),
    CONSTRAINT subsidy_application_call_id_fkey FOREIGN KEY (call_id) REFERENCES subsidy_call (id),
    CONSTRAINT subsidy_application_enterprise_id_fkey FOREIGN KEY (enterprise_id) REFERENCES participant (id),
    CONSTRAINT subsidy_application_case_id_fkey FOREIGN KEY (case_id) REFERENCES subsidy_case (id),
    CONSTRAINT subsidy_application_line_id_fkey FOREIGN KEY (line_id) REFERENCES subsidy_line (id)
);
CREATE UNIQUE INDEX subsidy_application_case_key ON subsidy_application (call_id, case_id) WHERE state NOT IN ('rejected', 'withdrawn');
CREATE INDEX subsidy_application_enterprise_idx ON subsidy_application (enterprise_id, id);
CREATE INDEX subsidy_application_waiting_idx ON subsidy_application (submitted_at) WHERE state IN ('submitted', 'district_passed');
GRANT SELECT, INSERT, UPDATE (state, papers, reason, submitted_at, passed_by, decided_by, version) ON subsidy_application TO datamarket_app;
