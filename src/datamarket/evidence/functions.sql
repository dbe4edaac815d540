-- How a row of a register differs from what the newest event told of it; null where it does not. What the event does not tell,
-- such as a column of a later release, is not compared.
CREATE OR REPLACE FUNCTION told_otherwise(p_row anyelement, p_told jsonb) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN CASE WHEN p_told IS NULL THEN 'no event made it'
                WHEN p_row IS NULL THEN 'it is gone'
                WHEN p_row IS DISTINCT FROM jsonb_populate_record(p_row, p_told) THEN (
                     SELECT string_agg(t.key, ', ' ORDER BY t.key)
                       FROM jsonb_each(to_jsonb(p_row)) AS r JOIN jsonb_each(to_jsonb(jsonb_populate_record(p_row, p_told))) AS t USING (key)
                      WHERE r.value IS DISTINCT FROM t.value) END;
END
$$;

-- What happened is not unsaid.
CREATE OR REPLACE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
