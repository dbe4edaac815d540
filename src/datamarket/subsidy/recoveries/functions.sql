-- Of an award never more is decided for recovery than was paid of it, less what was restored; who decides holds the run, so that of two one waits.
CREATE OR REPLACE FUNCTION subsidy_recovery_within_paid() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.amount_fen - NEW.restored_fen + (SELECT coalesce(sum(amount_fen - restored_fen), 0) FROM subsidy_recovery
                          WHERE line_id = NEW.line_id AND id <> NEW.id AND state IN ('decided', 'recovering', 'recovered'))
         > (SELECT coalesce(sum(amount_fen), 0) FROM subsidy_posting
             WHERE line_id = NEW.line_id AND kind IN ('subsidy_paid', 'subsidy_set_off')) THEN
        RAISE EXCEPTION 'more is recovered than was paid: constraint "subsidy_recovery_within_paid"'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'subsidy_recovery_within_paid';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER subsidy_recovery_within_paid BEFORE INSERT OR UPDATE ON subsidy_recovery FOR EACH ROW
    WHEN (NEW.state IN ('decided', 'recovering', 'recovered')) EXECUTE FUNCTION subsidy_recovery_within_paid();
CREATE OR REPLACE TRIGGER subsidy_recovery_fixed BEFORE UPDATE OF id, ledger_id, run_id, line_id, enterprise_id, cause, amount_fen,
    reason, article, proposed_by, proposed_at ON subsidy_recovery FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER subsidy_recovery_no_delete BEFORE DELETE ON subsidy_recovery
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER subsidy_recovery_instalment_append_only BEFORE UPDATE OR DELETE ON subsidy_recovery_instalment
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER subsidy_recovery_restoration_append_only BEFORE UPDATE OR DELETE ON subsidy_recovery_restoration
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER subsidy_recovery_receipt_append_only BEFORE UPDATE OR DELETE ON subsidy_recovery_receipt
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
