-- A database of release 0.1.0: its schema, as that release made it (revision 0001), and rows that its own actions wrote.
-- Frozen: never edited. It shows that a market of the first release goes on with this program.
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
INSERT INTO alembic_version VALUES ('0001');

-- Tables, constraints and indexes, as the models of each slice declare them (a test compares the two).

CREATE TABLE account (
    id UUID NOT NULL,
    username VARCHAR NOT NULL,
    password_hash VARCHAR NOT NULL,
    participant_id UUID,
    roles TEXT[] NOT NULL,
    active BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT account_pkey PRIMARY KEY (id),
    CONSTRAINT account_username_key UNIQUE (username),
    CONSTRAINT account_roles_check CHECK (cardinality(roles) > 0)
);

CREATE INDEX account_participant_id_idx ON account (participant_id);

CREATE TABLE audit_event (
    id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor_id UUID NOT NULL,
    organisation_id UUID,
    action VARCHAR NOT NULL,
    subject_type VARCHAR NOT NULL,
    subject_id UUID NOT NULL,
    facts JSONB NOT NULL,
    CONSTRAINT audit_event_pkey PRIMARY KEY (id)
);

CREATE INDEX audit_event_subject ON audit_event (subject_type, subject_id, id);

CREATE TABLE business_key (
    ledger_id INTEGER NOT NULL,
    source_type VARCHAR NOT NULL,
    source_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    period INTEGER NOT NULL,
    entry_id UUID NOT NULL,
    CONSTRAINT business_key_pkey PRIMARY KEY (ledger_id, source_type, source_id, kind)
);

CREATE TABLE idempotency_key (
    ledger_id INTEGER NOT NULL,
    caller VARCHAR NOT NULL,
    key VARCHAR NOT NULL,
    fingerprint BYTEA NOT NULL,
    status INTEGER,
    body BYTEA,
    etag VARCHAR,
    claimed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT idempotency_key_pkey PRIMARY KEY (ledger_id, caller, key)
);

CREATE TABLE ledger_account (
    ledger_id INTEGER NOT NULL,
    id UUID NOT NULL,
    owner_id UUID,
    kind VARCHAR NOT NULL,
    normal_side VARCHAR NOT NULL,
    may_go_negative BOOLEAN NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT ledger_account_pkey PRIMARY KEY (ledger_id, id),
    CONSTRAINT ledger_account_owner_kind_key UNIQUE NULLS NOT DISTINCT (ledger_id, owner_id, kind),
    CONSTRAINT ledger_account_side_check CHECK (normal_side IN ('debit', 'credit'))
);

CREATE TABLE ledger_entry (
    ledger_id INTEGER NOT NULL,
    period INTEGER NOT NULL,
    id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    effective_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    source_type VARCHAR NOT NULL,
    source_id UUID NOT NULL,
    reverses UUID,
    actor_id UUID NOT NULL,
    digest BYTEA NOT NULL,
    CONSTRAINT ledger_entry_pkey PRIMARY KEY (ledger_id, period, id)
)
 PARTITION BY RANGE (period);

CREATE INDEX ledger_entry_id_idx ON ledger_entry (ledger_id, id);

CREATE INDEX ledger_entry_reverses_idx ON ledger_entry (ledger_id, reverses) WHERE reverses IS NOT NULL;

CREATE INDEX ledger_entry_source_idx ON ledger_entry (ledger_id, source_id);

CREATE TABLE ledger_period (
    ledger_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    state VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT ledger_period_pkey PRIMARY KEY (ledger_id, id),
    CONSTRAINT ledger_period_state_check CHECK (state IN ('open', 'closed')),
    CONSTRAINT ledger_period_id_check CHECK (id BETWEEN 200001 AND 299912 AND id % 100 BETWEEN 1 AND 12)
);

CREATE TABLE participant (
    id UUID NOT NULL,
    uscc VARCHAR NOT NULL,
    name_zh VARCHAR NOT NULL,
    name_en VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    income_class VARCHAR NOT NULL,
    division VARCHAR NOT NULL,
    industry VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT participant_pkey PRIMARY KEY (id),
    CONSTRAINT participant_uscc_key UNIQUE (uscc),
    CONSTRAINT participant_uscc_check CHECK (uscc ~ '^[0-9A-HJ-NP-RTUW-Y]{18}$'),
    CONSTRAINT participant_division_check CHECK (division ~ '^[0-9]{6}$'),
    CONSTRAINT participant_kind_check CHECK (kind IN ('authority', 'finance', 'supplying_unit', 'zone_operator', 'enterprise', 'third_party', 'venue_operator', 'auditor')),
    CONSTRAINT participant_income_class_check CHECK (income_class IN ('administrative', 'institution', 'enterprise')),
    CONSTRAINT participant_state_check CHECK (state IN ('applied', 'admitted', 'suspended', 'withdrawn'))
);

CREATE INDEX participant_kind_idx ON participant (kind, id);

CREATE INDEX participant_state_idx ON participant (state, id);

CREATE TABLE scheme (
    id VARCHAR NOT NULL,
    title_zh VARCHAR NOT NULL,
    title_en VARCHAR NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT scheme_pkey PRIMARY KEY (id)
);

CREATE TABLE subsidy_fact_version (
    name VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    sha256 VARCHAR NOT NULL,
    statement VARCHAR NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT subsidy_fact_version_pkey PRIMARY KEY (name, version)
);

CREATE TABLE subsidy_snapshot (
    id UUID NOT NULL,
    ledger_id INTEGER NOT NULL,
    year INTEGER NOT NULL,
    cutoff TIMESTAMP WITH TIME ZONE NOT NULL,
    as_of_recorded TIMESTAMP WITH TIME ZONE NOT NULL,
    watermark VARCHAR NOT NULL,
    content BYTEA NOT NULL,
    sha256 VARCHAR NOT NULL,
    facts JSONB NOT NULL,
    counts JSONB NOT NULL,
    parties JSONB NOT NULL,
    venues JSONB NOT NULL,
    related JSONB NOT NULL,
    rings JSONB NOT NULL,
    CONSTRAINT subsidy_snapshot_pkey PRIMARY KEY (id),
    CONSTRAINT subsidy_snapshot_sha256_key UNIQUE (ledger_id, year, sha256)
);

CREATE TABLE affiliation (
    id UUID NOT NULL,
    controller_id UUID NOT NULL,
    controlled_id UUID NOT NULL,
    from_on DATE NOT NULL,
    to_on DATE,
    version INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT affiliation_pkey PRIMARY KEY (id),
    CONSTRAINT affiliation_no_self_control CHECK (controller_id <> controlled_id),
    CONSTRAINT affiliation_term_check CHECK (to_on > from_on),
    CONSTRAINT affiliation_controller_id_fkey FOREIGN KEY(controller_id) REFERENCES participant (id),
    CONSTRAINT affiliation_controlled_id_fkey FOREIGN KEY(controlled_id) REFERENCES participant (id)
);

