CREATE TABLE permitted_income (
    id UUID NOT NULL,
    zone_id UUID NOT NULL,
    operator_id UUID NOT NULL,
    year INTEGER NOT NULL,
    figures JSONB NOT NULL,
    yield_rate character varying NOT NULL,
    margin_rate character varying NOT NULL,
    steps JSONB NOT NULL,
    amount_fen BIGINT NOT NULL,
    filed_by UUID NOT NULL,
    reviewed_by UUID,
    approved_by UUID,
    state character varying NOT NULL,
    reason character varying,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    compared_at TIMESTAMP WITH TIME ZONE,
    late_at TIMESTAMP WITH TIME ZONE,
    actual_fen BIGINT,
    outcome character varying,
    excess_fen BIGINT NOT NULL,
    deducted_fen BIGINT NOT NULL,
    CONSTRAINT permitted_income_pkey PRIMARY KEY (id),
    CONSTRAINT permitted_income_zone_id_fkey FOREIGN KEY (zone_id) REFERENCES zone (id),
    CONSTRAINT permitted_income_operator_id_fkey FOREIGN KEY (operator_id) REFERENCES participant (id),
    CONSTRAINT permitted_income_amount_check CHECK (amount_fen >= 0),
    CONSTRAINT permitted_income_deducted_check CHECK (deducted_fen BETWEEN 0 AND excess_fen),
    CONSTRAINT permitted_income_actual_check CHECK ((state = 'compared') = (actual_fen IS NOT NULL)),
    CONSTRAINT permitted_income_state_check CHECK (state IN ('filed', 'reviewed', 'approved', 'compared', 'returned')),
    CONSTRAINT permitted_income_outcome_check CHECK (outcome IN ('equal', 'adjust', 'reset'))
);
CREATE UNIQUE INDEX permitted_income_year_key ON permitted_income (zone_id, year) WHERE state <> 'returned';
CREATE INDEX permitted_income_zone_idx ON permitted_income (zone_id, id);
CREATE INDEX permitted_income_operator_idx ON permitted_income (operator_id, id);
CREATE INDEX permitted_income_report_idx ON permitted_income (year, id);
-- What was filed stays as it was filed; what is counted from it, and its life, move.
GRANT SELECT, INSERT, UPDATE (steps, amount_fen, reviewed_by, approved_by, state, reason, version, compared_at, late_at, actual_fen,
                              outcome, excess_fen, deducted_fen) ON permitted_income TO datamarket_app;

CREATE TABLE price_ceiling (
    id UUID NOT NULL,
    income_id UUID NOT NULL,
    zone_id UUID NOT NULL,
    product_id UUID NOT NULL,
    unit character varying NOT NULL,
    ceiling_fen BIGINT NOT NULL,
    units BIGINT NOT NULL,
    expected_volume BIGINT NOT NULL,
    trial BOOLEAN NOT NULL,
    valid_from DATE NOT NULL,
    valid_to DATE,
    state character varying NOT NULL,
    set_by UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT price_ceiling_pkey PRIMARY KEY (id),
    CONSTRAINT price_ceiling_income_id_fkey FOREIGN KEY (income_id) REFERENCES permitted_income (id),
    CONSTRAINT price_ceiling_zone_id_fkey FOREIGN KEY (zone_id) REFERENCES zone (id),
    CONSTRAINT price_ceiling_product_id_fkey FOREIGN KEY (product_id) REFERENCES product (id),
    CONSTRAINT price_ceiling_amount_check CHECK (ceiling_fen >= 0 AND units > 0 AND expected_volume >= 0),
    CONSTRAINT price_ceiling_term_check CHECK (valid_to > valid_from),
    CONSTRAINT price_ceiling_replaced_check CHECK ((state = 'replaced') = (valid_to IS NOT NULL)),
    CONSTRAINT price_ceiling_unit_check CHECK (unit IN ('call', 'period', 'volume', 'product')),
    CONSTRAINT price_ceiling_state_check CHECK (state IN ('set', 'to_be_reset', 'replaced'))
);
CREATE UNIQUE INDEX price_ceiling_open_key ON price_ceiling (product_id, unit) WHERE valid_to IS NULL;
CREATE INDEX price_ceiling_product_idx ON price_ceiling (product_id, valid_from);
CREATE INDEX price_ceiling_zone_idx ON price_ceiling (zone_id, id);
CREATE INDEX price_ceiling_income_idx ON price_ceiling (income_id) WHERE valid_to IS NULL;
GRANT SELECT, INSERT, UPDATE (state, valid_to, version) ON price_ceiling TO datamarket_app;

CREATE TABLE product_income (
    income_id UUID NOT NULL,
    product_id UUID NOT NULL,
    income_fen BIGINT NOT NULL,
    CONSTRAINT product_income_pkey PRIMARY KEY (income_id, product_id),
    CONSTRAINT product_income_income_id_fkey FOREIGN KEY (income_id) REFERENCES permitted_income (id),
    CONSTRAINT product_income_product_id_fkey FOREIGN KEY (product_id) REFERENCES product (id)
);
GRANT SELECT, INSERT ON product_income TO datamarket_app;

CREATE INDEX listing_tariff_idx ON listing (zone_id, id) WHERE state = 'published' AND zone_id IS NOT NULL;
