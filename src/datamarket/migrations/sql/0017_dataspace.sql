CREATE TABLE dataspace_negotiation (
    contract_id UUID NOT NULL,
    ledger_id INTEGER NOT NULL,
    buyer_id UUID NOT NULL,
    consumer_pid character varying NOT NULL,
    callback_address character varying NOT NULL,
    told character varying NOT NULL,
    told_number INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT dataspace_negotiation_pkey PRIMARY KEY (contract_id),
    CONSTRAINT dataspace_negotiation_consumer_key UNIQUE (buyer_id, consumer_pid),
    CONSTRAINT dataspace_negotiation_told_check CHECK (told IN ('REQUESTED', 'OFFERED', 'ACCEPTED', 'AGREED', 'VERIFIED', 'FINALIZED', 'TERMINATED')),
    CONSTRAINT dataspace_negotiation_failures_check CHECK (failures >= 0),
    CONSTRAINT dataspace_negotiation_contract_id_fkey FOREIGN KEY (contract_id) REFERENCES contract (id),
    CONSTRAINT dataspace_negotiation_buyer_id_fkey FOREIGN KEY (buyer_id) REFERENCES participant (id)
);
CREATE INDEX dataspace_negotiation_due_idx ON dataspace_negotiation (ledger_id, due_at) WHERE due_at IS NOT NULL;
GRANT SELECT, INSERT, UPDATE (callback_address, told, told_number, failures, due_at, version) ON dataspace_negotiation TO datamarket_app;

CREATE TABLE transfer_process (
    id UUID NOT NULL,
    ledger_id INTEGER NOT NULL,
    contract_id UUID NOT NULL,
    provider_id UUID NOT NULL,
    buyer_id UUID NOT NULL,
    consumer_pid character varying NOT NULL,
    callback_address character varying NOT NULL,
    format character varying NOT NULL,
    state character varying NOT NULL,
    reason character varying,
    told character varying NOT NULL,
    failures INTEGER NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT transfer_process_pkey PRIMARY KEY (id),
    CONSTRAINT transfer_process_consumer_key UNIQUE (buyer_id, consumer_pid),
    CONSTRAINT transfer_process_state_check CHECK (state IN ('requested', 'started', 'suspended', 'completed', 'terminated')),
    CONSTRAINT transfer_process_told_check CHECK (told IN ('requested', 'started', 'suspended', 'completed', 'terminated')),
    CONSTRAINT transfer_process_failures_check CHECK (failures >= 0),
    CONSTRAINT transfer_process_contract_id_fkey FOREIGN KEY (contract_id) REFERENCES contract (id),
    CONSTRAINT transfer_process_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES participant (id),
    CONSTRAINT transfer_process_buyer_id_fkey FOREIGN KEY (buyer_id) REFERENCES participant (id)
);
CREATE INDEX transfer_process_contract_idx ON transfer_process (contract_id, id);
CREATE INDEX transfer_process_provider_idx ON transfer_process (provider_id, id);
CREATE INDEX transfer_process_buyer_idx ON transfer_process (buyer_id, id);
CREATE INDEX transfer_process_due_idx ON transfer_process (ledger_id, due_at) WHERE due_at IS NOT NULL;
GRANT SELECT, INSERT, UPDATE (callback_address, state, reason, told, failures, due_at, version) ON transfer_process TO datamarket_app;