CREATE INDEX affiliation_controlled_idx ON affiliation (controlled_id, from_on);

CREATE INDEX affiliation_controller_idx ON affiliation (controller_id, from_on);

CREATE TABLE ledger_balance (
    ledger_id INTEGER NOT NULL,
    account_id UUID NOT NULL,
    may_go_negative BOOLEAN NOT NULL,
    debit_fen BIGINT NOT NULL,
    credit_fen BIGINT NOT NULL,
    held_fen BIGINT NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT ledger_balance_pkey PRIMARY KEY (ledger_id, account_id),
    CONSTRAINT ledger_balance_account_fkey FOREIGN KEY(ledger_id, account_id) REFERENCES ledger_account (ledger_id, id),
    CONSTRAINT ledger_balance_not_overdrawn CHECK (may_go_negative OR credit_fen - debit_fen >= held_fen),
    CONSTRAINT ledger_balance_held_check CHECK (held_fen >= 0)
);

CREATE TABLE ledger_leg (
    ledger_id INTEGER NOT NULL,
    period INTEGER NOT NULL,
    entry_id UUID NOT NULL,
    seq INTEGER NOT NULL,
    account_id UUID NOT NULL,
    amount_fen BIGINT NOT NULL,
    CONSTRAINT ledger_leg_pkey PRIMARY KEY (ledger_id, period, entry_id, seq),
    CONSTRAINT ledger_leg_entry_fkey FOREIGN KEY(ledger_id, period, entry_id) REFERENCES ledger_entry (ledger_id, period, id),
    CONSTRAINT ledger_leg_account_fkey FOREIGN KEY(ledger_id, account_id) REFERENCES ledger_account (ledger_id, id),
    CONSTRAINT ledger_leg_not_zero CHECK (amount_fen <> 0)
)
 PARTITION BY RANGE (period);

CREATE INDEX ledger_leg_account_idx ON ledger_leg (ledger_id, account_id, period, entry_id, seq);

CREATE TABLE participant_standing (
    id UUID NOT NULL,
    participant_id UUID NOT NULL,
    ordinal INTEGER NOT NULL,
    state VARCHAR NOT NULL,
    reason VARCHAR,
    from_at TIMESTAMP WITH TIME ZONE NOT NULL,
    to_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT participant_standing_pkey PRIMARY KEY (id),
    CONSTRAINT participant_standing_term_check CHECK (to_at >= from_at),
    CONSTRAINT participant_standing_reason_check CHECK (state NOT IN ('suspended', 'withdrawn') OR reason IS NOT NULL),
    CONSTRAINT participant_standing_state_check CHECK (state IN ('applied', 'admitted', 'suspended', 'withdrawn')),
    CONSTRAINT participant_standing_ordinal_key UNIQUE (participant_id, ordinal),
    CONSTRAINT participant_standing_participant_id_fkey FOREIGN KEY(participant_id) REFERENCES participant (id)
);

CREATE UNIQUE INDEX participant_standing_open_key ON participant_standing (participant_id) WHERE to_at IS NULL;

CREATE INDEX participant_standing_state_idx ON participant_standing (state, from_at);

CREATE TABLE qualification (
    id UUID NOT NULL,
    participant_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    holder VARCHAR,
    granted_by VARCHAR NOT NULL,
    granted_on DATE NOT NULL,
    until_on DATE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT qualification_pkey PRIMARY KEY (id),
    CONSTRAINT qualification_term_check CHECK (until_on > granted_on),
    CONSTRAINT qualification_holder_check CHECK ((kind = 'chief_data_officer') = (holder IS NOT NULL)),
    CONSTRAINT qualification_kind_check CHECK (kind IN ('data_merchant', 'third_party_service', 'chief_data_officer')),
    CONSTRAINT qualification_participant_id_fkey FOREIGN KEY(participant_id) REFERENCES participant (id)
);

CREATE INDEX qualification_participant_idx ON qualification (participant_id, kind);

CREATE TABLE refresh_token (
    digest BYTEA NOT NULL,
    family UUID NOT NULL,
    account_id UUID NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT refresh_token_pkey PRIMARY KEY (digest),
    CONSTRAINT refresh_token_account_id_fkey FOREIGN KEY(account_id) REFERENCES account (id)
);

CREATE INDEX refresh_token_family_idx ON refresh_token (family);

CREATE TABLE scheme_version (
    id UUID NOT NULL,
    scheme_id VARCHAR NOT NULL,
    n INTEGER NOT NULL,
    content BYTEA NOT NULL,
    sha256 VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    authored_by UUID,
    approved_by UUID,
    approved_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT scheme_version_pkey PRIMARY KEY (id),
    CONSTRAINT scheme_version_n_key UNIQUE (scheme_id, n),
    CONSTRAINT scheme_version_sha256_key UNIQUE (scheme_id, sha256),
    CONSTRAINT scheme_version_other_approves CHECK (approved_by <> authored_by),
    CONSTRAINT scheme_version_approved_check CHECK (state <> 'approved' OR approved_by IS NOT NULL),
    CONSTRAINT scheme_version_state_check CHECK (state IN ('draft', 'approved', 'retired')),
    CONSTRAINT scheme_version_scheme_id_fkey FOREIGN KEY(scheme_id) REFERENCES scheme (id)
);

CREATE UNIQUE INDEX scheme_version_one_approved ON scheme_version (scheme_id) WHERE state = 'approved';

CREATE UNIQUE INDEX scheme_version_one_draft ON scheme_version (scheme_id) WHERE state = 'draft';

CREATE TABLE subsidy_budget (
    id UUID NOT NULL,
    scheme_id VARCHAR NOT NULL,
    year INTEGER NOT NULL,
    amount_fen BIGINT NOT NULL,
    committed_fen BIGINT NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT subsidy_budget_pkey PRIMARY KEY (id),
    CONSTRAINT subsidy_budget_year_key UNIQUE (scheme_id, year),
    CONSTRAINT subsidy_budget_kept CHECK (committed_fen >= 0 AND committed_fen <= amount_fen),
    CONSTRAINT subsidy_budget_scheme_id_fkey FOREIGN KEY(scheme_id) REFERENCES scheme (id)
);

