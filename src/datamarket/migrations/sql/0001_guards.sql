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

-- What a run was calculated from, what it gave and what was paid: written once.
REVOKE UPDATE, DELETE ON
    subsidy_snapshot, subsidy_line, subsidy_run_event, subsidy_posting, subsidy_claim, subsidy_fact_version
    FROM datamarket_app;
REVOKE DELETE ON subsidy_run, scheme, scheme_version, subsidy_case, subsidy_budget FROM datamarket_app;
