-- What an application declared is written once, for the owner too: a correction is another submission.
CREATE OR REPLACE TRIGGER subsidy_declared_item_append_only BEFORE UPDATE OR DELETE ON subsidy_declared_item
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER subsidy_declared_item_no_truncate BEFORE TRUNCATE ON subsidy_declared_item
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
