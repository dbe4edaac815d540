-- I1 for each statement that adds legs: entries balance, with two legs or more.
CREATE FUNCTION ledger_legs_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM fresh GROUP BY ledger_id, period, entry_id HAVING sum(amount_fen) <> 0 OR count(*) < 2
    ) THEN
        RAISE EXCEPTION 'the legs of an entry do not balance'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_entry_balanced';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER ledger_leg_balanced AFTER INSERT ON ledger_leg
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION ledger_legs_balance();

-- I5. A row trigger on a partitioned table is cloned to every partition, now and later; TRUNCATE is not.
CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_leg_append_only BEFORE UPDATE OR DELETE ON ledger_leg
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_entry_no_truncate BEFORE TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_leg_no_truncate BEFORE TRUNCATE ON ledger_leg
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION ledger_make_partitions(first_year integer, last_year integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    base text;
    part text;
BEGIN
    FOR year IN first_year .. last_year LOOP
        FOREACH base IN ARRAY ARRAY['ledger_entry', 'ledger_leg'] LOOP
            part := format('%s_p%s', base, year);
            CONTINUE WHEN to_regclass(part) IS NOT NULL;
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s)',
                           part, base, year * 100, (year + 1) * 100);
            EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I FOR EACH STATEMENT '
                           'EXECUTE FUNCTION refuse_change()', part);
            EXECUTE format('REVOKE ALL ON %I FROM datamarket_app', part);
        END LOOP;
        EXECUTE format('CREATE TRIGGER balanced AFTER INSERT ON ledger_leg_p%s REFERENCING NEW TABLE AS fresh '
                       'FOR EACH STATEMENT EXECUTE FUNCTION ledger_legs_balance()', year);
    END LOOP;
END
$$;
SELECT ledger_make_partitions(2020, 2039);

-- The two ways in. Both run as the owner; the application may call them and nothing else.
CREATE FUNCTION ledger_open_accounts(
    p_ledger integer, p_id uuid[], p_owner uuid[], p_kind text[], p_side text[], p_negative boolean[], p_now timestamptz
) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH opened AS (
        INSERT INTO ledger_account (ledger_id, id, owner_id, kind, normal_side, may_go_negative, opened_at)
        SELECT p_ledger, a.id, a.owner_id, a.kind, a.side, a.negative, p_now
        FROM unnest(p_id, p_owner, p_kind, p_side, p_negative) AS a (id, owner_id, kind, side, negative)
        ORDER BY a.id
        ON CONFLICT DO NOTHING
        RETURNING id, may_go_negative
    )
    INSERT INTO ledger_balance (ledger_id, account_id, may_go_negative, debit_fen, credit_fen, held_fen, version)
    SELECT p_ledger, id, may_go_negative, 0, 0, 0, 0 FROM opened
$$;

-- What an entry says, with its legs, in one SHA-256: a change of any column shows.
CREATE FUNCTION ledger_digest(
    p_ledger integer, p_period integer, p_id uuid, p_kind text, p_effective timestamptz, p_recorded timestamptz,
    p_source_type text, p_source uuid, p_reverses uuid, p_actor uuid, p_legs text
) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT sha256(convert_to(concat_ws('|', p_ledger, p_period, p_id, p_kind,
        (extract(epoch FROM p_effective) * 1000000)::bigint, (extract(epoch FROM p_recorded) * 1000000)::bigint,
        p_source_type, p_source, coalesce(p_reverses::text, '-'), p_actor, p_legs), 'UTF8'))
$$;