CREATE TABLE subsidy_case (
    id UUID NOT NULL,
    code VARCHAR NOT NULL,
    enterprise_id UUID NOT NULL,
    title_zh VARCHAR NOT NULL,
    title_en VARCHAR NOT NULL,
    field VARCHAR NOT NULL,
    level VARCHAR NOT NULL,
    listed_on DATE NOT NULL,
    investment_fen BIGINT,
    verified_by UUID,
    verified_at TIMESTAMP WITH TIME ZONE,
    claimed_elsewhere VARCHAR,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT subsidy_case_pkey PRIMARY KEY (id),
    CONSTRAINT subsidy_case_code_key UNIQUE (code),
    CONSTRAINT subsidy_case_investment_check CHECK (investment_fen >= 0),
    CONSTRAINT subsidy_case_verified_check CHECK (verified_by IS NULL OR investment_fen IS NOT NULL),
    CONSTRAINT subsidy_case_enterprise_id_fkey FOREIGN KEY(enterprise_id) REFERENCES participant (id)
);

CREATE INDEX subsidy_case_enterprise_idx ON subsidy_case (enterprise_id, id);

CREATE TABLE venue (
    id UUID NOT NULL,
    code VARCHAR NOT NULL,
    name_zh VARCHAR NOT NULL,
    name_en VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    operator_id UUID NOT NULL,
    categories TEXT[] NOT NULL,
    qualified_for_subsidy BOOLEAN NOT NULL,
    qualified_from DATE,
    source VARCHAR NOT NULL,
    fee_bps INTEGER NOT NULL,
    fee_payer VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT venue_pkey PRIMARY KEY (id),
    CONSTRAINT venue_code_key UNIQUE (code),
    CONSTRAINT venue_fee_bps_check CHECK (fee_bps BETWEEN 0 AND 10000),
    CONSTRAINT venue_qualification_dated CHECK (qualified_for_subsidy = (qualified_from IS NOT NULL)),
    CONSTRAINT venue_kind_check CHECK (kind IN ('data_exchange', 'ocean_exchange', 'copyright_exchange', 'compute', 'housing')),
    CONSTRAINT venue_fee_payer_check CHECK (fee_payer IN ('seller', 'buyer', 'split')),
    CONSTRAINT venue_state_check CHECK (state IN ('open', 'closed')),
    CONSTRAINT venue_operator_id_fkey FOREIGN KEY(operator_id) REFERENCES participant (id)
);

CREATE TABLE zone (
    id UUID NOT NULL,
    code VARCHAR NOT NULL,
    name_zh VARCHAR NOT NULL,
    name_en VARCHAR NOT NULL,
    field VARCHAR NOT NULL,
    operator_id UUID NOT NULL,
    opened_on DATE,
    closed_on DATE,
    reason VARCHAR,
    state VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT zone_pkey PRIMARY KEY (id),
    CONSTRAINT zone_code_key UNIQUE (code),
    CONSTRAINT zone_opened_on_check CHECK (state = 'draft' OR opened_on IS NOT NULL),
    CONSTRAINT zone_state_check CHECK (state IN ('draft', 'open', 'closed')),
    CONSTRAINT zone_operator_id_fkey FOREIGN KEY(operator_id) REFERENCES participant (id)
);

CREATE INDEX zone_operator_id_idx ON zone (operator_id);

CREATE TABLE mandate (
    id UUID NOT NULL,
    zone_id UUID NOT NULL,
    operator_id UUID NOT NULL,
    mode VARCHAR NOT NULL,
    term_from DATE NOT NULL,
    term_to DATE NOT NULL,
    filed_on DATE NOT NULL,
    income_rule VARCHAR NOT NULL,
    reason_long_term VARCHAR,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT mandate_pkey PRIMARY KEY (id),
    CONSTRAINT mandate_term_check CHECK (term_to > term_from),
    CONSTRAINT mandate_mode_check CHECK (mode IN ('whole', 'field', 'scenario')),
    CONSTRAINT mandate_zone_id_fkey FOREIGN KEY(zone_id) REFERENCES zone (id),
    CONSTRAINT mandate_operator_id_fkey FOREIGN KEY(operator_id) REFERENCES participant (id)
);

CREATE INDEX mandate_zone_idx ON mandate (zone_id, term_from);

CREATE TABLE resource (
    id UUID NOT NULL,
    zone_id UUID NOT NULL,
    supplying_unit_id UUID NOT NULL,
    code VARCHAR NOT NULL,
    name_zh VARCHAR NOT NULL,
    name_en VARCHAR NOT NULL,
    level VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    reason VARCHAR,
    submitted_on DATE,
    accepted_on DATE,
    reviewed_on DATE,
    publicised_on DATE,
    registered_on DATE,
    valid_to DATE,
    registration_code VARCHAR,
    version INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT resource_pkey PRIMARY KEY (id),
    CONSTRAINT resource_code_key UNIQUE (code),
    CONSTRAINT resource_registration_code_key UNIQUE (registration_code),
    CONSTRAINT resource_registered_check CHECK (state NOT IN ('registered', 'cancelled') OR (registration_code IS NOT NULL AND valid_to > registered_on)),
    CONSTRAINT resource_level_check CHECK (level IN ('general', 'important', 'core')),
    CONSTRAINT resource_state_check CHECK (state IN ('draft', 'submitted', 'accepted', 'reviewed', 'publicised', 'registered', 'returned', 'rejected', 'cancelled')),
    CONSTRAINT resource_zone_id_fkey FOREIGN KEY(zone_id) REFERENCES zone (id),
    CONSTRAINT resource_supplying_unit_id_fkey FOREIGN KEY(supplying_unit_id) REFERENCES participant (id)
);

CREATE INDEX resource_state_idx ON resource (state, id);

CREATE INDEX resource_supplying_unit_idx ON resource (supplying_unit_id, id);

CREATE INDEX resource_zone_idx ON resource (zone_id, id);

CREATE TABLE scenario (
    id UUID NOT NULL,
    zone_id UUID NOT NULL,
    code VARCHAR NOT NULL,
    name_zh VARCHAR NOT NULL,
    name_en VARCHAR NOT NULL,
    use_class VARCHAR NOT NULL,
    family VARCHAR NOT NULL,
    operation VARCHAR,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT scenario_pkey PRIMARY KEY (id),
    CONSTRAINT scenario_code_key UNIQUE (code),
    CONSTRAINT scenario_use_class_check CHECK (use_class IN ('public_good', 'industry')),
    CONSTRAINT scenario_zone_id_fkey FOREIGN KEY(zone_id) REFERENCES zone (id)
);

CREATE INDEX scenario_zone_idx ON scenario (zone_id, id);

