-- Who may do what. The application works as datamarket_app and never owns a table.
-- The role belongs to the server, not to the database: it may be there, made beforehand by an administrator.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'datamarket_app') THEN
        CREATE ROLE datamarket_app NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- two databases migrated at once
END
$$;
DO $$
BEGIN
    GRANT datamarket_app TO CURRENT_USER;
EXCEPTION WHEN insufficient_privilege THEN
    NULL;  -- an administrator has granted it, or connecting will say that nobody has
END
$$;
GRANT USAGE ON SCHEMA public TO datamarket_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO datamarket_app;
REVOKE INSERT, UPDATE, DELETE ON
    ledger_account, ledger_entry, ledger_leg, ledger_balance, business_key, alembic_version FROM datamarket_app;
REVOKE UPDATE, DELETE ON audit_event FROM datamarket_app;

-- Append-only, for the owner too: nobody changes the past by mistake.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'append_only';
END
$$;
CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
