-- Who of these callers may not write now, and under which code: asked by each claim of a key, in its own statement.
-- `settling`: what is still owed, both ways, goes on when an organisation is suspended or has left.
-- One plan for any number of callers, each looked up by its key: to plan anew takes ten times as long as to look.
CREATE OR REPLACE FUNCTION barred_callers(callers text[], settling boolean)
RETURNS TABLE (caller text, code text, name_zh text, name_en text, state text)
LANGUAGE plpgsql STABLE ROWS 1 SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY SELECT c.id,
           CASE WHEN k.active IS NOT TRUE THEN 'auth.account-closed'
                WHEN k.password_temporary THEN 'auth.password-temporary'
                ELSE 'participant.not-admitted' END,
           k.name_zh::text, k.name_en::text, k.state::text
      FROM unnest(callers) AS c (id)
      LEFT JOIN LATERAL (
           SELECT a.active, a.password_temporary, a.participant_id, p.name_zh, p.name_en, p.state
             FROM account a LEFT JOIN participant p ON p.id = a.participant_id
            WHERE a.id = c.id::uuid OFFSET 0) AS k ON true
     WHERE k.active IS NOT TRUE OR k.password_temporary
        OR NOT (settling OR k.participant_id IS NULL OR k.state IS NOT DISTINCT FROM 'admitted');
END
$$;
