-- Events before this release do not tell the rows that they made: each row is taken over as it stands, by the market itself, and
-- sealed with the next pass. From here on I19 holds it to its events.
INSERT INTO audit_event (id, at, actor_id, action, subject_type, subject_id, facts)
SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || '7' || substr(h.hex, 1, 3) || '8' || substr(h.hex, 4, 15))::uuid,
       now(), '7d0c5ea1-0000-5000-8000-5ea1e5000001', 'evidence.take-over', 'register', r.id,
       jsonb_build_object('rows', jsonb_build_object(r.name, jsonb_build_object(r.key, r.told)))
  FROM (SELECT 'participant' AS name, id, id::text AS key, to_jsonb(t) AS told FROM participant AS t
        UNION ALL SELECT 'participant_standing', participant_id, id::text, to_jsonb(t) FROM participant_standing AS t
        UNION ALL SELECT 'affiliation', id, id::text, to_jsonb(t) FROM affiliation AS t
        UNION ALL SELECT 'venue', id, id::text, to_jsonb(t) FROM venue AS t
        UNION ALL SELECT 'account', id, id::text, to_jsonb(t) - 'password_hash' FROM account AS t
        UNION ALL SELECT 'subsidy_case', id, id::text, to_jsonb(t) FROM subsidy_case AS t
        UNION ALL SELECT 'subsidy_claim', enterprise_id, enterprise_id || '/' || subject || '/' || to_char(claimed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'), to_jsonb(t)
                    FROM subsidy_claim AS t
        UNION ALL SELECT 'venue_qualification', venue_id, venue_id || '/' || version, to_jsonb(t) FROM venue_qualification AS t
        UNION ALL SELECT 'subsidy_budget', id, id::text, to_jsonb(t) FROM subsidy_budget AS t
        UNION ALL SELECT 'scheme_version', id, id::text, to_jsonb(t) - 'content' FROM scheme_version AS t
        UNION ALL SELECT 'subsidy_run', id, id::text, to_jsonb(t) FROM subsidy_run AS t
        UNION ALL SELECT 'subsidy_run_event', run_id, run_id || '/' || n, to_jsonb(t) FROM subsidy_run_event AS t
        UNION ALL SELECT 'subsidy_posting', line_id, line_id || '/' || kind, to_jsonb(t) FROM subsidy_posting AS t
        UNION ALL SELECT 'contract', c.id, c.id::text, jsonb_build_object(
                         'price_model', price_model, 'price_fen', price_fen, 'period_days', period_days, 'price_terms', price_terms,
                         'terms_number', c.terms_number, 'venue_id', venue_id, 'venue_operator_id', venue_operator_id,
                         'venue_fee_bps', venue_fee_bps, 'provider_id', provider_id, 'buyer_id', c.buyer_id, 'zone_id', zone_id,
                         'operator_id', operator_id, 'suppliers', suppliers, 'category', category)
                    FROM contract AS c JOIN contract_meter AS m ON m.contract_id = c.id) AS r
 CROSS JOIN LATERAL (SELECT md5(r.name || r.key || random()) AS hex) AS h;
