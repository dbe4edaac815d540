-- A scheme file is not edited: another text is another version.
CREATE OR REPLACE FUNCTION scheme_version_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.id, OLD.scheme_id, OLD.n, OLD.content, OLD.sha256) IS DISTINCT FROM
       (NEW.id, NEW.scheme_id, NEW.n, NEW.content, NEW.sha256)
       OR OLD.actor_id IS DISTINCT FROM NEW.actor_id THEN
        RAISE EXCEPTION 'a scheme version is not edited: constraint "append_only"'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER scheme_version_keeps BEFORE UPDATE ON scheme_version
    FOR EACH ROW EXECUTE FUNCTION scheme_version_keeps();
