-- Who operates the venue of a listing is asked before the listing is shown.
CREATE OR REPLACE TRIGGER venue_shown AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON venue
    FOR EACH STATEMENT EXECUTE FUNCTION tell_shown();
