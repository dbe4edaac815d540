-- Gives a migrated market, empty or filled, to a worker: all of one city as one schema (docs/scale.md, step 5). Once a city,
-- on the coordinator, by the owner, after the workers were added: psql --set=city=city_370200 --file=deploy/citus.sql
-- Then `datamarket migrate` on the coordinator, and all else on the worker that is named here, both with ?search_path=city_370200
BEGIN;
ALTER SCHEMA public RENAME TO :"city";
CREATE SCHEMA public;
-- Has the next `migrate` write all functions anew: their search_path is this schema, and some go to no worker before their tables do.
DROP FUNCTION :"city".functions_applied();
-- Between nodes a statement travels as the role that gave it.
ALTER ROLE datamarket_app LOGIN;
SELECT citus_schema_distribute(:'city');
-- What a role may do with a view does not travel with it, only when it is said again.
GRANT SELECT ON :"city".related_party, :"city".seal_leaf TO datamarket_app;
COMMIT;
SELECT DISTINCT nodename, nodeport FROM citus_shards WHERE table_name::text = :'city' || '.ledger_entry';
