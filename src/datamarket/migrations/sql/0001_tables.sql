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