CREATE TABLE subsidy_run (
    id UUID NOT NULL,
    ledger_id INTEGER NOT NULL,
    scheme_id VARCHAR NOT NULL,
    scheme_version_id UUID NOT NULL,
    year INTEGER NOT NULL,
    cutoff TIMESTAMP WITH TIME ZONE NOT NULL,
    state VARCHAR NOT NULL,
    snapshot_id UUID,
    engine_id VARCHAR,
    result_sha256 VARCHAR,
    total_fen BIGINT,
    created_by UUID NOT NULL,
    calculated_by UUID,
    reviewed_by UUID,
    approved_by UUID,
    publicity_from DATE,
    publicity_to DATE,
    supersedes_id UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT subsidy_run_pkey PRIMARY KEY (id),
    CONSTRAINT subsidy_run_state_check CHECK (state IN ('draft', 'snapshotted', 'calculated', 'under_review', 'publicised', 'approved', 'posted', 'paid', 'closed', 'rejected', 'cancelled', 'superseded')),
    CONSTRAINT subsidy_run_duties_separate CHECK (reviewed_by <> calculated_by AND approved_by <> calculated_by AND approved_by <> reviewed_by),
    CONSTRAINT subsidy_run_calculated_check CHECK (state IN ('draft', 'snapshotted', 'cancelled', 'superseded') OR (snapshot_id IS NOT NULL AND result_sha256 IS NOT NULL AND calculated_by IS NOT NULL)),
    CONSTRAINT subsidy_run_approved_check CHECK (state NOT IN ('approved', 'posted', 'paid', 'closed') OR (reviewed_by IS NOT NULL AND approved_by IS NOT NULL AND publicity_to IS NOT NULL)),
    CONSTRAINT subsidy_run_scheme_id_fkey FOREIGN KEY(scheme_id) REFERENCES scheme (id),
    CONSTRAINT subsidy_run_scheme_version_id_fkey FOREIGN KEY(scheme_version_id) REFERENCES scheme_version (id),
    CONSTRAINT subsidy_run_snapshot_id_fkey FOREIGN KEY(snapshot_id) REFERENCES subsidy_snapshot (id),
    CONSTRAINT subsidy_run_supersedes_id_fkey FOREIGN KEY(supersedes_id) REFERENCES subsidy_run (id)
);

CREATE UNIQUE INDEX subsidy_run_decided_key ON subsidy_run (ledger_id, scheme_id, year) WHERE state IN ('approved', 'posted', 'paid', 'closed');

CREATE UNIQUE INDEX subsidy_run_inputs_key ON subsidy_run (scheme_version_id, snapshot_id, engine_id) WHERE state NOT IN ('rejected', 'cancelled', 'superseded');

CREATE INDEX subsidy_run_year_idx ON subsidy_run (year, id);

CREATE TABLE level_assessment (
    id UUID NOT NULL,
    resource_id UUID NOT NULL,
    before VARCHAR NOT NULL,
    after VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    assessed_by UUID NOT NULL,
    assessed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT level_assessment_pkey PRIMARY KEY (id),
    CONSTRAINT level_assessment_change_check CHECK (before <> after),
    CONSTRAINT level_assessment_before_check CHECK (before IN ('general', 'important', 'core')),
    CONSTRAINT level_assessment_after_check CHECK (after IN ('general', 'important', 'core')),
    CONSTRAINT level_assessment_resource_id_fkey FOREIGN KEY(resource_id) REFERENCES resource (id)
);

CREATE INDEX level_assessment_resource_idx ON level_assessment (resource_id, id);

CREATE TABLE product (
    id UUID NOT NULL,
    code VARCHAR NOT NULL,
    maker_id UUID NOT NULL,
    zone_id UUID,
    scenario_id UUID,
    name_zh VARCHAR NOT NULL,
    name_en VARCHAR NOT NULL,
    category VARCHAR NOT NULL,
    level VARCHAR NOT NULL,
    level_reason VARCHAR,
    newest INTEGER NOT NULL,
    approved INTEGER,
    version INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT product_pkey PRIMARY KEY (id),
    CONSTRAINT product_code_key UNIQUE (code),
    CONSTRAINT product_scenario_with_zone CHECK ((zone_id IS NULL) = (scenario_id IS NULL)),
    CONSTRAINT product_category_check CHECK (category IN ('ocean', 'marine_meteorology', 'fishery', 'port', 'credit', 'finance', 'guarantee', 'health', 'elder_care', 'rural', 'transport', 'energy', 'manufacturing', 'commerce', 'corpus', 'housing', 'compute', 'copyright')),
    CONSTRAINT product_level_check CHECK (level IN ('general', 'important', 'core')),
    CONSTRAINT product_maker_id_fkey FOREIGN KEY(maker_id) REFERENCES participant (id),
    CONSTRAINT product_zone_id_fkey FOREIGN KEY(zone_id) REFERENCES zone (id),
    CONSTRAINT product_scenario_id_fkey FOREIGN KEY(scenario_id) REFERENCES scenario (id)
);

CREATE INDEX product_maker_idx ON product (maker_id, id);

CREATE INDEX product_zone_idx ON product (zone_id, id);

CREATE TABLE resource_filing (
    id UUID NOT NULL,
    resource_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    reason VARCHAR,
    filed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT resource_filing_pkey PRIMARY KEY (id),
    CONSTRAINT resource_filing_kind_check CHECK (kind IN ('first', 'change', 'correction', 'renewal', 'cancellation')),
    CONSTRAINT resource_filing_resource_id_fkey FOREIGN KEY(resource_id) REFERENCES resource (id)
);

CREATE INDEX resource_filing_resource_idx ON resource_filing (resource_id, id);

CREATE TABLE subsidy_line (
    id UUID NOT NULL,
    run_id UUID NOT NULL,
    position INTEGER NOT NULL,
    clause_id VARCHAR NOT NULL,
    candidate_id VARCHAR NOT NULL,
    enterprise_id UUID NOT NULL,
    uscc VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    enterprise_zh VARCHAR NOT NULL,
    enterprise_en VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    base_fact VARCHAR NOT NULL,
    base_fen BIGINT,
    rank INTEGER,
    rate VARCHAR,
    cap_fen BIGINT,
    cap_bound BOOLEAN NOT NULL,
    amount_fen BIGINT NOT NULL,
    flags TEXT[] NOT NULL,
    steps JSONB NOT NULL,
    CONSTRAINT subsidy_line_pkey PRIMARY KEY (id),
    CONSTRAINT subsidy_line_candidate_key UNIQUE (run_id, clause_id, candidate_id),
    CONSTRAINT subsidy_line_position_key UNIQUE (run_id, position),
    CONSTRAINT subsidy_line_amount_check CHECK (amount_fen >= 0),
    CONSTRAINT subsidy_line_status_check CHECK (status IN ('proposed', 'displaced', 'ineligible', 'not_selected', 'held', 'final', 'paid', 'failed', 'recovering', 'recovered')),
    CONSTRAINT subsidy_line_run_id_fkey FOREIGN KEY(run_id) REFERENCES subsidy_run (id),
    CONSTRAINT subsidy_line_enterprise_id_fkey FOREIGN KEY(enterprise_id) REFERENCES participant (id)
);

