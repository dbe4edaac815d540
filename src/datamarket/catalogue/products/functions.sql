-- The particulars of a listing are those of its version.
CREATE OR REPLACE TRIGGER product_version_shown AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON product_version
    FOR EACH STATEMENT EXECUTE FUNCTION tell_shown();
