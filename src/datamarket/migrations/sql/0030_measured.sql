ALTER TABLE resource ADD COLUMN records BIGINT, ADD CONSTRAINT resource_records_check CHECK (records > 0);

CREATE TABLE quality_measurement (
    id UUID NOT NULL,
    product_id UUID NOT NULL,
    number INTEGER NOT NULL,
    figures JSONB NOT NULL,
    measured_on DATE NOT NULL,
    measured_by UUID NOT NULL,
    account_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT quality_measurement_pkey PRIMARY KEY (id),
    CONSTRAINT quality_measurement_day_key UNIQUE (product_id, number, measured_by, measured_on),
    CONSTRAINT quality_measurement_product_id_fkey FOREIGN KEY (product_id) REFERENCES product (id),
    CONSTRAINT quality_measurement_measured_by_fkey FOREIGN KEY (measured_by) REFERENCES participant (id)
);
GRANT SELECT, INSERT ON quality_measurement TO datamarket_app;

-- Of a field there was one value; what answers with it as it stands has the same shape from now on.
UPDATE product_version AS v SET sample_fields = (
    SELECT jsonb_agg(f.said || '{"further": []}' ORDER BY f.n) FROM jsonb_array_elements(v.sample_fields) WITH ORDINALITY AS f (said, n))
 WHERE v.sample_fields <> '[]';