CREATE INDEX subsidy_line_enterprise_idx ON subsidy_line (enterprise_id, id);

CREATE INDEX subsidy_line_flagged_idx ON subsidy_line (run_id, position) WHERE flags <> '{}';

CREATE TABLE subsidy_run_event (
    run_id UUID NOT NULL,
    n INTEGER NOT NULL,
    event VARCHAR NOT NULL,
    from_state VARCHAR NOT NULL,
    to_state VARCHAR NOT NULL,
    actor_id UUID NOT NULL,
    reason VARCHAR,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT subsidy_run_event_pkey PRIMARY KEY (run_id, n),
    CONSTRAINT subsidy_run_event_event_check CHECK (event IN ('snapshot', 'calculate', 'submit', 'publicise', 'approve', 'post', 'pay', 'close', 'reject', 'cancel', 'supersede')),
    CONSTRAINT subsidy_run_event_run_id_fkey FOREIGN KEY(run_id) REFERENCES subsidy_run (id)
);

CREATE TABLE product_version (
    id UUID NOT NULL,
    product_id UUID NOT NULL,
    number INTEGER NOT NULL,
    summary_zh VARCHAR NOT NULL,
    summary_en VARCHAR NOT NULL,
    resources UUID[] NOT NULL,
    modality VARCHAR NOT NULL,
    delivery_form VARCHAR NOT NULL,
    processing VARCHAR NOT NULL,
    quality JSONB NOT NULL,
    sample_fields JSONB NOT NULL,
    state VARCHAR NOT NULL,
    submitted_by UUID,
    submitted_at TIMESTAMP WITH TIME ZONE,
    reviewed_by UUID,
    reviewed_at TIMESTAMP WITH TIME ZONE,
    review_reason VARCHAR,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT product_version_pkey PRIMARY KEY (id),
    CONSTRAINT product_version_number_key UNIQUE (product_id, number),
    CONSTRAINT product_version_own_review CHECK (reviewed_by <> submitted_by),
    CONSTRAINT product_version_state_check CHECK (state IN ('draft', 'submitted', 'returned', 'approved', 'rejected', 'retired')),
    CONSTRAINT product_version_modality_check CHECK (modality IN ('structured', 'time_series', 'text', 'image', 'audio', 'video', 'spatial', 'multimodal')),
    CONSTRAINT product_version_delivery_form_check CHECK (delivery_form IN ('dataset', 'api', 'report', 'model')),
    CONSTRAINT product_version_processing_check CHECK (processing IN ('raw', 'deidentified', 'derived')),
    CONSTRAINT product_version_product_id_fkey FOREIGN KEY(product_id) REFERENCES product (id)
);

CREATE TABLE subsidy_claim (
    enterprise_id UUID NOT NULL,
    subject VARCHAR NOT NULL,
    policy VARCHAR NOT NULL,
    line_id UUID,
    claimed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT subsidy_claim_pkey PRIMARY KEY (enterprise_id, subject),
    CONSTRAINT subsidy_claim_enterprise_id_fkey FOREIGN KEY(enterprise_id) REFERENCES participant (id),
    CONSTRAINT subsidy_claim_line_id_fkey FOREIGN KEY(line_id) REFERENCES subsidy_line (id)
);

CREATE TABLE subsidy_posting (
    line_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    entry_id UUID NOT NULL,
    amount_fen BIGINT NOT NULL,
    posted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT subsidy_posting_pkey PRIMARY KEY (line_id, kind),
    CONSTRAINT subsidy_posting_amount_check CHECK (amount_fen > 0),
    CONSTRAINT subsidy_posting_line_id_fkey FOREIGN KEY(line_id) REFERENCES subsidy_line (id)
);

CREATE TABLE listing (
    id UUID NOT NULL,
    product_id UUID NOT NULL,
    product_version_id UUID NOT NULL,
    product_code VARCHAR NOT NULL,
    product_version INTEGER NOT NULL,
    provider_id UUID NOT NULL,
    venue_id UUID NOT NULL,
    venue_code VARCHAR NOT NULL,
    zone_id UUID,
    scenario_id UUID,
    use_class VARCHAR,
    name_zh VARCHAR NOT NULL,
    name_en VARCHAR NOT NULL,
    summary_zh VARCHAR NOT NULL,
    summary_en VARCHAR NOT NULL,
    category VARCHAR NOT NULL,
    level VARCHAR NOT NULL,
    modality VARCHAR NOT NULL,
    delivery_form VARCHAR NOT NULL,
    price_model VARCHAR NOT NULL,
    price_fen BIGINT NOT NULL,
    period_days INTEGER,
    state VARCHAR NOT NULL,
    held_by_venue BOOLEAN NOT NULL,
    reason VARCHAR,
    published_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    name_key BYTEA NOT NULL,
    phrases VARCHAR NOT NULL,
    search TSVECTOR NOT NULL,
    CONSTRAINT listing_pkey PRIMARY KEY (id),
    CONSTRAINT listing_price_check CHECK (price_fen >= 0),
    CONSTRAINT listing_free_costs_nothing CHECK ((price_model = 'free') = (price_fen = 0)),
    CONSTRAINT listing_period_has_days CHECK (CASE price_model WHEN 'per_period' THEN coalesce(period_days > 0, false) ELSE period_days IS NULL END),
    CONSTRAINT listing_public_good_free CHECK (use_class <> 'public_good' OR price_model = 'free'),
    CONSTRAINT listing_published_at_check CHECK (state <> 'published' OR published_at IS NOT NULL),
    CONSTRAINT listing_state_check CHECK (state IN ('draft', 'submitted', 'published', 'suspended', 'delisted')),
    CONSTRAINT listing_price_model_check CHECK (price_model IN ('per_call', 'per_period', 'one_off', 'free')),
    CONSTRAINT listing_use_class_check CHECK (use_class IN ('public_good', 'industry')),
    CONSTRAINT listing_product_id_fkey FOREIGN KEY(product_id) REFERENCES product (id),
    CONSTRAINT listing_product_version_id_fkey FOREIGN KEY(product_version_id) REFERENCES product_version (id),
    CONSTRAINT listing_provider_id_fkey FOREIGN KEY(provider_id) REFERENCES participant (id),
    CONSTRAINT listing_venue_id_fkey FOREIGN KEY(venue_id) REFERENCES venue (id),
    CONSTRAINT listing_zone_id_fkey FOREIGN KEY(zone_id) REFERENCES zone (id),
    CONSTRAINT listing_scenario_id_fkey FOREIGN KEY(scenario_id) REFERENCES scenario (id)
);

CREATE INDEX listing_name_idx ON listing (name_key, id) WHERE state = 'published';

