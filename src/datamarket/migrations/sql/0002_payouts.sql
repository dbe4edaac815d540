-- Payouts: what leaves through the bank, and the bank's own side. Amounts, payees and references never change;
-- the application sets states and matches, column by column, and the owner is held by triggers.
CREATE TABLE payout_batch (
    ledger_id INTEGER NOT NULL,
    id UUID NOT NULL,
    number VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    day DATE NOT NULL,
    up_to_day DATE,
    min_amount_fen BIGINT NOT NULL,
    kinds TEXT[] NOT NULL,
    payouts INTEGER NOT NULL,
    total_fen BIGINT NOT NULL,
    executed_fen BIGINT NOT NULL,
    refused_fen BIGINT NOT NULL,
    file_sha256 VARCHAR NOT NULL,
    made_by UUID NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    approved_by UUID,
    approved_at TIMESTAMP WITH TIME ZONE,
    sent_by UUID,
    sent_at TIMESTAMP WITH TIME ZONE,
    settled_at TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    CONSTRAINT payout_batch_pkey PRIMARY KEY (ledger_id, id),
    CONSTRAINT payout_batch_number_key UNIQUE (ledger_id, number),
    CONSTRAINT payout_batch_not_empty CHECK (payouts > 0 AND total_fen > 0),
    CONSTRAINT payout_batch_decided_check CHECK (executed_fen >= 0 AND refused_fen >= 0 AND executed_fen + refused_fen <= total_fen),
    CONSTRAINT payout_batch_settled_check CHECK (state <> 'settled' OR executed_fen + refused_fen = total_fen),
    CONSTRAINT payout_batch_duties_check CHECK (approved_by <> made_by),
    CONSTRAINT payout_batch_approved_check CHECK (state NOT IN ('approved', 'sent', 'settled') OR approved_by IS NOT NULL),
    CONSTRAINT payout_batch_state_check CHECK (state IN ('drafted', 'approved', 'sent', 'settled', 'cancelled'))
);
CREATE TABLE payout (
    ledger_id INTEGER NOT NULL,
    id UUID NOT NULL,
    batch_id UUID NOT NULL,
    position INTEGER NOT NULL,
    payee_id UUID,
    payee_code VARCHAR NOT NULL,
    payee_name VARCHAR NOT NULL,
    account_id UUID NOT NULL,
    account_kind VARCHAR NOT NULL,
    amount_fen BIGINT NOT NULL,
    bank_reference VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    decided_on DATE,
    refusal_code VARCHAR,
    refusal_reason VARCHAR,
    version INTEGER NOT NULL,
    CONSTRAINT payout_pkey PRIMARY KEY (ledger_id, id),
    CONSTRAINT payout_batch_id_fkey FOREIGN KEY (ledger_id, batch_id) REFERENCES payout_batch (ledger_id, id),
    CONSTRAINT payout_account_id_fkey FOREIGN KEY (ledger_id, account_id) REFERENCES ledger_account (ledger_id, id),
    CONSTRAINT payout_bank_reference_key UNIQUE (ledger_id, bank_reference),
    CONSTRAINT payout_position_key UNIQUE (ledger_id, batch_id, position),
    CONSTRAINT payout_amount_check CHECK (amount_fen > 0),
    CONSTRAINT payout_decided_check CHECK ((state IN ('executed', 'refused')) = (decided_on IS NOT NULL)),
    CONSTRAINT payout_refusal_check CHECK ((state = 'refused') = (refusal_code IS NOT NULL) AND (refusal_code IS NULL) = (refusal_reason IS NULL)),
    CONSTRAINT payout_state_check CHECK (state IN ('queued', 'sent', 'executed', 'refused', 'cancelled')),
    CONSTRAINT payout_account_kind_check CHECK (account_kind IN ('provider_income', 'operator_income', 'supplying_income', 'venue_fee', 'treasury', 'vat_payable'))
);
CREATE INDEX payout_payee_idx ON payout (ledger_id, payee_id, id);
CREATE UNIQUE INDEX payout_queued_key ON payout (ledger_id, account_id) WHERE state = 'queued';
CREATE INDEX payout_undecided_idx ON payout (ledger_id, payee_id) WHERE state = 'sent';
CREATE TABLE bank_statement (
    ledger_id INTEGER NOT NULL,
    id UUID NOT NULL,
    sha256 VARCHAR NOT NULL,
    day DATE NOT NULL,
    opening_fen BIGINT NOT NULL,
    closing_fen BIGINT NOT NULL,
    lines INTEGER NOT NULL,
    imported_by UUID NOT NULL,
    imported_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT bank_statement_pkey PRIMARY KEY (ledger_id, id),
    CONSTRAINT bank_statement_sha256_key UNIQUE (ledger_id, sha256),
    CONSTRAINT bank_statement_day_key UNIQUE (ledger_id, day)
);
CREATE TABLE bank_line (
    ledger_id INTEGER NOT NULL,
    id UUID NOT NULL,
    statement_id UUID NOT NULL,
    position INTEGER NOT NULL,
    day DATE NOT NULL,
    value_on DATE NOT NULL,
    amount_fen BIGINT NOT NULL,
    reference VARCHAR NOT NULL,
    text VARCHAR NOT NULL,
    match_state VARCHAR NOT NULL,
    entry_id UUID,
    entry_on DATE,
    match_reason VARCHAR,
    version INTEGER NOT NULL,
    CONSTRAINT bank_line_pkey PRIMARY KEY (ledger_id, id),
    CONSTRAINT bank_line_statement_id_fkey FOREIGN KEY (ledger_id, statement_id) REFERENCES bank_statement (ledger_id, id),
    CONSTRAINT bank_line_position_key UNIQUE (ledger_id, statement_id, position),
    CONSTRAINT bank_line_entry_key UNIQUE (ledger_id, entry_id),
    CONSTRAINT bank_line_amount_check CHECK (amount_fen <> 0),
    CONSTRAINT bank_line_matched_check CHECK ((match_state = 'open') = (entry_id IS NULL) AND (entry_id IS NULL) = (entry_on IS NULL)),
    CONSTRAINT bank_line_reason_check CHECK ((match_state = 'matched_by_hand') = (match_reason IS NOT NULL)),
    CONSTRAINT bank_line_match_state_check CHECK (match_state IN ('open', 'matched', 'matched_by_hand'))
);
CREATE INDEX bank_line_day_idx ON bank_line (ledger_id, day, position);
CREATE INDEX bank_line_open_idx ON bank_line (ledger_id, id) WHERE match_state = 'open';

GRANT SELECT, INSERT ON payout_batch, payout, bank_statement, bank_line TO datamarket_app;
GRANT UPDATE (state, executed_fen, refused_fen, approved_by, approved_at, sent_by, sent_at, settled_at, version)
    ON payout_batch TO datamarket_app;
GRANT UPDATE (state, decided_on, refusal_code, refusal_reason, version) ON payout TO datamarket_app;
GRANT UPDATE (match_state, entry_id, entry_on, match_reason, version) ON bank_line TO datamarket_app;
