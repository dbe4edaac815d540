-- What else decides a use: limits of the annex, rates, and uses that are recorded late.
ALTER TABLE contract_meter ADD COLUMN limits JSONB;
ALTER TABLE contract_use ADD COLUMN recorded_at TIMESTAMP WITH TIME ZONE;

CREATE TABLE contract_rate (
    contract_id UUID NOT NULL,
    per character varying NOT NULL,
    from_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used BIGINT NOT NULL,
    most BIGINT NOT NULL,
    CONSTRAINT contract_rate_pkey PRIMARY KEY (contract_id, per, from_at),
    CONSTRAINT contract_rate_per_check CHECK (per IN ('hour', 'day')),
    CONSTRAINT contract_rate_most_check CHECK (used BETWEEN 0 AND most),
    CONSTRAINT contract_rate_contract_id_fkey FOREIGN KEY (contract_id) REFERENCES contract (id)
) WITH (fillfactor = 50);
GRANT SELECT, INSERT, UPDATE (used, most) ON contract_rate TO datamarket_app;