CREATE INDEX listing_newest_idx ON listing (published_at, id) WHERE state = 'published';

CREATE UNIQUE INDEX listing_on_sale_key ON listing (product_version_id, venue_id, price_model, period_days) NULLS NOT DISTINCT WHERE state IN ('published', 'suspended');

CREATE INDEX listing_price_idx ON listing (price_fen, id) WHERE state = 'published';

CREATE INDEX listing_product_id_idx ON listing (product_id);

CREATE INDEX listing_provider_idx ON listing (provider_id, id);

CREATE INDEX listing_search_idx ON listing USING gin (search) WITH (fastupdate = off) WHERE state = 'published';

CREATE INDEX listing_state_idx ON listing (state, id);

CREATE TABLE contract (
    id UUID NOT NULL,
    listing_id UUID NOT NULL,
    product_id UUID NOT NULL,
    product_version INTEGER NOT NULL,
    category VARCHAR NOT NULL,
    provider_id UUID NOT NULL,
    buyer_id UUID NOT NULL,
    venue_id UUID NOT NULL,
    venue_operator_id UUID NOT NULL,
    venue_fee_bps INTEGER NOT NULL,
    zone_id UUID,
    operator_id UUID,
    suppliers JSONB NOT NULL,
    price_model VARCHAR NOT NULL,
    price_fen BIGINT NOT NULL,
    period_days INTEGER,
    purposes TEXT[] NOT NULL,
    use_class VARCHAR NOT NULL,
    redevelopment BOOLEAN NOT NULL,
    term_from TIMESTAMP WITH TIME ZONE NOT NULL,
    term_to TIMESTAMP WITH TIME ZONE NOT NULL,
    quota BIGINT,
    annex JSONB NOT NULL,
    state VARCHAR NOT NULL,
    reason VARCHAR,
    provider_signed_at TIMESTAMP WITH TIME ZONE,
    buyer_signed_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT contract_pkey PRIMARY KEY (id),
    CONSTRAINT contract_state_check CHECK (state IN ('requested', 'agreed', 'part_signed', 'active', 'suspended', 'ended', 'rejected', 'withdrawn')),
    CONSTRAINT contract_use_class_check CHECK (use_class IN ('public_good', 'industry')),
    CONSTRAINT contract_term_check CHECK (term_from < term_to),
    CONSTRAINT contract_parties_check CHECK (provider_id <> buyer_id),
    CONSTRAINT contract_signed_check CHECK (state NOT IN ('active', 'suspended') OR (provider_signed_at IS NOT NULL AND buyer_signed_at IS NOT NULL)),
    CONSTRAINT contract_listing_id_fkey FOREIGN KEY(listing_id) REFERENCES listing (id),
    CONSTRAINT contract_product_id_fkey FOREIGN KEY(product_id) REFERENCES product (id),
    CONSTRAINT contract_provider_id_fkey FOREIGN KEY(provider_id) REFERENCES participant (id),
    CONSTRAINT contract_buyer_id_fkey FOREIGN KEY(buyer_id) REFERENCES participant (id),
    CONSTRAINT contract_venue_id_fkey FOREIGN KEY(venue_id) REFERENCES venue (id)
);

CREATE INDEX contract_buyer_idx ON contract (buyer_id, id);

CREATE INDEX contract_listing_id_idx ON contract (listing_id);

CREATE INDEX contract_provider_idx ON contract (provider_id, id);

CREATE TABLE contract_meter (
    contract_id UUID NOT NULL,
    buyer_id UUID NOT NULL,
    state VARCHAR NOT NULL,
    term_from TIMESTAMP WITH TIME ZONE NOT NULL,
    term_to TIMESTAMP WITH TIME ZONE NOT NULL,
    purposes TEXT[] NOT NULL,
    quota BIGINT,
    used BIGINT NOT NULL,
    CONSTRAINT contract_meter_pkey PRIMARY KEY (contract_id),
    CONSTRAINT contract_meter_quota_check CHECK (used >= 0 AND (quota IS NULL OR used <= quota)),
    CONSTRAINT contract_meter_contract_id_fkey FOREIGN KEY(contract_id) REFERENCES contract (id)
)
 WITH (fillfactor = 50);

CREATE TABLE contract_use (
    id UUID NOT NULL,
    contract_id UUID NOT NULL,
    purpose VARCHAR NOT NULL,
    quantity BIGINT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    account_id UUID NOT NULL,
    CONSTRAINT contract_use_pkey PRIMARY KEY (id),
    CONSTRAINT contract_use_quantity_check CHECK (quantity > 0),
    CONSTRAINT contract_use_contract_id_fkey FOREIGN KEY(contract_id) REFERENCES contract (id)
);

CREATE INDEX contract_use_contract_idx ON contract_use (contract_id, id);

CREATE TABLE trade (
    id UUID NOT NULL,
    ledger_id INTEGER NOT NULL,
    contract_id UUID NOT NULL,
    use_id UUID NOT NULL,
    buyer_id UUID NOT NULL,
    provider_id UUID NOT NULL,
    venue_id UUID NOT NULL,
    zone_id UUID,
    product_id UUID NOT NULL,
    category VARCHAR NOT NULL,
    quantity BIGINT NOT NULL,
    unit_price_fen BIGINT NOT NULL,
    amount_fen BIGINT NOT NULL,
    split JSONB NOT NULL,
    revenue_rule VARCHAR NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    refunded_fen BIGINT NOT NULL,
    state VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT trade_pkey PRIMARY KEY (id),
    CONSTRAINT trade_use_key UNIQUE (use_id),
    CONSTRAINT trade_refunded_check CHECK (refunded_fen BETWEEN 0 AND amount_fen),
    CONSTRAINT trade_amount_check CHECK (amount_fen = unit_price_fen * quantity),
    CONSTRAINT trade_state_check CHECK (state IN ('settled', 'partly_refunded', 'refunded')),
    CONSTRAINT trade_contract_id_fkey FOREIGN KEY(contract_id) REFERENCES contract (id),
    CONSTRAINT trade_use_id_fkey FOREIGN KEY(use_id) REFERENCES contract_use (id)
);

CREATE INDEX trade_buyer_idx ON trade (buyer_id, id);

CREATE INDEX trade_contract_idx ON trade (contract_id, id);

CREATE INDEX trade_occurred_idx ON trade (occurred_at);

CREATE INDEX trade_provider_idx ON trade (provider_id, occurred_at);

CREATE TABLE refund (
    id UUID NOT NULL,
    ledger_id INTEGER NOT NULL,
    trade_id UUID NOT NULL,
    amount_fen BIGINT NOT NULL,
    reason VARCHAR NOT NULL,
    refunded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    account_id UUID NOT NULL,
    CONSTRAINT refund_pkey PRIMARY KEY (id),
    CONSTRAINT refund_amount_check CHECK (amount_fen > 0),
    CONSTRAINT refund_trade_id_fkey FOREIGN KEY(trade_id) REFERENCES trade (id)
);

