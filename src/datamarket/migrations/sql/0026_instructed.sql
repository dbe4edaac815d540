-- Awards leave through payout batches. What was paid before this stays paid by its own posting; what was posted is instructed anew.
ALTER TABLE payout
    ADD COLUMN award_id UUID,
    DROP CONSTRAINT payout_account_kind_check,
    ADD CONSTRAINT payout_account_kind_check CHECK (account_kind IN (
        'provider_income', 'operator_income', 'supplying_income', 'venue_fee', 'treasury', 'vat_payable', 'subsidy_payable')),
    ADD CONSTRAINT payout_award_check CHECK ((account_kind = 'subsidy_payable') = (award_id IS NOT NULL));
DROP INDEX payout_queued_key;
CREATE UNIQUE INDEX payout_queued_key ON payout (ledger_id, account_id) WHERE state = 'queued' AND award_id IS NULL;
CREATE UNIQUE INDEX payout_award_key ON payout (ledger_id, award_id) WHERE award_id IS NOT NULL AND state NOT IN ('refused', 'cancelled');
CREATE INDEX payout_award_idx ON payout (ledger_id, award_id, id) WHERE award_id IS NOT NULL;

ALTER TABLE subsidy_run
    DROP CONSTRAINT subsidy_run_state_check,
    ADD CONSTRAINT subsidy_run_state_check CHECK (state IN ('draft', 'snapshotted', 'calculated', 'under_review', 'publicised', 'approved',
        'posted', 'paying', 'paid', 'closed', 'rejected', 'cancelled', 'superseded')),
    DROP CONSTRAINT subsidy_run_approved_check,
    ADD CONSTRAINT subsidy_run_approved_check CHECK (state NOT IN ('approved', 'posted', 'paying', 'paid', 'closed')
        OR (reviewed_by IS NOT NULL AND approved_by IS NOT NULL AND publicity_to IS NOT NULL));
DROP INDEX subsidy_run_decided_key;
CREATE UNIQUE INDEX subsidy_run_decided_key ON subsidy_run (ledger_id, scheme_id, year)
 WHERE state IN ('publicised', 'approved', 'posted', 'paying', 'paid', 'closed');
ALTER TABLE subsidy_run_event
    DROP CONSTRAINT subsidy_run_event_event_check,
    ADD CONSTRAINT subsidy_run_event_event_check CHECK (event IN ('snapshot', 'calculate', 'submit', 'publicise', 'approve', 'post', 'pay',
        'settle', 'close', 'reject', 'cancel', 'supersede'));
ALTER TABLE subsidy_award_hold
    DROP CONSTRAINT subsidy_award_hold_cause_check,
    ADD CONSTRAINT subsidy_award_hold_cause_check CHECK (cause IN ('suspended', 'withdrawn', 'revoked', 'corrected', 'refused')),
    DROP CONSTRAINT subsidy_award_hold_stage_check,
    ADD CONSTRAINT subsidy_award_hold_stage_check CHECK (stage IN ('snapshot', 'calculate', 'submit', 'publicise', 'approve', 'post', 'pay',
        'settle', 'close', 'reject', 'cancel', 'supersede'));
ALTER TABLE subsidy_line
    DROP CONSTRAINT subsidy_line_status_check,
    ADD CONSTRAINT subsidy_line_status_check CHECK (status IN ('proposed', 'displaced', 'ineligible', 'not_selected', 'held', 'final',
        'payable', 'instructed', 'paid', 'failed', 'forgone', 'recovering', 'recovered'));
