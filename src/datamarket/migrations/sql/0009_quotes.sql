-- Price plans with terms of their own, what is charged by the month and the year, and quotes.
ALTER TABLE listing
    ADD COLUMN price_terms JSONB,
    DROP CONSTRAINT listing_price_model_check,
    ADD CONSTRAINT listing_price_model_check CHECK (price_model IN ('per_call', 'per_period', 'per_volume', 'two_part',
                                                                    'graduated', 'package', 'one_off', 'free')),
    ADD CONSTRAINT listing_terms_check
        CHECK (price_terms IS NOT NULL OR price_model NOT IN ('two_part', 'graduated', 'package'));
ALTER TABLE contract ADD COLUMN price_terms JSONB;
CREATE INDEX contract_fees_idx ON contract (id) WHERE price_terms IS NOT NULL;

ALTER TABLE contract_use
    ADD COLUMN fee character varying,
    ADD CONSTRAINT contract_use_fee_check CHECK (fee IN ('basic', 'minimum')),
    DROP CONSTRAINT contract_use_quantity_check,
    ADD CONSTRAINT contract_use_quantity_check CHECK (CASE WHEN fee IS NULL THEN quantity > 0 ELSE quantity = 0 END);
CREATE UNIQUE INDEX contract_use_fee_key ON contract_use (contract_id, fee, at) WHERE fee IS NOT NULL;

CREATE TABLE charged_month (
    contract_id UUID NOT NULL,
    month INTEGER NOT NULL,
    units BIGINT NOT NULL,
    charged_fen BIGINT NOT NULL,
    CONSTRAINT charged_month_pkey PRIMARY KEY (contract_id, month),
    CONSTRAINT charged_month_contract_id_fkey FOREIGN KEY (contract_id) REFERENCES contract (id),
    CONSTRAINT charged_month_amount_check CHECK (units >= 0 AND charged_fen >= 0)
)
 WITH (fillfactor = 50);
GRANT SELECT, INSERT, UPDATE (units, charged_fen) ON charged_month TO datamarket_app;

-- Units times price, unless the contract's plan has terms: the triggers `trade_amount` and `trade_order_amount` see to it.
ALTER TABLE trade
    DROP CONSTRAINT trade_amount_check,
    ADD CONSTRAINT trade_amount_check CHECK (amount_fen >= 0 AND quantity >= 0);
ALTER TABLE trade_order
    DROP CONSTRAINT trade_order_amount_check,
    ADD CONSTRAINT trade_order_amount_check CHECK (quantity > 0 AND amount_fen >= 0);

CREATE TABLE quote (
    id UUID NOT NULL,
    number character varying NOT NULL,
    buyer_id UUID NOT NULL,
    provider_id UUID NOT NULL,
    listing_id UUID NOT NULL,
    purpose character varying NOT NULL,
    use_class character varying NOT NULL,
    quantity BIGINT NOT NULL,
    term_from TIMESTAMP WITH TIME ZONE NOT NULL,
    term_to TIMESTAMP WITH TIME ZONE NOT NULL,
    price_model character varying NOT NULL,
    price_fen BIGINT NOT NULL,
    period_days INTEGER,
    price_terms JSONB,
    amount_fen BIGINT NOT NULL,
    fees_fen BIGINT NOT NULL,
    lines JSONB NOT NULL,
    note character varying NOT NULL,
    quoted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    CONSTRAINT quote_pkey PRIMARY KEY (id),
    CONSTRAINT quote_number_key UNIQUE (number),
    CONSTRAINT quote_buyer_id_fkey FOREIGN KEY (buyer_id) REFERENCES participant (id),
    CONSTRAINT quote_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES participant (id),
    CONSTRAINT quote_listing_id_fkey FOREIGN KEY (listing_id) REFERENCES listing (id),
    CONSTRAINT quote_use_class_check CHECK (use_class IN ('public_good', 'industry')),
    CONSTRAINT quote_amount_check CHECK (quantity > 0 AND amount_fen >= 0 AND fees_fen >= 0),
    CONSTRAINT quote_term_check CHECK (term_from < term_to AND quoted_at < expires_at AND used_at < expires_at)
);
CREATE INDEX quote_buyer_idx ON quote (buyer_id, id);
CREATE INDEX quote_provider_idx ON quote (provider_id, id);
CREATE INDEX quote_listing_id_idx ON quote (listing_id);
GRANT SELECT, INSERT, UPDATE (used_at, version) ON quote TO datamarket_app;
ALTER TABLE trade_order
    ADD COLUMN quote_id UUID,
    ADD CONSTRAINT trade_order_quote_key UNIQUE (quote_id),
    ADD CONSTRAINT trade_order_quote_id_fkey FOREIGN KEY (quote_id) REFERENCES quote (id);
