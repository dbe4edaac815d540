-- Amounts, payees and references of payouts never change; what is over stays as it is; nothing is deleted.
CREATE OR REPLACE TRIGGER payout_batch_fixed BEFORE UPDATE OF ledger_id, id, number, day, payouts, total_fen,
    file_sha256, actor_id ON payout_batch FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER payout_batch_over BEFORE UPDATE ON payout_batch FOR EACH ROW
    WHEN (OLD.state IN ('settled', 'cancelled')) EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER payout_fixed BEFORE UPDATE OF ledger_id, id, batch_id, position, payee_id, payee_code, payee_name,
    account_id, account_kind, amount_fen, bank_reference, award_id ON payout FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER payout_over BEFORE UPDATE ON payout FOR EACH ROW
    WHEN (OLD.state IN ('executed', 'refused', 'cancelled')) EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER payout_batch_no_delete BEFORE DELETE ON payout_batch
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER payout_batch_no_truncate BEFORE TRUNCATE ON payout_batch
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER payout_no_delete BEFORE DELETE ON payout
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER payout_no_truncate BEFORE TRUNCATE ON payout
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
