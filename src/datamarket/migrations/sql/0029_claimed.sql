-- What an application claims, by invoice and project contract. Each submission adds rows of its own; the newest one stands.
CREATE TABLE subsidy_declared_item (
    id UUID NOT NULL,
    application_id UUID NOT NULL,
    submission INTEGER NOT NULL,
    kind character varying NOT NULL,
    number character varying NOT NULL,
    invoice_code character varying,
    seller_uscc character varying NOT NULL,
    key character varying NOT NULL,
    amount_fen BIGINT NOT NULL,
    issued_on DATE NOT NULL,
    purpose character varying NOT NULL,
    paper_id UUID NOT NULL,
    contract_id UUID,
    deliveries BIGINT,
    declared_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT subsidy_declared_item_pkey PRIMARY KEY (id),
    CONSTRAINT subsidy_declared_item_key UNIQUE (application_id, submission, kind, key),
    CONSTRAINT subsidy_declared_item_kind_check CHECK (kind IN ('invoice', 'contract')),
    CONSTRAINT subsidy_declared_item_amount_check CHECK (amount_fen > 0),
    CONSTRAINT subsidy_declared_item_application_id_fkey FOREIGN KEY (application_id) REFERENCES subsidy_application (id),
    CONSTRAINT subsidy_declared_item_paper_id_fkey FOREIGN KEY (paper_id) REFERENCES subsidy_paper (id),
    CONSTRAINT subsidy_declared_item_contract_id_fkey FOREIGN KEY (contract_id) REFERENCES contract (id)
);
GRANT SELECT, INSERT ON subsidy_declared_item TO datamarket_app;
ALTER TABLE subsidy_application ADD COLUMN declared_fen BIGINT, ADD COLUMN submission INTEGER NOT NULL DEFAULT 0;
ALTER TABLE subsidy_application ALTER COLUMN submission DROP DEFAULT;
GRANT UPDATE (declared_fen, submission) ON subsidy_application TO datamarket_app;
-- What such a flag takes off a project, item by item; none of those about sales.
ALTER TABLE integrity_flag ADD COLUMN claimed_items JSONB NOT NULL DEFAULT '[]';
ALTER TABLE integrity_flag ALTER COLUMN claimed_items DROP DEFAULT;
ALTER TABLE integrity_flag DROP CONSTRAINT integrity_flag_detector_check, ADD CONSTRAINT integrity_flag_detector_check CHECK (
    detector IN ('related', 'ring', 'pingpong', 'split', 'burst', 'unused', 'claimed_twice', 'mismatch'));
