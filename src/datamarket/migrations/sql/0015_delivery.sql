ALTER TABLE trade_order
    ADD COLUMN cure_days INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN cure_by TIMESTAMP WITH TIME ZONE,
    ADD COLUMN hidden_defect BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN used_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN cut_fen BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN instalments BIGINT[],
    DROP CONSTRAINT trade_order_state_check,
    ADD CONSTRAINT trade_order_state_check CHECK (
        state IN ('placed', 'delivered', 'curing', 'accepted', 'rejected', 'cancelled', 'expired')),
    DROP CONSTRAINT trade_order_reserved_check,
    ADD CONSTRAINT trade_order_reserved_check CHECK (
        reserved_quantity BETWEEN 0 AND quantity AND (reserved_quantity = 0 OR state IN ('placed', 'delivered', 'curing'))),
    DROP CONSTRAINT trade_order_days_check,
    ADD CONSTRAINT trade_order_days_check CHECK (
        acceptance_days BETWEEN 0 AND 365 AND cure_days BETWEEN 0 AND 90 AND deliver_by > placed_at),
    DROP CONSTRAINT trade_order_delivered_check,
    ADD CONSTRAINT trade_order_delivered_check CHECK (
        (state IN ('delivered', 'curing', 'accepted', 'rejected')) = (delivered_at IS NOT NULL AND decide_by IS NOT NULL)),
    DROP CONSTRAINT trade_order_decided_check,
    ADD CONSTRAINT trade_order_decided_check CHECK ((state IN ('placed', 'delivered', 'curing')) = (decided_at IS NULL)),
    ADD CONSTRAINT trade_order_cure_check CHECK (
        CASE WHEN cure_by IS NULL THEN state <> 'curing' ELSE cure_days > 0 END),
    ADD CONSTRAINT trade_order_used_check CHECK (used_at IS NULL OR state = 'accepted'),
    ADD CONSTRAINT trade_order_cut_check CHECK (cut_fen = 0 OR cut_fen BETWEEN 1 AND amount_fen),
    ADD CONSTRAINT trade_order_instalments_check CHECK (
        cardinality(instalments) = 3 AND 0 <= ALL (instalments)
        AND instalments[1] + instalments[2] + instalments[3] = amount_fen);
-- What is open already was ordered before a use accepted it: its buyer decides, as was the rule then.
UPDATE trade_order SET hidden_defect = true WHERE state IN ('placed', 'delivered');
ALTER TABLE trade_order ALTER COLUMN cure_days DROP DEFAULT, ALTER COLUMN hidden_defect DROP DEFAULT, ALTER COLUMN cut_fen DROP DEFAULT;
CREATE INDEX trade_order_curing_idx ON trade_order (provider_id, cure_by, id) WHERE state = 'curing';
CREATE INDEX trade_order_uncured_idx ON trade_order (ledger_id, cure_by) WHERE state = 'curing';
