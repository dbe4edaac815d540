-- The sealed log only grows.
CREATE OR REPLACE TRIGGER seal_leaves_append_only BEFORE UPDATE OR DELETE ON seal_leaves
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER seal_leaves_no_truncate BEFORE TRUNCATE ON seal_leaves
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER seal_node_append_only BEFORE UPDATE OR DELETE ON seal_node
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER seal_node_no_truncate BEFORE TRUNCATE ON seal_node
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER seal_block_append_only BEFORE UPDATE OR DELETE ON seal_block
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER seal_block_no_truncate BEFORE TRUNCATE ON seal_block
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
