-- Every contract until now provides data; what was signed until now has no text.
ALTER TABLE contract
    ADD COLUMN kind character varying NOT NULL DEFAULT 'provision',
    ADD CONSTRAINT contract_kind_check CHECK (kind IN ('provision', 'processing', 'joint_development', 'intermediary'));
ALTER TABLE contract ALTER COLUMN kind DROP DEFAULT;
ALTER TABLE contract_offer
    ADD COLUMN kind character varying NOT NULL DEFAULT 'provision',
    ADD COLUMN provider_digest character varying,
    ADD COLUMN buyer_digest character varying,
    ADD CONSTRAINT contract_offer_kind_check CHECK (kind IN ('provision', 'processing', 'joint_development', 'intermediary')),
    ADD CONSTRAINT contract_offer_digests_check CHECK (provider_digest = buyer_digest);
ALTER TABLE contract_offer ALTER COLUMN kind DROP DEFAULT;
GRANT UPDATE (provider_digest, buyer_digest) ON contract_offer TO datamarket_app;
