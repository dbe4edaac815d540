-- A run looks at what was recorded before its cut-off. What is there now is taken as known since the row was made:
-- when it was changed was not kept beside it.
ALTER TABLE affiliation ADD COLUMN ended_at TIMESTAMP WITH TIME ZONE;
UPDATE affiliation SET ended_at = created_at WHERE to_on IS NOT NULL;

ALTER TABLE venue
    ADD COLUMN qualified_to DATE,
    ADD CONSTRAINT venue_qualification_term_check
        CHECK (qualified_to IS NULL OR qualified_from IS NOT NULL AND qualified_to > qualified_from);
CREATE TABLE venue_qualification (
    venue_id UUID NOT NULL,
    version INTEGER NOT NULL,
    qualified_from DATE,
    qualified_to DATE,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT venue_qualification_pkey PRIMARY KEY (venue_id, version),
    CONSTRAINT venue_qualification_venue_id_fkey FOREIGN KEY (venue_id) REFERENCES venue (id)
);
INSERT INTO venue_qualification (venue_id, version, qualified_from, recorded_at)
SELECT id, version, qualified_from, created_at FROM venue;
GRANT SELECT, INSERT ON venue_qualification TO datamarket_app;

-- A claim of an award that is not paid is given back: its project, or its year, may be awarded again.
ALTER TABLE subsidy_claim
    ADD COLUMN returned_at TIMESTAMP WITH TIME ZONE,
    DROP CONSTRAINT subsidy_claim_pkey,
    ADD CONSTRAINT subsidy_claim_pkey PRIMARY KEY (enterprise_id, subject, claimed_at),
    ADD CONSTRAINT subsidy_claim_returned_check CHECK (returned_at >= claimed_at);
CREATE UNIQUE INDEX subsidy_claim_open_key ON subsidy_claim (enterprise_id, subject) WHERE returned_at IS NULL;
