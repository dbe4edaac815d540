-- Two-phase money: a hold sets a part of an account's funds aside until it is posted, voided or expired.
CREATE TABLE ledger_hold (
    ledger_id INTEGER NOT NULL,
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    amount_fen BIGINT NOT NULL,
    posted_fen BIGINT NOT NULL,
    voided_fen BIGINT NOT NULL,
    expired_fen BIGINT NOT NULL,
    state VARCHAR NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    source_type VARCHAR NOT NULL,
    source_id UUID NOT NULL,
    reason VARCHAR,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    resolved_at TIMESTAMP WITH TIME ZONE,
    actor_id UUID NOT NULL,
    organisation_id UUID,
    version INTEGER NOT NULL,
    CONSTRAINT ledger_hold_pkey PRIMARY KEY (ledger_id, id),
    CONSTRAINT ledger_hold_source_key UNIQUE (ledger_id, source_type, source_id),
    CONSTRAINT ledger_hold_account_fkey FOREIGN KEY (ledger_id, account_id) REFERENCES ledger_account (ledger_id, id),
    CONSTRAINT ledger_hold_within_amount CHECK (
        amount_fen > 0 AND posted_fen >= 0 AND voided_fen >= 0 AND expired_fen >= 0
        AND posted_fen + voided_fen + expired_fen <= amount_fen),
    CONSTRAINT ledger_hold_released_whole CHECK (
        voided_fen + expired_fen = 0
        OR (posted_fen + voided_fen + expired_fen = amount_fen AND (voided_fen = 0 OR expired_fen = 0))),
    CONSTRAINT ledger_hold_state_check CHECK (state = CASE
        WHEN expired_fen > 0 THEN 'expired' WHEN voided_fen > 0 THEN 'voided'
        WHEN posted_fen = amount_fen THEN 'posted' WHEN posted_fen > 0 THEN 'partly_posted' ELSE 'held' END),
    CONSTRAINT ledger_hold_resolved_check CHECK ((resolved_at IS NULL) = (state IN ('held', 'partly_posted'))),
    CONSTRAINT ledger_hold_expiry_check CHECK (expires_at > created_at)
) WITH (fillfactor = 80);
CREATE INDEX ledger_hold_account_idx ON ledger_hold (ledger_id, account_id, id);
CREATE INDEX ledger_hold_due_idx ON ledger_hold (ledger_id, expires_at) WHERE state IN ('held', 'partly_posted');
GRANT SELECT ON ledger_hold TO datamarket_app;

-- Which entry took how much of a hold.
CREATE TABLE ledger_hold_posting (
    ledger_id INTEGER NOT NULL,
    hold_id UUID NOT NULL,
    entry_id UUID NOT NULL,
    amount_fen BIGINT NOT NULL,
    CONSTRAINT ledger_hold_posting_pkey PRIMARY KEY (ledger_id, hold_id, entry_id),
    CONSTRAINT ledger_hold_posting_hold_fkey FOREIGN KEY (ledger_id, hold_id) REFERENCES ledger_hold (ledger_id, id),
    CONSTRAINT ledger_hold_posting_amount_check CHECK (amount_fen > 0)
);
CREATE INDEX ledger_hold_posting_entry_idx ON ledger_hold_posting (ledger_id, entry_id);
GRANT SELECT ON ledger_hold_posting TO datamarket_app;

-- An order that its buyer must accept: money held, delivered into escrow, then a trade or given back.
CREATE TABLE trade_order (
    id UUID NOT NULL,
    ledger_id INTEGER NOT NULL,
    contract_id UUID NOT NULL,
    buyer_id UUID NOT NULL,
    provider_id UUID NOT NULL,
    purpose VARCHAR NOT NULL,
    quantity BIGINT NOT NULL,
    unit_price_fen BIGINT NOT NULL,
    amount_fen BIGINT NOT NULL,
    deliver_by TIMESTAMP WITH TIME ZONE NOT NULL,
    acceptance_days INTEGER NOT NULL,
    state VARCHAR NOT NULL,
    hold_id UUID,
    delivered_at TIMESTAMP WITH TIME ZONE,
    decide_by TIMESTAMP WITH TIME ZONE,
    decided_at TIMESTAMP WITH TIME ZONE,
    by_silence BOOLEAN NOT NULL,
    accepted_quantity BIGINT,
    trade_id UUID,
    reason VARCHAR,
    placed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    placed_by UUID NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT trade_order_pkey PRIMARY KEY (id),
    CONSTRAINT trade_order_hold_key UNIQUE (ledger_id, hold_id),
    CONSTRAINT trade_order_trade_key UNIQUE (trade_id),
    CONSTRAINT trade_order_contract_id_fkey FOREIGN KEY (contract_id) REFERENCES contract (id),
    CONSTRAINT trade_order_trade_id_fkey FOREIGN KEY (trade_id) REFERENCES trade (id),
    CONSTRAINT trade_order_hold_fkey FOREIGN KEY (ledger_id, hold_id) REFERENCES ledger_hold (ledger_id, id)
        DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT trade_order_state_check CHECK (
        state IN ('placed', 'delivered', 'accepted', 'rejected', 'cancelled', 'expired')),
    CONSTRAINT trade_order_amount_check CHECK (quantity > 0 AND amount_fen = unit_price_fen * quantity),
    CONSTRAINT trade_order_hold_check CHECK ((hold_id IS NULL) = (amount_fen = 0)),
    CONSTRAINT trade_order_days_check CHECK (acceptance_days BETWEEN 1 AND 90 AND deliver_by > placed_at),
    CONSTRAINT trade_order_delivered_check CHECK (
        (state IN ('delivered', 'accepted', 'rejected')) = (delivered_at IS NOT NULL AND decide_by IS NOT NULL)),
    CONSTRAINT trade_order_decided_check CHECK ((state IN ('placed', 'delivered')) = (decided_at IS NULL)),
    CONSTRAINT trade_order_accepted_check CHECK (
        (state = 'accepted') = (trade_id IS NOT NULL)
        AND (state = 'accepted') = (accepted_quantity IS NOT NULL)
        AND (accepted_quantity IS NULL OR accepted_quantity BETWEEN 1 AND quantity))
);
CREATE INDEX trade_order_buyer_idx ON trade_order (buyer_id, id);
CREATE INDEX trade_order_provider_idx ON trade_order (provider_id, id);
CREATE INDEX trade_order_contract_idx ON trade_order (contract_id, id);
CREATE INDEX trade_order_awaited_idx ON trade_order (provider_id, deliver_by, id) WHERE state = 'placed';
CREATE INDEX trade_order_overdue_idx ON trade_order (ledger_id, deliver_by) WHERE state = 'placed';
CREATE INDEX trade_order_undecided_idx ON trade_order (ledger_id, decide_by) WHERE state = 'delivered';
GRANT SELECT, INSERT, UPDATE ON trade_order TO datamarket_app;
