-- zh: 每份合同留有其授权链条各环节，计量所依条款即合同条款，使用期止于最先失效的环节；环节已停止的挂牌不在售
-- en: each contract keeps the links of its authority, is metered by its own terms and stands until the first of them ends; no listing is on sale beyond a stop
-- seen: SELECT count(*) FROM contract_meter
SELECT 'standing of contract ' || m.contract_id
  FROM contract_meter m LEFT JOIN contract_standing(ARRAY(SELECT contract_id FROM contract_meter)) s USING (contract_id)
 WHERE (m.stopped_by, m.stands_until) IS DISTINCT FROM (s.stopped_by, s.stands_until)
UNION ALL
SELECT 'meter of contract ' || m.contract_id FROM contract_meter m JOIN contract c ON c.id = m.contract_id
 WHERE (m.state, m.buyer_id, m.term_from, m.purposes, m.quota, m.terms_number, m.limits) IS DISTINCT FROM
       (c.state, c.buyer_id, c.term_from, c.purposes, c.quota, c.terms_number, (
        SELECT jsonb_object_agg(key, value) FROM jsonb_each(c.annex)
         WHERE key IN ('forms', 'territories', 'recipient_ids', 'onward_transfer', 'rate')))
UNION ALL
SELECT 'links of contract ' || m.contract_id FROM contract_meter m JOIN contract c ON c.id = m.contract_id
 WHERE NOT ARRAY(SELECT l.kind::text FROM contract_link l WHERE l.contract_id = m.contract_id AND l.to_at IS NULL)
           @> CASE WHEN c.zone_id IS NULL THEN ARRAY['buyer', 'provider', 'version', 'listing']
                   ELSE ARRAY['buyer', 'provider', 'operator', 'mandate', 'zone', 'scenario', 'resource', 'version', 'listing'] END
UNION ALL
SELECT 'listing ' || l.id FROM listing l JOIN product_version v ON v.id = l.product_version_id LEFT JOIN zone z ON z.id = l.zone_id
 WHERE l.state = 'published' AND EXISTS (
       SELECT FROM stoppage s
        WHERE s.lifted_at IS NULL AND s.target_id = ANY (v.resources || ARRAY[l.provider_id, z.operator_id, z.id, v.id]));
