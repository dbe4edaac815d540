-- Who did something is the actor of the row; later hands keep the names of their parts. Renamed, not rewritten.
ALTER TABLE trade_order RENAME COLUMN placed_by TO actor_id;
ALTER TABLE level_assessment RENAME COLUMN assessed_by TO actor_id;
ALTER TABLE bank_statement RENAME COLUMN imported_by TO actor_id;
ALTER TABLE payout_batch RENAME COLUMN made_by TO actor_id;
ALTER TABLE subsidy_run RENAME COLUMN created_by TO actor_id;
ALTER TABLE scheme_version RENAME COLUMN authored_by TO actor_id;
