-- Cuts the books of a migrated, empty or filled market by city: every table of the books is distributed by
-- ledger_id, and all of one city's rows meet on one worker. Run once, on the coordinator, by the owner, after
-- CREATE EXTENSION citus and after the workers were added. What it gives up is told in docs/scale.md.
BEGIN;

-- Citus knows row triggers on shards behind this switch only, and no statement triggers.
SET LOCAL citus.enable_unsafe_triggers = on;
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT t.tgname, t.tgrelid::regclass AS relation FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
         WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgtype & 1 = 0
           AND c.relnamespace = 'public'::regnamespace
           AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'ledger_id')
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', found.tgname, found.relation);
    END LOOP;
END
$$;

-- A table that stays on the coordinator cannot refer to rows on a worker.
ALTER TABLE trade_order DROP CONSTRAINT trade_order_hold_fkey;
ALTER TABLE trade_dispute DROP CONSTRAINT trade_dispute_hold_fkey;

-- Referred to before they refer.
SELECT create_distributed_table('ledger_account', 'ledger_id', shard_count => 32);
SELECT create_distributed_table('ledger_period', 'ledger_id', colocate_with => 'ledger_account');
SELECT create_distributed_table('ledger_entry', 'ledger_id', colocate_with => 'ledger_account');
SELECT create_distributed_table('ledger_leg', 'ledger_id', colocate_with => 'ledger_account');
SELECT create_distributed_table('ledger_balance', 'ledger_id', colocate_with => 'ledger_account');
SELECT create_distributed_table('ledger_day', 'ledger_id', colocate_with => 'ledger_account');
SELECT create_distributed_table('ledger_period_balance', 'ledger_id', colocate_with => 'ledger_account');
SELECT create_distributed_table('business_key', 'ledger_id', colocate_with => 'ledger_account');
SELECT create_distributed_table('idempotency_key', 'ledger_id', colocate_with => 'ledger_account');
SELECT create_distributed_table('check_run', 'ledger_id', colocate_with => 'ledger_account');
SELECT create_distributed_table('ledger_hold', 'ledger_id', colocate_with => 'ledger_account');
SELECT create_distributed_table('ledger_hold_posting', 'ledger_id', colocate_with => 'ledger_account');
SELECT create_distributed_table('city_transfer', 'ledger_id', colocate_with => 'ledger_account');
SELECT create_distributed_table('payout_batch', 'ledger_id', colocate_with => 'ledger_account');
SELECT create_distributed_table('payout', 'ledger_id', colocate_with => 'ledger_account');
SELECT create_distributed_table('bank_statement', 'ledger_id', colocate_with => 'ledger_account');
SELECT create_distributed_table('bank_line', 'ledger_id', colocate_with => 'ledger_account');
SELECT create_distributed_table('seal_leaves', 'ledger_id', colocate_with => 'ledger_account');
SELECT create_distributed_table('seal_node', 'ledger_id', colocate_with => 'ledger_account');
SELECT create_distributed_table('seal_block', 'ledger_id', colocate_with => 'ledger_account');

COMMIT;
