CREATE TABLE stoppage (
    id UUID NOT NULL,
    target_id UUID NOT NULL,
    cause character varying NOT NULL,
    reason character varying,
    told_at TIMESTAMP WITH TIME ZONE NOT NULL,
    stops_at TIMESTAMP WITH TIME ZONE NOT NULL,
    lifted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT stoppage_pkey PRIMARY KEY (id),
    CONSTRAINT stoppage_term_check CHECK (stops_at >= told_at AND lifted_at >= told_at),
    CONSTRAINT stoppage_cause_check CHECK (cause IN ('party_suspended', 'party_withdrawn', 'mandate_withdrawn',
                                                     'zone_closed', 'registration_cancelled', 'version_recalled'))
);
CREATE UNIQUE INDEX stoppage_open_key ON stoppage (target_id) WHERE lifted_at IS NULL;
CREATE INDEX stoppage_target_idx ON stoppage (target_id, told_at);
GRANT SELECT, INSERT, UPDATE (lifted_at) ON stoppage TO datamarket_app;

CREATE TABLE contract_link (
    contract_id UUID NOT NULL,
    kind character varying NOT NULL,
    target_id UUID NOT NULL,
    document character varying NOT NULL,
    term_from DATE,
    term_to DATE,
    CONSTRAINT contract_link_pkey PRIMARY KEY (contract_id, kind, target_id),
    CONSTRAINT contract_link_kind_check CHECK (kind IN ('buyer', 'provider', 'mandate', 'zone', 'scenario', 'resource',
                                                        'version', 'listing')),
    CONSTRAINT contract_link_contract_id_fkey FOREIGN KEY (contract_id) REFERENCES contract (id)
);
CREATE INDEX contract_link_target_id_idx ON contract_link (target_id);
GRANT SELECT, INSERT ON contract_link TO datamarket_app;

ALTER TABLE mandate
    ADD COLUMN state character varying NOT NULL DEFAULT 'granted',
    ADD COLUMN ended_on DATE,
    ADD COLUMN reason character varying,
    ADD COLUMN version INTEGER NOT NULL DEFAULT 1,
    ADD CONSTRAINT mandate_state_check CHECK (state IN ('granted', 'withdrawn', 'expired')),
    ADD CONSTRAINT mandate_ended_check CHECK ((state = 'withdrawn') = (ended_on IS NOT NULL));
ALTER TABLE mandate ALTER COLUMN state DROP DEFAULT, ALTER COLUMN version DROP DEFAULT;
ALTER TABLE product_version
    DROP CONSTRAINT product_version_state_check,
    ADD CONSTRAINT product_version_state_check
        CHECK (state IN ('draft', 'submitted', 'returned', 'approved', 'rejected', 'recalled', 'retired'));
ALTER TABLE listing
    ADD COLUMN stopped_by character varying,
    ADD CONSTRAINT listing_stopped_check CHECK (stopped_by IS NULL OR state = 'suspended');
ALTER TABLE contract
    DROP CONSTRAINT contract_state_check,
    ADD CONSTRAINT contract_state_check CHECK (state IN ('requested', 'agreed', 'part_signed', 'active', 'suspended',
                                                         'expired', 'ended', 'rejected', 'withdrawn'));
CREATE INDEX contract_running_idx ON contract (term_to) WHERE state IN ('active', 'suspended');
ALTER TABLE contract_meter
    ADD COLUMN stands_until TIMESTAMP WITH TIME ZONE,
    ADD COLUMN stopped_by character varying;

-- What was stopped until now, as far as rows tell: organisations by their history, all else by its day.
INSERT INTO stoppage
SELECT gen_random_uuid(), participant_id, 'party_' || state, reason, from_at, from_at, to_at
  FROM participant_standing WHERE state IN ('suspended', 'withdrawn');
INSERT INTO stoppage
SELECT gen_random_uuid(), z.id, 'zone_closed', z.reason, d.at, d.at, NULL
  FROM zone z, LATERAL (SELECT z.closed_on::timestamp AT TIME ZONE 'Asia/Shanghai' AS at) AS d WHERE z.state = 'closed';
