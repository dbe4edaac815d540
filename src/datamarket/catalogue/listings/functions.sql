-- Who is no longer admitted offers nothing: what it had on the market is suspended in the same transaction, and
-- after a restoration goes back by `resume`, when version, venue and sources are looked at again.
CREATE OR REPLACE FUNCTION listing_follow_provider() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE listing
       SET state = 'suspended', reason = '提供方当前未处于已准入状态 · its provider is not admitted now', version = version + 1
     WHERE provider_id = NEW.id AND state = 'published';
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER participant_takes_listings_along AFTER UPDATE OF state ON participant
    FOR EACH ROW WHEN (OLD.state = 'admitted' AND NEW.state <> 'admitted') EXECUTE FUNCTION listing_follow_provider();

CREATE OR REPLACE TRIGGER listing_shown AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON listing
    FOR EACH STATEMENT EXECUTE FUNCTION tell_shown();
