CREATE OR REPLACE TRIGGER ledger_hold_posting_append_only BEFORE UPDATE OR DELETE ON ledger_hold_posting
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER ledger_hold_posting_no_truncate BEFORE TRUNCATE ON ledger_hold_posting
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A hold is never unmade, and only its resolution changes, in one direction.
CREATE OR REPLACE FUNCTION ledger_hold_only_resolves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.ledger_id, NEW.id, NEW.account_id, NEW.amount_fen, NEW.expires_at, NEW.source_type, NEW.source_id,
        NEW.created_at, NEW.actor_id, NEW.organisation_id)
       IS DISTINCT FROM
       (OLD.ledger_id, OLD.id, OLD.account_id, OLD.amount_fen, OLD.expires_at, OLD.source_type, OLD.source_id,
        OLD.created_at, OLD.actor_id, OLD.organisation_id)
       OR NEW.posted_fen < OLD.posted_fen OR NEW.voided_fen < OLD.voided_fen OR NEW.expired_fen < OLD.expired_fen THEN
        RAISE EXCEPTION 'a hold is only ever resolved: constraint "append_only"'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER ledger_hold_only_resolves BEFORE UPDATE ON ledger_hold
    FOR EACH ROW EXECUTE FUNCTION ledger_hold_only_resolves();
CREATE OR REPLACE TRIGGER ledger_hold_no_delete BEFORE DELETE ON ledger_hold
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER ledger_hold_no_truncate BEFORE TRUNCATE ON ledger_hold
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- At the end of the transaction the entry is there, and debits the held account by exactly this much.
CREATE OR REPLACE FUNCTION ledger_hold_posting_has_entry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF NEW.amount_fen IS DISTINCT FROM (
        SELECT sum(l.amount_fen)
          FROM ledger_hold h
          JOIN ledger_entry e ON e.ledger_id = h.ledger_id AND e.id = NEW.entry_id
          JOIN ledger_leg l ON l.ledger_id = e.ledger_id AND l.period = e.period AND l.entry_id = e.id
                           AND l.account_id = h.account_id
         WHERE h.ledger_id = NEW.ledger_id AND h.id = NEW.hold_id) THEN
        RAISE EXCEPTION 'the entry of a hold does not debit its account by the amount posted: constraint "ledger_hold_posting_debits"'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_hold_posting_debits';
    END IF;
    RETURN NULL;
END
$$;
DROP TRIGGER IF EXISTS ledger_hold_posting_debits ON ledger_hold_posting;  -- of this kind none can be replaced
CREATE CONSTRAINT TRIGGER ledger_hold_posting_debits AFTER INSERT ON ledger_hold_posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_hold_posting_has_entry();

