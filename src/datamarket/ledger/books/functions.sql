-- I1 for each statement that adds legs: entries balance, with two legs or more; and each leg has its entry and account.
-- The scalar subqueries are meant: as joins, a plan made for two legs would serve a thousand. What they look for is taken
-- out of the new rows first: on a shard these meet no table. One plan for any number: else each call would plan for its own.
CREATE OR REPLACE FUNCTION ledger_legs_balance() RETURNS trigger LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    all_balanced boolean;
    ledgers integer[];
    periods integer[];
    entries uuid[];
    books integer[];
    accounts uuid[];
BEGIN
    SELECT * INTO all_balanced, ledgers, periods, entries, books, accounts
      FROM (SELECT bool_and(balanced), array_agg(ledger_id), array_agg(period), array_agg(entry_id)
              FROM (SELECT ledger_id, period, entry_id, sum(amount_fen) = 0 AND count(*) > 1 AS balanced
                      FROM fresh GROUP BY ledger_id, period, entry_id) AS entry) AS e,
           (SELECT array_agg(ledger_id), array_agg(account_id)
              FROM (SELECT DISTINCT ledger_id, account_id FROM fresh) AS account) AS a;
    IF NOT all_balanced THEN
        RAISE EXCEPTION 'the legs of an entry do not balance: constraint "ledger_entry_balanced"'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_entry_balanced';
    END IF;
    IF EXISTS (
        SELECT FROM unnest(ledgers, periods, entries) AS f (ledger_id, period, entry_id)
         WHERE (SELECT 1 FROM ledger_entry o
                 WHERE o.ledger_id = f.ledger_id AND o.period = f.period AND o.id = f.entry_id) IS NULL
    ) THEN
        RAISE EXCEPTION 'a leg has no entry: constraint "ledger_leg_of_an_entry"'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_leg_of_an_entry';
    END IF;
    IF EXISTS (
        SELECT FROM unnest(books, accounts) AS f (ledger_id, account_id)
         WHERE (SELECT 1 FROM ledger_account a WHERE a.ledger_id = f.ledger_id AND a.id = f.account_id) IS NULL
    ) THEN
        RAISE EXCEPTION 'a leg has no account: constraint "ledger_leg_of_an_account"'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_leg_of_an_account';
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER ledger_leg_balanced AFTER INSERT ON ledger_leg
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION ledger_legs_balance();

-- I5. A row trigger on a partitioned table is cloned to every partition, now and later; TRUNCATE is not.
CREATE OR REPLACE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER ledger_entry_no_truncate BEFORE TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER ledger_leg_append_only BEFORE UPDATE OR DELETE ON ledger_leg
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER ledger_leg_no_truncate BEFORE TRUNCATE ON ledger_leg
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Safe to call again: a year that has its partitions is left alone.
CREATE OR REPLACE FUNCTION ledger_make_partitions(first_year integer, last_year integer) RETURNS void
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
            CONTINUE WHEN base <> 'ledger_leg';
            EXECUTE format('CREATE TRIGGER balanced AFTER INSERT ON %I REFERENCING NEW TABLE AS fresh '
                           'FOR EACH STATEMENT EXECUTE FUNCTION ledger_legs_balance()', part);
        END LOOP;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION ledger_make_partitions(integer, integer) FROM PUBLIC;