INSERT INTO stoppage
SELECT gen_random_uuid(), r.id, 'registration_cancelled', r.reason, f.at, f.at, NULL
  FROM resource r, LATERAL (SELECT coalesce(max(filed_at), r.created_at) AS at FROM resource_filing
                             WHERE resource_id = r.id AND kind = 'cancellation') AS f
 WHERE r.state = 'cancelled';

-- The links of every contract that both have signed, as `contract_links` finds them for a new one.
INSERT INTO contract_link
SELECT c.id, l.kind, l.target_id, l.document, l.term_from, l.term_to
  FROM contract_meter m JOIN contract c ON c.id = m.contract_id
  JOIN listing g ON g.id = c.listing_id
  JOIN product_version v ON v.product_id = c.product_id AND v.number = c.product_version
 CROSS JOIN LATERAL (
       SELECT s.kind, p.id AS target_id, p.uscc AS document, NULL::date AS term_from, NULL::date AS term_to
         FROM (VALUES ('buyer', c.buyer_id), ('provider', c.provider_id)) AS s (kind, id) JOIN participant p ON p.id = s.id
       UNION ALL (SELECT 'mandate', d.id, d.filed_on::text, d.term_from, d.term_to FROM mandate d
                   WHERE d.zone_id = c.zone_id
                   ORDER BY d.term_from > (greatest(c.provider_signed_at, c.buyer_signed_at) AT TIME ZONE 'Asia/Shanghai')::date,
                            d.term_from DESC LIMIT 1)
       UNION ALL SELECT 'zone', z.id, z.code, z.opened_on, NULL FROM zone z WHERE z.id = c.zone_id
       UNION ALL SELECT 'scenario', s.id, s.code, NULL, NULL FROM scenario s WHERE s.id = g.scenario_id
       UNION ALL SELECT 'resource', r.id, coalesce(r.registration_code, r.code), r.registered_on, r.valid_to
                   FROM resource r WHERE r.id = ANY (v.resources)
       UNION ALL SELECT 'version', v.id, g.product_code || '/' || v.number, NULL, NULL
       UNION ALL SELECT 'listing', g.id, g.venue_code || ':' || g.product_code, NULL, NULL) AS l;
UPDATE contract_meter AS m SET stands_until = coalesce(e.at, m.term_to), stopped_by = e.kind
  FROM contract_meter AS o LEFT JOIN LATERAL (
       SELECT l.kind, x.at FROM contract_link l JOIN LATERAL (
              SELECT s.stops_at AS at FROM stoppage s WHERE s.target_id = l.target_id AND s.lifted_at IS NULL
              UNION ALL SELECT r.valid_to::timestamp AT TIME ZONE 'Asia/Shanghai' FROM resource r WHERE r.id = l.target_id
              UNION ALL SELECT d.term_to::timestamp AT TIME ZONE 'Asia/Shanghai' FROM mandate d WHERE d.id = l.target_id) AS x ON true
        WHERE l.contract_id = o.contract_id AND x.at < o.term_to
        ORDER BY x.at, l.kind LIMIT 1) AS e ON true
 WHERE o.contract_id = m.contract_id;
ALTER TABLE contract_meter
    ALTER COLUMN stands_until SET NOT NULL,
    ADD CONSTRAINT contract_meter_stands_check CHECK (
        CASE WHEN stopped_by IS NULL THEN stands_until = term_to ELSE stands_until < term_to END);

-- A trigger did this for organisations alone, and forgot what it had stopped.
UPDATE listing AS l SET stopped_by = 'provider'
 WHERE l.state = 'suspended' AND reason = '提供方当前未处于已准入状态 · its provider is not admitted now'
   AND EXISTS (SELECT FROM participant p WHERE p.id = l.provider_id AND p.state <> 'admitted');
DROP TRIGGER IF EXISTS participant_takes_listings_along ON participant;
DROP FUNCTION IF EXISTS listing_follow_provider();
