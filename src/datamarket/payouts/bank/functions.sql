-- What the bank said never changes, nor what it was matched with; nothing is deleted.
CREATE OR REPLACE TRIGGER bank_statement_append_only BEFORE UPDATE OR DELETE ON bank_statement
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER bank_line_fixed BEFORE UPDATE OF ledger_id, id, statement_id, position, day, value_on, amount_fen,
    reference, text ON bank_line FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER bank_line_over BEFORE UPDATE ON bank_line FOR EACH ROW
    WHEN (OLD.match_state <> 'open') EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER bank_statement_no_truncate BEFORE TRUNCATE ON bank_statement
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER bank_line_no_delete BEFORE DELETE ON bank_line
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER bank_line_no_truncate BEFORE TRUNCATE ON bank_line
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