-- The two ways in. Both run as the owner; the application may call them and nothing else.
CREATE OR REPLACE FUNCTION ledger_open_accounts(
    p_ledger integer, p_id uuid[], p_owner uuid[], p_kind text[], p_side text[], p_negative boolean[], p_now timestamptz
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    WITH opened AS (
        INSERT INTO ledger_account (ledger_id, id, owner_id, kind, normal_side, may_go_negative, opened_at)
        SELECT p_ledger, a.id, a.owner_id, a.kind, a.side, a.negative, p_now
        FROM unnest(p_id, p_owner, p_kind, p_side, p_negative) AS a (id, owner_id, kind, side, negative)
        ORDER BY a.id
        ON CONFLICT DO NOTHING
        RETURNING id, may_go_negative
    )
    INSERT INTO ledger_balance (ledger_id, account_id, may_go_negative, debit_fen, credit_fen, held_fen, version)
    SELECT p_ledger, o.id, o.may_go_negative, 0, 0, 0, 0 FROM opened AS o;
END
$$;

-- What an entry says, with its legs, in one SHA-256: a change of any column shows.
CREATE OR REPLACE FUNCTION ledger_digest(
    p_ledger integer, p_period integer, p_id uuid, p_kind text, p_effective timestamptz, p_recorded timestamptz,
    p_source_type text, p_source uuid, p_reverses uuid, p_actor uuid, p_legs text
) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT sha256(convert_to(concat_ws('|', p_ledger, p_period, p_id, p_kind,
        (extract(epoch FROM p_effective) * 1000000)::bigint, (extract(epoch FROM p_recorded) * 1000000)::bigint,
        p_source_type, p_source, coalesce(p_reverses::text, '-'), p_actor, p_legs), 'UTF8'))
$$;

CREATE OR REPLACE FUNCTION ledger_accounting_day(p_effective timestamptz, p_period integer) RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN to_char(p_effective AT TIME ZONE 'Asia/Shanghai', 'YYYYMM')::integer = p_period
                THEN (p_effective AT TIME ZONE 'Asia/Shanghai')::date
                ELSE make_date(p_period / 100, p_period % 100, 1) END
$$;

-- I7: what reverses an entry goes the other way on the same accounts, and never beyond it.
CREATE OR REPLACE FUNCTION ledger_guard_reversals(p_ledger integer, p_reverses uuid[]) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
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
        RAISE EXCEPTION 'a reversal exceeds its original: constraint "ledger_reversal_within_original"'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_reversal_within_original';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION ledger_guard_reversals(integer, uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ledger_post(
    p_ledger integer, p_recorded timestamptz, p_open_month integer,
    p_entry uuid[], p_month integer[], p_kind text[], p_effective timestamptz[],
    p_source_type text[], p_source uuid[], p_reverses uuid[], p_actor uuid[],
    p_leg_entry integer[], p_leg_seq integer[], p_account uuid[], p_amount bigint[]
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    periods integer[];
    days date[];
    touched uuid[];
    found bigint;
BEGIN
    -- Closing a period takes this lock alone: nothing posts into a period while it closes.
    PERFORM pg_advisory_xact_lock_shared(p_ledger, 1);
    -- A late event stands in the open month, with its own effective date.
    SELECT array_agg(period ORDER BY position), array_agg(ledger_accounting_day(effective_at, period) ORDER BY position)
      INTO periods, days
      FROM (SELECT given.position, given.effective_at,
                   CASE WHEN shut.id IS NULL THEN given.month ELSE p_open_month END AS period
              FROM unnest(p_month, p_effective) WITH ORDINALITY AS given (month, effective_at, position)
              LEFT JOIN ledger_period AS shut
                ON shut.ledger_id = p_ledger AND shut.id = given.month AND shut.state <> 'open') AS placed;
    IF EXISTS (SELECT FROM ledger_period WHERE ledger_id = p_ledger AND id = ANY (periods) AND state <> 'open') THEN
        RAISE EXCEPTION 'the accounting period is closed: constraint "ledger_period_open"'
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

    -- Also where no statement trigger stands on the legs: on shards there is none.
    IF (SELECT count(*) FILTER (WHERE balanced)
          FROM (SELECT sum(amount) = 0 AND count(*) > 1 AS balanced
                  FROM unnest(p_leg_entry, p_amount) AS l (entry, amount) GROUP BY entry) AS entries) <> cardinality(p_entry) THEN
        RAISE EXCEPTION 'an entry has no legs that balance: constraint "ledger_entry_balanced"'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_entry_balanced';
    END IF;

    PERFORM ledger_guard_reversals(p_ledger, p_reverses) WHERE array_remove(p_reverses, NULL) <> '{}';

    -- One update per account and day, accounts locked in the order of their ids: no deadlock, no hot loop.
    SELECT array_agg(DISTINCT account) INTO touched FROM unnest(p_account) AS a (account);
    PERFORM 1 FROM ledger_balance
      WHERE ledger_id = p_ledger AND account_id = ANY (touched) ORDER BY account_id FOR UPDATE;
    UPDATE ledger_balance AS b
       SET debit_fen = b.debit_fen + moved.debit, credit_fen = b.credit_fen + moved.credit, version = b.version + moved.legs
      FROM (SELECT account_id,
                   coalesce(sum(amount) FILTER (WHERE amount > 0), 0) AS debit,
                   coalesce(-sum(amount) FILTER (WHERE amount < 0), 0) AS credit,
                   count(*) AS legs
              FROM unnest(p_account, p_amount) AS l (account_id, amount) GROUP BY account_id) AS moved
     WHERE b.ledger_id = p_ledger AND b.account_id = moved.account_id
       AND b.account_id = ANY (touched);  -- says how few they are: without it, a large batch reads every balance
    GET DIAGNOSTICS found = ROW_COUNT;
    IF found <> cardinality(touched) THEN
        RAISE EXCEPTION 'a leg has no account: constraint "ledger_leg_of_an_account"'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_leg_of_an_account';
    END IF;
    INSERT INTO ledger_day AS d (ledger_id, account_id, day, debit_fen, credit_fen, legs)
    SELECT p_ledger, account_id, days[entry],
           coalesce(sum(amount) FILTER (WHERE amount > 0), 0), coalesce(-sum(amount) FILTER (WHERE amount < 0), 0), count(*)
      FROM unnest(p_leg_entry, p_account, p_amount) AS l (entry, account_id, amount)
     GROUP BY account_id, days[entry]
    ON CONFLICT (ledger_id, account_id, day) DO UPDATE
       SET debit_fen = d.debit_fen + excluded.debit_fen, credit_fen = d.credit_fen + excluded.credit_fen,
           legs = d.legs + excluded.legs;
END
$$;

-- Who will touch several accounts in several steps locks them all first: in the order of `ledger_post`, after the
-- lock that keeps periods open. Without it, two steps of two transactions could wait for each other.
CREATE OR REPLACE FUNCTION ledger_lock_balances(p_ledger integer, p_account uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(p_ledger, 1);
    PERFORM 1 FROM ledger_balance
      WHERE ledger_id = p_ledger AND account_id = ANY (p_account) ORDER BY account_id FOR UPDATE;
END
$$;

-- What accounts can give, held until the transaction ends: in the lock order of ledger_post, so that a posting
-- on the same accounts follows without a deadlock. The application itself may lock no balance.
CREATE OR REPLACE FUNCTION ledger_hold_still(p_ledger integer, p_accounts uuid[])
RETURNS TABLE (account_id uuid, available_fen bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(p_ledger, 1);
    RETURN QUERY
        SELECT b.account_id, b.credit_fen - b.debit_fen - b.held_fen FROM ledger_balance AS b
         WHERE b.ledger_id = p_ledger AND b.account_id = ANY (p_accounts) ORDER BY b.account_id FOR UPDATE;
END
$$;
