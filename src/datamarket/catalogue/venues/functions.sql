-- Who operates the venue of a listing is asked before the listing is shown.
CREATE OR REPLACE TRIGGER venue_shown AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON venue
    FOR EACH STATEMENT EXECUTE FUNCTION tell_shown();

-- What was known of a venue's qualification stays as it was recorded, for the owner too.
CREATE OR REPLACE TRIGGER venue_qualification_append_only BEFORE UPDATE OR DELETE ON venue_qualification
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER venue_qualification_no_truncate BEFORE TRUNCATE ON venue_qualification
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
