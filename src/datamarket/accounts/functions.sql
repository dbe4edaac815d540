-- Who of these callers may not write now, and under which code: asked by each claim of a key, in its own statement.
-- `settling`: what is still owed, both ways, goes on when an organisation is suspended or has left.
CREATE OR REPLACE FUNCTION barred_callers(callers text[], settling boolean)
RETURNS TABLE (caller text, code text, name text, state text) LANGUAGE sql STABLE AS $$
SELECT c.caller,
       CASE WHEN a.active IS NOT TRUE THEN 'auth.account-closed'
            WHEN a.password_temporary THEN 'auth.password-temporary'
            ELSE 'participant.not-admitted' END,
       p.name_zh::text, p.state::text
  FROM unnest(callers) AS c (caller)
  LEFT JOIN account a ON a.id = c.caller::uuid
  LEFT JOIN participant p ON p.id = a.participant_id
 WHERE a.active IS NOT TRUE OR a.password_temporary
    OR NOT (settling OR a.participant_id IS NULL OR p.state IS NOT DISTINCT FROM 'admitted')
$$;
