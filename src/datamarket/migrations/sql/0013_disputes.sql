CREATE TABLE trade_dispute (
    id UUID NOT NULL,
    ledger_id INTEGER NOT NULL,
    trade_id UUID NOT NULL,
    buyer_id UUID NOT NULL,
    provider_id UUID NOT NULL,
    opened_by character varying NOT NULL,
    state character varying NOT NULL,
    amount_fen BIGINT NOT NULL,
    reason character varying NOT NULL,
    documents JSONB NOT NULL,
    answer_by TIMESTAMP WITH TIME ZONE NOT NULL,
    answer character varying,
    answer_documents JSONB NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE,
    offered_by character varying,
    offered_fen BIGINT,
    hold_id UUID,
    outcome_fen BIGINT,
    outcome_reason character varying,
    refund_id UUID,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    account_id UUID NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT trade_dispute_pkey PRIMARY KEY (id),
    CONSTRAINT trade_dispute_hold_fkey FOREIGN KEY (ledger_id, hold_id) REFERENCES ledger_hold (ledger_id, id)
        DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT trade_dispute_state_check CHECK (state IN ('opened', 'answered', 'settled', 'decided', 'withdrawn')),
    CONSTRAINT trade_dispute_opened_by_check CHECK (opened_by IN ('provider', 'buyer')),
    CONSTRAINT trade_dispute_offered_by_check CHECK (offered_by IN ('provider', 'buyer')),
    CONSTRAINT trade_dispute_amount_check CHECK (
        amount_fen > 0 AND offered_fen BETWEEN 0 AND amount_fen AND outcome_fen BETWEEN 0 AND amount_fen),
    CONSTRAINT trade_dispute_offered_check CHECK ((offered_by IS NULL) = (offered_fen IS NULL)),
    CONSTRAINT trade_dispute_closed_check CHECK ((state IN ('opened', 'answered')) = (closed_at IS NULL)),
    CONSTRAINT trade_dispute_outcome_check CHECK (
        (state IN ('settled', 'decided')) = (outcome_fen IS NOT NULL)
        AND (coalesce(outcome_fen, 0) > 0) = (refund_id IS NOT NULL)),
    CONSTRAINT trade_dispute_trade_id_fkey FOREIGN KEY (trade_id) REFERENCES trade (id),
    CONSTRAINT trade_dispute_refund_id_fkey FOREIGN KEY (refund_id) REFERENCES refund (id)
);
-- One open dispute a trade: what asks whether a trade is disputed, and statistics, read this index.
CREATE UNIQUE INDEX trade_dispute_open_key ON trade_dispute (trade_id) WHERE state IN ('opened', 'answered');
CREATE INDEX trade_dispute_trade_idx ON trade_dispute (trade_id, id);
CREATE INDEX trade_dispute_provider_idx ON trade_dispute (provider_id, answer_by) WHERE state IN ('opened', 'answered');
CREATE INDEX trade_dispute_buyer_idx ON trade_dispute (buyer_id, answer_by) WHERE state IN ('opened', 'answered');
GRANT SELECT, INSERT, UPDATE (state, answer, answer_documents, answered_at, offered_by, offered_fen, outcome_fen, outcome_reason,
                              refund_id, closed_at, version) ON trade_dispute TO datamarket_app;
