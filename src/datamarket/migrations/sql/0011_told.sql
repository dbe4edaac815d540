CREATE TABLE subscription (
    id UUID NOT NULL,
    ledger_id INTEGER NOT NULL,
    participant_id UUID,
    account_id UUID NOT NULL,
    url character varying NOT NULL,
    types TEXT[] NOT NULL,
    salt BYTEA,
    state character varying NOT NULL,
    pause_reason character varying,
    position BIGINT NOT NULL,
    failures INTEGER NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT subscription_pkey PRIMARY KEY (id),
    CONSTRAINT subscription_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES participant (id),
    CONSTRAINT subscription_account_id_fkey FOREIGN KEY (account_id) REFERENCES account (id),
    CONSTRAINT subscription_state_check CHECK (state IN ('active', 'paused', 'ended')),
    CONSTRAINT subscription_pause_reason_check CHECK (pause_reason IN ('failed', 'gone', 'account_closed')),
    CONSTRAINT subscription_paused_check CHECK ((state = 'paused') = (pause_reason IS NOT NULL)),
    CONSTRAINT subscription_feed_check CHECK (position >= -1 AND failures >= 0 AND cardinality(types) > 0)
);
CREATE INDEX subscription_due_idx ON subscription (ledger_id, failures, due_at) WHERE state = 'active' AND salt IS NOT NULL;
CREATE INDEX subscription_participant_idx ON subscription (participant_id, id);
CREATE INDEX subscription_account_idx ON subscription (account_id, id);
GRANT SELECT, INSERT, UPDATE (salt, state, pause_reason, position, failures, due_at, version) ON subscription TO datamarket_app;

CREATE TABLE subscription_sending (
    id UUID NOT NULL,
    subscription_id UUID NOT NULL,
    position BIGINT NOT NULL,
    event_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    outcome character varying NOT NULL,
    status INTEGER,
    milliseconds INTEGER NOT NULL,
    CONSTRAINT subscription_sending_pkey PRIMARY KEY (id),
    CONSTRAINT subscription_sending_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES subscription (id),
    CONSTRAINT subscription_sending_outcome_check
        CHECK (outcome IN ('taken', 'refused', 'unreached', 'unanswered', 'address_closed'))
);
CREATE INDEX subscription_sending_subscription_idx ON subscription_sending (subscription_id, id);
GRANT SELECT, INSERT, DELETE ON subscription_sending TO datamarket_app;

CREATE INDEX trade_order_deciding_idx ON trade_order (buyer_id, decide_by, id) WHERE state = 'delivered';
CREATE INDEX product_version_submitted_idx ON product_version (submitted_at, id) WHERE state = 'submitted';
