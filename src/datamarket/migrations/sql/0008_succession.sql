-- One rule divides the income of the market (trading/revenue/rules.yaml): what a mandate said of it ruled nothing.
ALTER TABLE mandate
    DROP COLUMN income_rule,
    ADD COLUMN exit_course character varying,
    ADD COLUMN followed_by UUID,
    ADD CONSTRAINT mandate_exit_course_check CHECK (exit_course IN ('end', 'move', 'wind_down')),
    ADD CONSTRAINT mandate_exit_check CHECK (exit_course IS NULL OR state = 'withdrawn'),
    ADD CONSTRAINT mandate_followed_by_fkey FOREIGN KEY (followed_by) REFERENCES mandate (id);
-- Nothing that had stopped goes on by an upgrade: a mandate that had a successor has handed over.
UPDATE mandate AS m SET followed_by = (SELECT n.id FROM mandate n WHERE n.zone_id = m.zone_id AND n.term_from > m.term_from
                                        ORDER BY n.term_from LIMIT 1);

CREATE TABLE renewal_undertaking (
    id UUID NOT NULL,
    mandate_id UUID NOT NULL,
    document character varying NOT NULL,
    document_sha256 character varying NOT NULL,
    renewed_to DATE NOT NULL,
    due_on DATE NOT NULL,
    given_at TIMESTAMP WITH TIME ZONE NOT NULL,
    fulfilled_at TIMESTAMP WITH TIME ZONE,
    overdue_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT renewal_undertaking_pkey PRIMARY KEY (id),
    CONSTRAINT renewal_undertaking_term_check CHECK (renewed_to > due_on),
    CONSTRAINT renewal_undertaking_mandate_id_fkey FOREIGN KEY (mandate_id) REFERENCES mandate (id)
);
CREATE UNIQUE INDEX renewal_undertaking_open_key ON renewal_undertaking (mandate_id) WHERE fulfilled_at IS NULL AND overdue_at IS NULL;
CREATE INDEX renewal_undertaking_mandate_idx ON renewal_undertaking (mandate_id, id);
GRANT SELECT, INSERT, UPDATE (fulfilled_at, overdue_at) ON renewal_undertaking TO datamarket_app;

ALTER TABLE qualification ADD COLUMN expired_at TIMESTAMP WITH TIME ZONE;
CREATE INDEX qualification_until_idx ON qualification (until_on) WHERE expired_at IS NULL;

ALTER TABLE stoppage
    DROP CONSTRAINT stoppage_cause_check,
    ADD CONSTRAINT stoppage_cause_check CHECK (cause IN ('party_suspended', 'party_withdrawn', 'mandate_withdrawn', 'zone_closed',
                                                         'registration_cancelled', 'registration_lapsed', 'version_recalled'));

-- A link counts from when on it was signed upon until another took its place. The operator is one, too.
DROP FUNCTION IF EXISTS contract_link_up(uuid, date);
ALTER TABLE contract_link
    ADD COLUMN from_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN to_at TIMESTAMP WITH TIME ZONE,
    DROP CONSTRAINT contract_link_kind_check,
    ADD CONSTRAINT contract_link_kind_check CHECK (kind IN ('buyer', 'provider', 'operator', 'mandate', 'zone', 'scenario', 'resource',
                                                            'version', 'listing'));
INSERT INTO contract_link (contract_id, kind, target_id, document)
SELECT m.contract_id, 'operator', p.id, p.uscc
  FROM contract_meter m JOIN contract c ON c.id = m.contract_id JOIN participant p ON p.id = c.operator_id;
UPDATE contract_link AS l SET from_at = greatest(c.provider_signed_at, c.buyer_signed_at) FROM contract c WHERE c.id = l.contract_id;
ALTER TABLE contract_link
    ALTER COLUMN from_at SET NOT NULL,
    DROP CONSTRAINT contract_link_pkey,
    ADD CONSTRAINT contract_link_pkey PRIMARY KEY (contract_id, kind, target_id, from_at),
    ADD CONSTRAINT contract_link_term_check CHECK (to_at >= from_at);
GRANT UPDATE (to_at) ON contract_link TO datamarket_app;
UPDATE contract_meter AS m SET stopped_by = 'operator', stands_until = s.stops_at
  FROM contract_link l JOIN stoppage s ON s.target_id = l.target_id AND s.lifted_at IS NULL
 WHERE l.contract_id = m.contract_id AND l.kind = 'operator' AND s.stops_at < m.stands_until;
UPDATE listing AS l SET state = 'suspended', stopped_by = 'operator', version = l.version + 1,
       reason = '授权链条中断 · a link of its authority no longer stands'
  FROM zone z JOIN participant p ON p.id = z.operator_id
 WHERE z.id = l.zone_id AND l.state = 'published' AND p.state <> 'admitted';

-- What nobody answered is over with its term, too.
DROP INDEX contract_running_idx;
CREATE INDEX contract_running_idx ON contract (term_to)
    WHERE state IN ('requested', 'agreed', 'part_signed', 'active', 'suspended');

-- A contract's own steps, without its uses, of which there may be millions.
CREATE INDEX audit_event_contract_idx ON audit_event (subject_id, id) WHERE subject_type = 'contract' AND action <> 'contracts.use';