CREATE FUNCTION ledger_post(
    p_ledger integer, p_recorded timestamptz, p_open_month integer,
    p_entry uuid[], p_month integer[], p_kind text[], p_effective timestamptz[],
    p_source_type text[], p_source uuid[], p_reverses uuid[], p_actor uuid[],
    p_leg_entry integer[], p_leg_seq integer[], p_account uuid[], p_amount bigint[]
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    periods integer[];
BEGIN
    -- Closing a period takes this lock alone: nothing posts into a period while it closes.
    PERFORM pg_advisory_xact_lock_shared(p_ledger, 1);
    -- A late event stands in the open month, with its own effective date.
    SELECT array_agg(CASE WHEN closed.id IS NULL THEN given.month ELSE p_open_month END ORDER BY given.ordinality)
      INTO periods
      FROM unnest(p_month) WITH ORDINALITY AS given (month, ordinality)
      LEFT JOIN ledger_period AS closed ON closed.ledger_id = p_ledger AND closed.id = given.month AND closed.state = 'closed';
    IF EXISTS (SELECT FROM ledger_period WHERE ledger_id = p_ledger AND id = ANY (periods) AND state = 'closed') THEN
        RAISE EXCEPTION 'the accounting period is closed'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_period_open';
    END IF;

    -- I6: a second posting of the same business fails here, on the primary key.
    INSERT INTO business_key (ledger_id, source_type, source_id, kind, period, entry_id)
    SELECT p_ledger, e.source_type, e.source_id, e.kind, e.period, e.id
      FROM unnest(p_source_type, p_source, p_kind, periods, p_entry) AS e (source_type, source_id, kind, period, id);

    INSERT INTO ledger_entry
        (ledger_id, period, id, kind, effective_at, recorded_at, source_type, source_id, reverses, actor_id, digest)
    SELECT p_ledger, e.period, e.id, e.kind, e.effective_at, p_recorded, e.source_type, e.source_id, e.reverses, e.actor_id,
           ledger_digest(p_ledger, e.period, e.id, e.kind, e.effective_at, p_recorded,
                         e.source_type, e.source_id, e.reverses, e.actor_id, legs.content)
      FROM unnest(periods, p_entry, p_kind, p_effective, p_source_type, p_source, p_reverses, p_actor)
           WITH ORDINALITY AS e (period, id, kind, effective_at, source_type, source_id, reverses, actor_id, position)
      LEFT JOIN (SELECT entry, string_agg(seq || ':' || account_id || ':' || amount_fen, ',' ORDER BY seq) AS content
                   FROM unnest(p_leg_entry, p_leg_seq, p_account, p_amount) AS l (entry, seq, account_id, amount_fen)
                  GROUP BY entry) AS legs ON legs.entry = e.position;

    INSERT INTO ledger_leg (ledger_id, period, entry_id, seq, account_id, amount_fen)
    SELECT p_ledger, periods[l.entry], p_entry[l.entry], l.seq, l.account_id, l.amount_fen
      FROM unnest(p_leg_entry, p_leg_seq, p_account, p_amount) AS l (entry, seq, account_id, amount_fen);

    IF EXISTS (SELECT FROM unnest(p_entry) WITH ORDINALITY AS e (id, position)
               WHERE NOT e.position = ANY (p_leg_entry)) THEN
        RAISE EXCEPTION 'an entry has no legs'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_entry_balanced';
    END IF;

    PERFORM ledger_guard_reversals(p_ledger, p_reverses) WHERE array_remove(p_reverses, NULL) <> '{}';

    -- One update per account, accounts locked in the order of their ids: no deadlock, no hot loop.
    PERFORM 1 FROM ledger_balance
      WHERE ledger_id = p_ledger AND account_id = ANY (p_account) ORDER BY account_id FOR UPDATE;
    UPDATE ledger_balance AS b
       SET debit_fen = b.debit_fen + moved.debit, credit_fen = b.credit_fen + moved.credit, version = b.version + moved.legs
      FROM (SELECT account_id,
                   coalesce(sum(amount) FILTER (WHERE amount > 0), 0) AS debit,
                   coalesce(-sum(amount) FILTER (WHERE amount < 0), 0) AS credit,
                   count(*) AS legs
              FROM unnest(p_account, p_amount) AS l (account_id, amount) GROUP BY account_id) AS moved
     WHERE b.ledger_id = p_ledger AND b.account_id = moved.account_id;
END
$$;

-- I7: what reverses an entry goes the other way on the same accounts, and never beyond it.
CREATE FUNCTION ledger_guard_reversals(p_ledger integer, p_reverses uuid[]) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM 1 FROM ledger_entry WHERE ledger_id = p_ledger AND id = ANY (p_reverses) ORDER BY id FOR UPDATE;
    IF EXISTS (
        SELECT FROM (
            SELECT e.id, l.account_id, l.amount_fen AS original, 0::bigint AS back
              FROM ledger_entry e JOIN ledger_leg l USING (ledger_id, period)
             WHERE e.ledger_id = p_ledger AND e.id = ANY (p_reverses) AND l.entry_id = e.id
            UNION ALL
            SELECT r.reverses, l.account_id, 0, l.amount_fen
              FROM ledger_entry r JOIN ledger_leg l USING (ledger_id, period)
             WHERE r.ledger_id = p_ledger AND r.reverses = ANY (p_reverses) AND l.entry_id = r.id
        ) AS both_ways
        GROUP BY id, account_id
        HAVING sum(original) = 0 OR sign(sum(original)) * sign(sum(back)) > 0 OR abs(sum(back)) > abs(sum(original))
    ) OR (SELECT count(DISTINCT id) FROM ledger_entry WHERE ledger_id = p_ledger AND id = ANY (p_reverses))
         <> (SELECT count(DISTINCT r) FROM unnest(p_reverses) AS r WHERE r IS NOT NULL) THEN
        RAISE EXCEPTION 'a reversal exceeds its original'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_reversal_within_original';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION ledger_guard_reversals(integer, uuid[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION ledger_make_partitions(integer, integer) FROM PUBLIC;