CREATE INDEX refund_trade_idx ON refund (trade_id, id);

-- Who may do what. The application works as datamarket_app and never owns a table.
-- The role belongs to the server, not to the database: it may be there, made beforehand by an administrator.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'datamarket_app') THEN
        CREATE ROLE datamarket_app NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- two databases migrated at once
END
$$;
DO $$
BEGIN
    GRANT datamarket_app TO CURRENT_USER;
EXCEPTION WHEN insufficient_privilege THEN
    NULL;  -- an administrator has granted it, or connecting will say that nobody has
END
$$;
GRANT USAGE ON SCHEMA public TO datamarket_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO datamarket_app;
REVOKE INSERT, UPDATE, DELETE ON
    ledger_account, ledger_entry, ledger_leg, ledger_balance, business_key, alembic_version FROM datamarket_app;
REVOKE UPDATE, DELETE ON audit_event FROM datamarket_app;

-- Append-only, for the owner too: nobody changes the past by mistake.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'append_only';
END
$$;
CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- I1 for each statement that adds legs: entries balance, with two legs or more.
CREATE FUNCTION ledger_legs_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM fresh GROUP BY ledger_id, period, entry_id HAVING sum(amount_fen) <> 0 OR count(*) < 2
    ) THEN
        RAISE EXCEPTION 'the legs of an entry do not balance'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_entry_balanced';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER ledger_leg_balanced AFTER INSERT ON ledger_leg
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION ledger_legs_balance();

-- I5. A row trigger on a partitioned table is cloned to every partition, now and later; TRUNCATE is not.
CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_leg_append_only BEFORE UPDATE OR DELETE ON ledger_leg
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_entry_no_truncate BEFORE TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_leg_no_truncate BEFORE TRUNCATE ON ledger_leg
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION ledger_make_partitions(first_year integer, last_year integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    base text;
    part text;
BEGIN
    FOR year IN first_year .. last_year LOOP
        FOREACH base IN ARRAY ARRAY['ledger_entry', 'ledger_leg'] LOOP
            part := format('%s_p%s', base, year);
            CONTINUE WHEN to_regclass(part) IS NOT NULL;
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s)',
                           part, base, year * 100, (year + 1) * 100);
            EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I FOR EACH STATEMENT '
                           'EXECUTE FUNCTION refuse_change()', part);
            EXECUTE format('REVOKE ALL ON %I FROM datamarket_app', part);
        END LOOP;
        EXECUTE format('CREATE TRIGGER balanced AFTER INSERT ON ledger_leg_p%s REFERENCING NEW TABLE AS fresh '
                       'FOR EACH STATEMENT EXECUTE FUNCTION ledger_legs_balance()', year);
    END LOOP;
END
$$;
SELECT ledger_make_partitions(2020, 2039);

-- The two ways in. Both run as the owner; the application may call them and nothing else.
CREATE FUNCTION ledger_open_accounts(
    p_ledger integer, p_id uuid[], p_owner uuid[], p_kind text[], p_side text[], p_negative boolean[], p_now timestamptz
) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH opened AS (
        INSERT INTO ledger_account (ledger_id, id, owner_id, kind, normal_side, may_go_negative, opened_at)
        SELECT p_ledger, a.id, a.owner_id, a.kind, a.side, a.negative, p_now
        FROM unnest(p_id, p_owner, p_kind, p_side, p_negative) AS a (id, owner_id, kind, side, negative)
        ORDER BY a.id
        ON CONFLICT DO NOTHING
        RETURNING id, may_go_negative
    )
    INSERT INTO ledger_balance (ledger_id, account_id, may_go_negative, debit_fen, credit_fen, held_fen, version)
    SELECT p_ledger, id, may_go_negative, 0, 0, 0, 0 FROM opened
$$;

-- What an entry says, with its legs, in one SHA-256: a change of any column shows.
CREATE FUNCTION ledger_digest(
    p_ledger integer, p_period integer, p_id uuid, p_kind text, p_effective timestamptz, p_recorded timestamptz,
    p_source_type text, p_source uuid, p_reverses uuid, p_actor uuid, p_legs text
) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT sha256(convert_to(concat_ws('|', p_ledger, p_period, p_id, p_kind,
        (extract(epoch FROM p_effective) * 1000000)::bigint, (extract(epoch FROM p_recorded) * 1000000)::bigint,
        p_source_type, p_source, coalesce(p_reverses::text, '-'), p_actor, p_legs), 'UTF8'))
$$;

