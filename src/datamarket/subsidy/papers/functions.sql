-- What a paper says of its file is written once, for the owner too.
CREATE OR REPLACE TRIGGER subsidy_paper_append_only BEFORE UPDATE OR DELETE ON subsidy_paper
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER subsidy_paper_no_truncate BEFORE TRUNCATE ON subsidy_paper
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