CREATE OR REPLACE FUNCTION ledger_place_holds(
    p_ledger integer, p_now timestamptz, p_hold uuid[], p_account uuid[], p_amount bigint[], p_expires timestamptz[],
    p_source_type text[], p_source uuid[], p_actor uuid[], p_organisation uuid[]
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM ledger_lock_balances(p_ledger, p_account);
    -- A second hold for the same business fails here, on the unique key of its source.
    INSERT INTO ledger_hold (ledger_id, id, account_id, amount_fen, posted_fen, voided_fen, expired_fen, state, expires_at,
                             source_type, source_id, created_at, actor_id, organisation_id, version)
    SELECT p_ledger, h.id, h.account_id, h.amount_fen, 0, 0, 0, 'held', h.expires_at,
           h.source_type, h.source_id, p_now, h.actor_id, h.organisation_id, 1
      FROM unnest(p_hold, p_account, p_amount, p_expires, p_source_type, p_source, p_actor, p_organisation)
           AS h (id, account_id, amount_fen, expires_at, source_type, source_id, actor_id, organisation_id);
    UPDATE ledger_balance AS b SET held_fen = b.held_fen + wanted.amount_fen
      FROM (SELECT account_id, sum(amount_fen) AS amount_fen
              FROM unnest(p_account, p_amount) AS w (account_id, amount_fen) GROUP BY account_id) AS wanted
     WHERE b.ledger_id = p_ledger AND b.account_id = wanted.account_id;
    -- Only money that is there can be set aside, also on an account that may go negative.
    IF EXISTS (SELECT FROM ledger_balance WHERE ledger_id = p_ledger AND account_id = ANY (p_account)
                AND credit_fen - debit_fen < held_fen) THEN
        RAISE EXCEPTION 'the funds do not suffice: constraint "ledger_balance_not_overdrawn"'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_balance_not_overdrawn';
    END IF;
END
$$;

-- Post a part (0: nothing) of each hold, then keep or void what is left of it. All, or none and an exception.
CREATE OR REPLACE FUNCTION ledger_resolve_holds(
    p_ledger integer, p_now timestamptz, p_hold uuid[], p_post bigint[], p_keep boolean[], p_entry uuid[], p_reason text[]
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    refused text;
BEGIN
    -- Whoever changes a hold has locked its balance, so the hold's own lock never waits long.
    PERFORM ledger_lock_balances(p_ledger, array_agg(account_id))
       FROM ledger_hold WHERE ledger_id = p_ledger AND id = ANY (p_hold);
    PERFORM 1 FROM ledger_hold WHERE ledger_id = p_ledger AND id = ANY (p_hold) ORDER BY id FOR UPDATE;
    SELECT CASE WHEN h.id IS NULL THEN 'ledger_hold_known'
                WHEN h.resolved_at IS NOT NULL THEN 'ledger_hold_resolved_once'
                WHEN asked.post > 0 AND h.expires_at <= p_now THEN 'ledger_hold_in_time'
                ELSE 'ledger_hold_within_amount' END
      INTO refused
      FROM unnest(p_hold, p_post, p_keep) AS asked (id, post, keep)
      LEFT JOIN ledger_hold h ON h.ledger_id = p_ledger AND h.id = asked.id
     WHERE h.id IS NULL OR h.resolved_at IS NOT NULL OR asked.post > 0 AND h.expires_at <= p_now
        OR asked.post NOT BETWEEN 0 AND h.amount_fen - h.posted_fen OR asked.keep AND asked.post = 0
     LIMIT 1;
    IF refused IS NOT NULL OR cardinality(p_hold) <> (SELECT count(DISTINCT id) FROM unnest(p_hold) AS h (id)) THEN
        refused := coalesce(refused, 'ledger_hold_resolved_once');
        RAISE EXCEPTION 'a hold cannot be resolved so: constraint "%"', refused
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = refused;
    END IF;
    UPDATE ledger_balance AS b SET held_fen = b.held_fen - freed.amount_fen
      FROM (SELECT h.account_id,
                   sum(CASE WHEN asked.keep THEN asked.post ELSE h.amount_fen - h.posted_fen END) AS amount_fen
              FROM unnest(p_hold, p_post, p_keep) AS asked (id, post, keep)
              JOIN ledger_hold h ON h.ledger_id = p_ledger AND h.id = asked.id GROUP BY h.account_id) AS freed
     WHERE b.ledger_id = p_ledger AND b.account_id = freed.account_id;
    UPDATE ledger_hold AS h
       SET posted_fen = done.posted, voided_fen = done.voided, reason = coalesce(done.reason, h.reason),
           version = h.version + 1,
           state = CASE WHEN done.voided > 0 THEN 'voided' WHEN done.posted = h.amount_fen THEN 'posted' ELSE 'partly_posted' END,
           resolved_at = CASE WHEN done.voided > 0 OR done.posted = h.amount_fen THEN p_now END
      FROM (SELECT asked.id, h.posted_fen + asked.post AS posted, asked.reason,
                   CASE WHEN asked.keep THEN 0 ELSE h.amount_fen - h.posted_fen - asked.post END AS voided
              FROM unnest(p_hold, p_post, p_keep, p_reason) AS asked (id, post, keep, reason)
              JOIN ledger_hold h ON h.ledger_id = p_ledger AND h.id = asked.id) AS done
     WHERE h.ledger_id = p_ledger AND h.id = done.id;
    INSERT INTO ledger_hold_posting (ledger_id, hold_id, entry_id, amount_fen)
    SELECT p_ledger, id, entry, post FROM unnest(p_hold, p_entry, p_post) AS asked (id, entry, post) WHERE post > 0;
END
$$;

-- Expire holds whose time is over: those named, or, without names, up to `p_limit` that are due, leaving out accounts
-- on which somebody works just now. Answers with the holds that it expired; what was resolved before stays so.
CREATE OR REPLACE FUNCTION ledger_expire_holds(p_ledger integer, p_now timestamptz, p_hold uuid[], p_limit integer)
RETURNS SETOF ledger_hold LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    due uuid[] := p_hold;
    touched uuid[];
BEGIN
    IF p_hold IS NULL THEN
        SELECT array_agg(id), array_agg(account_id) INTO due, touched
          FROM (SELECT id, account_id FROM ledger_hold
                 WHERE ledger_id = p_ledger AND state IN ('held', 'partly_posted') AND expires_at <= p_now
                 ORDER BY expires_at LIMIT p_limit) AS h;
        SELECT array_agg(account_id) INTO touched
          FROM (SELECT account_id FROM ledger_balance WHERE ledger_id = p_ledger AND account_id = ANY (touched)
                 ORDER BY account_id FOR UPDATE SKIP LOCKED) AS b;
    ELSE
        SELECT array_agg(account_id) INTO touched FROM ledger_hold WHERE ledger_id = p_ledger AND id = ANY (due);
        PERFORM ledger_lock_balances(p_ledger, touched);
    END IF;
    UPDATE ledger_balance AS b SET held_fen = b.held_fen - freed.amount_fen
      FROM (SELECT account_id, sum(amount_fen - posted_fen) AS amount_fen FROM ledger_hold
             WHERE ledger_id = p_ledger AND id = ANY (due) AND account_id = ANY (touched)
               AND resolved_at IS NULL AND expires_at <= p_now GROUP BY account_id) AS freed
     WHERE b.ledger_id = p_ledger AND b.account_id = freed.account_id;
    RETURN QUERY
    UPDATE ledger_hold SET expired_fen = amount_fen - posted_fen, state = 'expired', resolved_at = p_now, version = version + 1
     WHERE ledger_id = p_ledger AND id = ANY (due) AND account_id = ANY (touched)
       AND resolved_at IS NULL AND expires_at <= p_now
    RETURNING *;
END
$$;