CREATE FUNCTION ledger_post(
    p_ledger integer, p_recorded timestamptz, p_open_month integer,
    p_entry uuid[], p_month integer[], p_kind text[], p_effective timestamptz[],
    p_source_type text[], p_source uuid[], p_reverses uuid[], p_actor uuid[],
    p_leg_entry integer[], p_leg_seq integer[], p_account uuid[], p_amount bigint[]
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    periods integer[];
BEGIN
    -- Closing a period takes this lock alone: nothing posts into a period while it closes.
    PERFORM pg_advisory_xact_lock_shared(p_ledger, 1);
    -- A late event stands in the open month, with its own effective date.
    SELECT array_agg(CASE WHEN closed.id IS NULL THEN given.month ELSE p_open_month END ORDER BY given.ordinality)
      INTO periods
      FROM unnest(p_month) WITH ORDINALITY AS given (month, ordinality)
      LEFT JOIN ledger_period AS closed ON closed.ledger_id = p_ledger AND closed.id = given.month AND closed.state = 'closed';
    IF EXISTS (SELECT FROM ledger_period WHERE ledger_id = p_ledger AND id = ANY (periods) AND state = 'closed') THEN
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

    IF EXISTS (SELECT FROM unnest(p_entry) WITH ORDINALITY AS e (id, position)
               WHERE NOT e.position = ANY (p_leg_entry)) THEN
        RAISE EXCEPTION 'an entry has no legs'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_entry_balanced';
    END IF;

    PERFORM ledger_guard_reversals(p_ledger, p_reverses) WHERE array_remove(p_reverses, NULL) <> '{}';

    -- One update per account, accounts locked in the order of their ids: no deadlock, no hot loop.
    PERFORM 1 FROM ledger_balance
      WHERE ledger_id = p_ledger AND account_id = ANY (p_account) ORDER BY account_id FOR UPDATE;
    UPDATE ledger_balance AS b
       SET debit_fen = b.debit_fen + moved.debit, credit_fen = b.credit_fen + moved.credit, version = b.version + moved.legs
      FROM (SELECT account_id,
                   coalesce(sum(amount) FILTER (WHERE amount > 0), 0) AS debit,
                   coalesce(-sum(amount) FILTER (WHERE amount < 0), 0) AS credit,
                   count(*) AS legs
              FROM unnest(p_account, p_amount) AS l (account_id, amount) GROUP BY account_id) AS moved
     WHERE b.ledger_id = p_ledger AND b.account_id = moved.account_id;
END
$$;

-- I7: what reverses an entry goes the other way on the same accounts, and never beyond it.
CREATE FUNCTION ledger_guard_reversals(p_ledger integer, p_reverses uuid[]) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM 1 FROM ledger_entry WHERE ledger_id = p_ledger AND id = ANY (p_reverses) ORDER BY id FOR UPDATE;
    IF EXISTS (
        SELECT FROM (
            SELECT e.id, l.account_id, l.amount_fen AS original, 0::bigint AS back
              FROM ledger_entry e JOIN ledger_leg l USING (ledger_id, period)
             WHERE e.ledger_id = p_ledger AND e.id = ANY (p_reverses) AND l.entry_id = e.id
            UNION ALL
            SELECT r.reverses, l.account_id, 0, l.amount_fen
              FROM ledger_entry r JOIN ledger_leg l USING (ledger_id, period)
             WHERE r.ledger_id = p_ledger AND r.reverses = ANY (p_reverses) AND l.entry_id = r.id
        ) AS both_ways
        GROUP BY id, account_id
        HAVING sum(original) = 0 OR sign(sum(original)) * sign(sum(back)) > 0 OR abs(sum(back)) > abs(sum(original))
    ) OR (SELECT count(DISTINCT id) FROM ledger_entry WHERE ledger_id = p_ledger AND id = ANY (p_reverses))
         <> (SELECT count(DISTINCT r) FROM unnest(p_reverses) AS r WHERE r IS NOT NULL) THEN
        RAISE EXCEPTION 'a reversal exceeds its original'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_reversal_within_original';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION ledger_guard_reversals(integer, uuid[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION ledger_make_partitions(integer, integer) FROM PUBLIC;

-- Who is related to whom, and when: one controls the other, through any chain, or both have a common controller.
-- Half-open days; a null end is without end, and LEAST passes over nulls. UNION ends even on a circle.
CREATE VIEW related_party AS
WITH RECURSIVE control (controller_id, controlled_id, from_on, to_on) AS (
    SELECT controller_id, controlled_id, from_on, to_on FROM affiliation
    UNION
    SELECT c.controller_id, a.controlled_id, GREATEST(c.from_on, a.from_on), LEAST(c.to_on, a.to_on)
    FROM control AS c
    JOIN affiliation AS a ON a.controller_id = c.controlled_id
    WHERE (a.to_on IS NULL OR c.from_on < a.to_on) AND (c.to_on IS NULL OR a.from_on < c.to_on)
)
SELECT controller_id AS a_id, controlled_id AS b_id, from_on, to_on FROM control
UNION
SELECT controlled_id, controller_id, from_on, to_on FROM control
UNION
SELECT one.controlled_id, other.controlled_id,
       GREATEST(one.from_on, other.from_on), LEAST(one.to_on, other.to_on)
FROM control AS one
JOIN control AS other ON other.controller_id = one.controller_id AND other.controlled_id <> one.controlled_id
WHERE (other.to_on IS NULL OR one.from_on < other.to_on) AND (one.to_on IS NULL OR other.from_on < one.to_on);
GRANT SELECT ON related_party TO datamarket_app;

-- Which way a search goes depends on how frequent its terms are: more of them are counted than by default.
ALTER TABLE listing ALTER COLUMN search SET STATISTICS 300;

-- What a run was calculated from, what it gave and what was paid: written once, for the owner too.
REVOKE UPDATE, DELETE ON
    subsidy_snapshot, subsidy_line, subsidy_run_event, subsidy_posting, subsidy_claim, subsidy_fact_version
    FROM datamarket_app;
REVOKE DELETE ON subsidy_run, scheme, scheme_version, subsidy_case, subsidy_budget FROM datamarket_app;

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['subsidy_snapshot', 'subsidy_line', 'subsidy_run_event', 'subsidy_posting',
                                'subsidy_claim', 'subsidy_fact_version'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()',
                       kept || '_append_only', kept);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
                       kept || '_no_truncate', kept);
    END LOOP;
END
$$;

-- A run only ever learns: its snapshot, its result and its officers are set once.
CREATE FUNCTION subsidy_run_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.id, OLD.ledger_id, OLD.scheme_id, OLD.scheme_version_id, OLD.year, OLD.cutoff, OLD.created_by)
         IS DISTINCT FROM (NEW.id, NEW.ledger_id, NEW.scheme_id, NEW.scheme_version_id, NEW.year, NEW.cutoff, NEW.created_by)
       OR OLD.snapshot_id IS NOT NULL AND NEW.snapshot_id IS DISTINCT FROM OLD.snapshot_id
       OR OLD.engine_id IS NOT NULL AND NEW.engine_id IS DISTINCT FROM OLD.engine_id
       OR OLD.result_sha256 IS NOT NULL AND NEW.result_sha256 IS DISTINCT FROM OLD.result_sha256
       OR OLD.total_fen IS NOT NULL AND NEW.total_fen IS DISTINCT FROM OLD.total_fen
       OR OLD.calculated_by IS NOT NULL AND NEW.calculated_by IS DISTINCT FROM OLD.calculated_by
       OR OLD.reviewed_by IS NOT NULL AND NEW.reviewed_by IS DISTINCT FROM OLD.reviewed_by
       OR OLD.approved_by IS NOT NULL AND NEW.approved_by IS DISTINCT FROM OLD.approved_by
       OR OLD.publicity_to IS NOT NULL AND NEW.publicity_to IS DISTINCT FROM OLD.publicity_to THEN
        RAISE EXCEPTION 'a run never changes what it has learned'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'subsidy_run_frozen';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER subsidy_run_keeps BEFORE UPDATE ON subsidy_run FOR EACH ROW EXECUTE FUNCTION subsidy_run_keeps();

-- A scheme file is not edited: another text is another version.
CREATE FUNCTION scheme_version_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.id, OLD.scheme_id, OLD.n, OLD.content, OLD.sha256) IS DISTINCT FROM
       (NEW.id, NEW.scheme_id, NEW.n, NEW.content, NEW.sha256)
       OR OLD.authored_by IS DISTINCT FROM NEW.authored_by THEN
        RAISE EXCEPTION 'a scheme version is not edited'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER scheme_version_keeps BEFORE UPDATE ON scheme_version
    FOR EACH ROW EXECUTE FUNCTION scheme_version_keeps();
