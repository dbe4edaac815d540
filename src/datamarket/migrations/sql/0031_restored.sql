-- What of a recovered award the books justify again: set off against what is still owed, the rest paid from an account of its own.
CREATE TABLE subsidy_recovery_restoration (
    id UUID NOT NULL,
    recovery_id UUID NOT NULL,
    amount_fen BIGINT NOT NULL,
    set_off_fen BIGINT NOT NULL,
    reason character varying NOT NULL,
    entry_id UUID NOT NULL,
    restored_by UUID NOT NULL,
    restored_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT subsidy_recovery_restoration_pkey PRIMARY KEY (id),
    CONSTRAINT subsidy_recovery_restoration_recovery_id_fkey FOREIGN KEY (recovery_id) REFERENCES subsidy_recovery (id),
    CONSTRAINT subsidy_recovery_restoration_amount_check CHECK (amount_fen > 0 AND set_off_fen BETWEEN 0 AND amount_fen)
);
CREATE INDEX subsidy_recovery_restoration_idx ON subsidy_recovery_restoration (recovery_id);
GRANT SELECT, INSERT ON subsidy_recovery_restoration TO datamarket_app;
ALTER TABLE subsidy_recovery ADD COLUMN restored_fen BIGINT NOT NULL DEFAULT 0;
ALTER TABLE subsidy_recovery ALTER COLUMN restored_fen DROP DEFAULT;
ALTER TABLE subsidy_recovery DROP CONSTRAINT subsidy_recovery_amount_check, ADD CONSTRAINT subsidy_recovery_amount_check CHECK (
    amount_fen > 0 AND restored_fen BETWEEN 0 AND amount_fen AND fine_fen >= 0 AND interest_fen >= 0
    AND (fine_rate IS NOT NULL OR fine_fen = 0) AND received_fen BETWEEN 0 AND amount_fen + fine_fen + interest_fen);
GRANT UPDATE (restored_fen) ON subsidy_recovery TO datamarket_app;
ALTER TABLE payout DROP CONSTRAINT payout_account_kind_check, ADD CONSTRAINT payout_account_kind_check CHECK (
    account_kind IN ('provider_income', 'operator_income', 'supplying_income', 'venue_fee', 'treasury', 'vat_payable',
                     'subsidy_payable', 'subsidy_restored'));
