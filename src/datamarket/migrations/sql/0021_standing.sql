-- A run looks at what was recorded before its cut-off. What is there now is taken as known since the row was made:
-- when it was changed was not kept beside it.
ALTER TABLE affiliation ADD COLUMN ended_at TIMESTAMP WITH TIME ZONE;
UPDATE affiliation SET ended_at = created_at WHERE to_on IS NOT NULL;
ALTER TABLE affiliation ADD CONSTRAINT affiliation_ended_check CHECK ((ended_at IS NULL) = (to_on IS NULL));

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
GRANT UPDATE (returned_at) ON subsidy_claim TO datamarket_app;

-- The fourth hand is kept apart from the other three; who paid before this was not kept.
ALTER TABLE subsidy_run
    ADD COLUMN posted_by UUID,
    ADD COLUMN paid_by UUID,
    ADD COLUMN closed_by UUID,
    ADD COLUMN superseded_by_id UUID,
    ADD CONSTRAINT subsidy_run_superseded_by_id_fkey FOREIGN KEY (superseded_by_id) REFERENCES subsidy_run (id),
    ADD CONSTRAINT subsidy_run_payer_separate CHECK (posted_by NOT IN (calculated_by, reviewed_by, approved_by)
                                                     AND paid_by NOT IN (calculated_by, reviewed_by, approved_by)
                                                     AND closed_by NOT IN (calculated_by, reviewed_by, approved_by));
ALTER TABLE subsidy_run DISABLE TRIGGER USER;  -- its guard of an older release knows columns that are no more
UPDATE subsidy_run AS r SET superseded_by_id = (SELECT n.id FROM subsidy_run n WHERE n.supersedes_id = r.id ORDER BY n.id DESC LIMIT 1)
 WHERE state = 'superseded';

-- One public list a year and scheme: of several, the one that was approved stays, else the newest, and says so at the others.
WITH public AS (
    SELECT id, version, state, first_value(id) OVER (PARTITION BY ledger_id, scheme_id, year
                                                     ORDER BY state = 'publicised', id DESC) AS stays
      FROM subsidy_run WHERE state IN ('publicised', 'approved', 'posted', 'paid', 'closed')
), ended AS (
    UPDATE subsidy_run AS r SET state = 'superseded', version = r.version + 1, superseded_by_id = p.stays
      FROM public p WHERE p.id = r.id AND p.stays <> r.id
 RETURNING r.id, r.version, r.superseded_by_id
)
INSERT INTO subsidy_run_event (run_id, n, event, from_state, to_state, actor_id, reason, at)
SELECT id, version, 'supersede', 'publicised', 'superseded', '00000000-0000-0000-0000-000000000000',
       'one public list a year and scheme: ' || superseded_by_id, now() FROM ended;
ALTER TABLE subsidy_run ENABLE TRIGGER USER;
DROP INDEX subsidy_run_decided_key;
CREATE UNIQUE INDEX subsidy_run_decided_key ON subsidy_run (ledger_id, scheme_id, year)
 WHERE state IN ('publicised', 'approved', 'posted', 'paid', 'closed');

CREATE TABLE subsidy_award_hold (
    id UUID NOT NULL,
    run_id UUID NOT NULL,
    line_id UUID NOT NULL,
    cause character varying NOT NULL,
    reason character varying,
    stage character varying NOT NULL,
    state character varying NOT NULL,
    held_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_by UUID,
    decided_at TIMESTAMP WITH TIME ZONE,
    decision character varying,
    version INTEGER NOT NULL,
    CONSTRAINT subsidy_award_hold_pkey PRIMARY KEY (id),
    CONSTRAINT subsidy_award_hold_run_id_fkey FOREIGN KEY (run_id) REFERENCES subsidy_run (id),
    CONSTRAINT subsidy_award_hold_line_id_fkey FOREIGN KEY (line_id) REFERENCES subsidy_line (id),
    CONSTRAINT subsidy_award_hold_cause_check CHECK (cause IN ('suspended', 'withdrawn', 'revoked', 'corrected')),
    CONSTRAINT subsidy_award_hold_stage_check CHECK (stage IN ('snapshot', 'calculate', 'submit', 'publicise', 'approve', 'post',
                                                              'pay', 'close', 'reject', 'cancel', 'supersede')),
    CONSTRAINT subsidy_award_hold_state_check CHECK (state IN ('held', 'released', 'forgone')),
    CONSTRAINT subsidy_award_hold_decided_check CHECK ((state = 'held') = (decided_by IS NULL)
                                                       AND (state <> 'forgone' OR decision IS NOT NULL))
);
CREATE UNIQUE INDEX subsidy_award_hold_open_key ON subsidy_award_hold (line_id) WHERE state <> 'released';
CREATE INDEX subsidy_award_hold_run_idx ON subsidy_award_hold (run_id, id);
GRANT SELECT, INSERT, UPDATE (state, decided_by, decided_at, decision, version) ON subsidy_award_hold TO datamarket_app;
