ALTER TABLE contract
    DROP CONSTRAINT contract_state_check,
    ADD CONSTRAINT contract_state_check CHECK (state IN ('requested', 'offered', 'accepted', 'agreed', 'part_signed', 'active',
                                                         'suspended', 'expired', 'ended', 'rejected', 'withdrawn')),
    ADD COLUMN terms_number INTEGER NOT NULL DEFAULT 1,
    ADD COLUMN awaits character varying,
    ADD COLUMN answer_by TIMESTAMP WITH TIME ZONE,
    ADD COLUMN ends_at TIMESTAMP WITH TIME ZONE,
    ADD CONSTRAINT contract_awaits_check CHECK (awaits IN ('provider', 'buyer'));
-- What waits already waits from now on, for as long as `contracts/deadlines.yaml` says today.
UPDATE contract SET answer_by = now() + interval '30 days',
       awaits = CASE WHEN state = 'requested' OR buyer_signed_at IS NOT NULL THEN 'provider'
                     WHEN provider_signed_at IS NOT NULL THEN 'buyer' END
 WHERE state IN ('requested', 'agreed', 'part_signed');
ALTER TABLE contract
    ALTER COLUMN terms_number DROP DEFAULT,
    ADD CONSTRAINT contract_answer_check CHECK (
        answer_by IS NOT NULL OR state NOT IN ('requested', 'offered', 'accepted', 'agreed', 'part_signed'));
DROP INDEX contract_running_idx;
CREATE INDEX contract_running_idx ON contract (term_to)
    WHERE state IN ('requested', 'offered', 'accepted', 'agreed', 'part_signed', 'active', 'suspended');
CREATE INDEX contract_ending_idx ON contract (ends_at) WHERE state IN ('active', 'suspended');
CREATE INDEX contract_answer_idx ON contract (answer_by);
ALTER TABLE contract_meter ADD COLUMN terms_number INTEGER NOT NULL DEFAULT 1;
ALTER TABLE contract_meter ALTER COLUMN terms_number DROP DEFAULT;

CREATE TABLE contract_offer (
    contract_id UUID NOT NULL,
    number INTEGER NOT NULL,
    base_number INTEGER NOT NULL,
    party character varying NOT NULL,
    state character varying NOT NULL,
    price_model character varying NOT NULL,
    price_fen BIGINT NOT NULL,
    period_days INTEGER,
    purposes TEXT[] NOT NULL,
    use_class character varying NOT NULL,
    term_from TIMESTAMP WITH TIME ZONE NOT NULL,
    term_to TIMESTAMP WITH TIME ZONE NOT NULL,
    quota BIGINT,
    annex JSONB NOT NULL,
    reason character varying,
    offered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    in_force_from TIMESTAMP WITH TIME ZONE,
    in_force_to TIMESTAMP WITH TIME ZONE,
    price_terms JSONB,
    CONSTRAINT contract_offer_pkey PRIMARY KEY (contract_id, number),
    CONSTRAINT contract_offer_state_check CHECK (state IN ('open', 'in_force', 'replaced', 'rejected', 'withdrawn', 'expired')),
    CONSTRAINT contract_offer_party_check CHECK (party IN ('provider', 'buyer')),
    CONSTRAINT contract_offer_term_check CHECK (term_from < term_to),
    CONSTRAINT contract_offer_number_check CHECK (number > base_number),
    CONSTRAINT contract_offer_contract_id_fkey FOREIGN KEY (contract_id) REFERENCES contract (id)
);
CREATE UNIQUE INDEX contract_offer_open_key ON contract_offer (contract_id) WHERE state = 'open';
CREATE UNIQUE INDEX contract_offer_in_force_key ON contract_offer (contract_id) WHERE state = 'in_force';
GRANT SELECT, INSERT, UPDATE (state, in_force_from, in_force_to) ON contract_offer TO datamarket_app;
INSERT INTO contract_offer
SELECT id, 1, 0, 'buyer',
       CASE WHEN signed_at IS NOT NULL THEN 'in_force' WHEN state IN ('rejected', 'withdrawn') THEN state ELSE 'open' END,
       price_model, price_fen, period_days, purposes, use_class, term_from, term_to, quota, annex, NULL, created_at, signed_at, NULL, price_terms
  FROM contract, LATERAL (SELECT CASE WHEN provider_signed_at IS NOT NULL AND buyer_signed_at IS NOT NULL
                                      THEN greatest(provider_signed_at, buyer_signed_at) END AS signed_at) AS s;

CREATE TABLE contract_disposal (
    contract_id UUID NOT NULL,
    state character varying NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    kind character varying,
    digest character varying,
    proved_at TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    CONSTRAINT contract_disposal_pkey PRIMARY KEY (contract_id),
    CONSTRAINT contract_disposal_state_check CHECK (state IN ('due', 'overdue', 'proved')),
    CONSTRAINT contract_disposal_kind_check CHECK (kind IN ('deleted', 'returned')),
    CONSTRAINT contract_disposal_proved_check CHECK ((state = 'proved') = (num_nonnulls(kind, digest, proved_at) = 3)),
    CONSTRAINT contract_disposal_contract_id_fkey FOREIGN KEY (contract_id) REFERENCES contract (id)
);
CREATE INDEX contract_disposal_due_idx ON contract_disposal (due_at) WHERE state = 'due';
GRANT SELECT, INSERT, UPDATE (state, kind, digest, proved_at, version) ON contract_disposal TO datamarket_app;
-- A contract that is in use is linked anew when both have signed an amendment of it.
GRANT DELETE ON contract_link TO datamarket_app;
