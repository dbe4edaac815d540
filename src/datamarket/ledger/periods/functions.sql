CREATE OR REPLACE TRIGGER ledger_period_balance_append_only BEFORE UPDATE OR DELETE ON ledger_period_balance
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER ledger_period_balance_no_truncate BEFORE TRUNCATE ON ledger_period_balance
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE OR REPLACE FUNCTION ledger_first_day(p_period integer) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT make_date(p_period / 100, p_period % 100, 1)
$$;

CREATE OR REPLACE FUNCTION ledger_next_period(p_period integer) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN p_period % 100 = 12 THEN p_period + 89 ELSE p_period + 1 END
$$;

CREATE OR REPLACE FUNCTION ledger_closing_root(p_ledger integer, p_period integer, p_revision integer) RETURNS bytea
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN sha256(convert_to(concat_ws('|', p_ledger, p_period, p_revision,
        (SELECT string_agg(account_id || ':' || closing_debit_fen || ':' || closing_credit_fen, ',' ORDER BY account_id)
           FROM ledger_period_balance
          WHERE ledger_id = p_ledger AND period = p_period AND revision = p_revision)), 'UTF8'));
END
$$;

-- What stood on one account at the end of an accounting day: the last closing not after it, and the days since.
CREATE OR REPLACE FUNCTION ledger_balance_at(p_ledger integer, p_account uuid, p_at date)
RETURNS TABLE (debit_fen bigint, credit_fen bigint) LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN QUERY
    WITH base AS (
        SELECT id, revision FROM ledger_period
         WHERE ledger_id = p_ledger AND state IN ('closed', 'archived') AND id < to_char(p_at + 1, 'YYYYMM')::integer
         ORDER BY id DESC LIMIT 1
    )
    SELECT coalesce(sum(m.debit_fen), 0)::bigint, coalesce(sum(m.credit_fen), 0)::bigint FROM (
        SELECT b.closing_debit_fen AS debit_fen, b.closing_credit_fen AS credit_fen
          FROM ledger_period_balance b
         WHERE b.ledger_id = p_ledger AND b.account_id = p_account
           AND (b.period, b.revision) = (SELECT id, revision FROM base)
        UNION ALL
        SELECT d.debit_fen, d.credit_fen
          FROM ledger_day d
         WHERE d.ledger_id = p_ledger AND d.account_id = p_account AND d.day <= p_at
           AND d.day >= coalesce((SELECT ledger_first_day(ledger_next_period(id)) FROM base), '-infinity'::date)
    ) AS m;
END
$$;

-- The same for every account that had moved by then. The nearer end is taken: forward from the closing before, or
-- backward from the closing after, or from what stands now. So half a month of days is read at the most.
CREATE OR REPLACE FUNCTION ledger_balances_at(p_ledger integer, p_at date)
RETURNS TABLE (account_id uuid, debit_fen bigint, credit_fen bigint) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    reached constant integer := to_char(p_at + 1, 'YYYYMM')::integer;
    base ledger_period;
    next_one ledger_period;
    begun date;
    ended date;
BEGIN
    SELECT * INTO base FROM ledger_period AS p
     WHERE p.ledger_id = p_ledger AND p.state IN ('closed', 'archived') AND p.id < reached ORDER BY p.id DESC LIMIT 1;
    SELECT * INTO next_one FROM ledger_period AS p
     WHERE p.ledger_id = p_ledger AND p.state IN ('closed', 'archived') AND p.id >= reached ORDER BY p.id LIMIT 1;
    begun := coalesce(ledger_first_day(ledger_next_period(base.id)),
                      (SELECT min(d.day) FROM ledger_day AS d WHERE d.ledger_id = p_ledger), p_at);
    ended := coalesce(ledger_first_day(ledger_next_period(next_one.id)) - 1,
                      (SELECT max(d.day) FROM ledger_day AS d WHERE d.ledger_id = p_ledger), p_at);
    IF p_at - begun <= ended - p_at THEN
        RETURN QUERY
        SELECT m.account_id, sum(m.debit)::bigint, sum(m.credit)::bigint FROM (
            SELECT b.account_id, b.closing_debit_fen AS debit, b.closing_credit_fen AS credit FROM ledger_period_balance AS b
             WHERE b.ledger_id = p_ledger AND b.period = base.id AND b.revision = base.revision
            UNION ALL
            SELECT d.account_id, d.debit_fen, d.credit_fen FROM ledger_day AS d
             WHERE d.ledger_id = p_ledger AND d.day BETWEEN begun AND p_at
        ) AS m GROUP BY m.account_id;
    ELSE
        RETURN QUERY
        SELECT m.account_id, sum(m.debit)::bigint, sum(m.credit)::bigint FROM (
            SELECT b.account_id, b.closing_debit_fen AS debit, b.closing_credit_fen AS credit FROM ledger_period_balance AS b
             WHERE b.ledger_id = p_ledger AND b.period = next_one.id AND b.revision = next_one.revision
            UNION ALL
            SELECT b.account_id, b.debit_fen, b.credit_fen FROM ledger_balance AS b
             WHERE b.ledger_id = p_ledger AND next_one.id IS NULL
            UNION ALL
            SELECT d.account_id, -d.debit_fen, -d.credit_fen FROM ledger_day AS d
             WHERE d.ledger_id = p_ledger AND d.day > p_at AND (d.day <= ended OR next_one.id IS NULL)
        ) AS m GROUP BY m.account_id HAVING sum(m.debit) <> 0 OR sum(m.credit) <> 0;
    END IF;
END
$$;

-- Closes one month after the one before it. Not to be called by itself: the order is kept by ledger_close_period.
CREATE OR REPLACE FUNCTION ledger_take_closing(p_ledger integer, p_period integer, p_now timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    taken integer;
    previous ledger_period;
BEGIN
    INSERT INTO ledger_period (ledger_id, id, state, version, revision)
    VALUES (p_ledger, p_period, 'open', 0, 0) ON CONFLICT DO NOTHING;
    SELECT * INTO previous FROM ledger_period
     WHERE ledger_id = p_ledger AND id < p_period AND state IN ('closed', 'archived') ORDER BY id DESC LIMIT 1;
    SELECT revision + 1 INTO taken FROM ledger_period WHERE ledger_id = p_ledger AND id = p_period;
    INSERT INTO ledger_period_balance (ledger_id, period, revision, account_id,
        opening_debit_fen, opening_credit_fen, debit_fen, credit_fen, closing_debit_fen, closing_credit_fen)
    SELECT p_ledger, p_period, taken, account_id, od, oc, md, mc, od + md, oc + mc
      FROM (SELECT account_id, coalesce(o.closing_debit_fen, 0) AS od, coalesce(o.closing_credit_fen, 0) AS oc,
                   coalesce(m.debit_fen, 0) AS md, coalesce(m.credit_fen, 0) AS mc
              FROM (SELECT b.account_id, b.closing_debit_fen, b.closing_credit_fen FROM ledger_period_balance AS b
                     WHERE b.ledger_id = p_ledger AND b.period = previous.id AND b.revision = previous.revision) AS o
              FULL JOIN (SELECT d.account_id, sum(d.debit_fen)::bigint AS debit_fen, sum(d.credit_fen)::bigint AS credit_fen
                           FROM ledger_day d
                          WHERE d.ledger_id = p_ledger AND d.day >= ledger_first_day(p_period)
                            AND d.day < ledger_first_day(ledger_next_period(p_period))
                          GROUP BY d.account_id) AS m USING (account_id)) AS both_parts;
    -- A posting may have waited for the lock with a later clock: the month is closed after all it holds.
    UPDATE ledger_period
       SET state = 'closed', version = version + 1, revision = taken,
           closed_at = greatest(p_now, (SELECT max(recorded_at) FROM ledger_entry
                                         WHERE ledger_id = p_ledger AND period = p_period)),
           closing_root = ledger_closing_root(p_ledger, p_period, taken)
     WHERE ledger_id = p_ledger AND id = p_period;
END
$$;
REVOKE ALL ON FUNCTION ledger_take_closing(integer, integer, timestamptz) FROM PUBLIC;

-- The closed months are always the first ones, without a gap: months without movements are closed along with the
-- next that has some, back to the first partition, so that nothing slips in before an opening balance.
CREATE OR REPLACE FUNCTION ledger_close_through(p_ledger integer, p_period integer, p_now timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    month integer;
BEGIN
    SELECT ledger_next_period(max(id)) INTO month
      FROM ledger_period WHERE ledger_id = p_ledger AND state IN ('closed', 'archived');
    IF month IS NULL THEN
        SELECT least(p_period, min(right(c.relname, 4)::integer) * 100 + 1) INTO month
          FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'ledger_entry'::regclass;
    END IF;
    WHILE month <= p_period LOOP
        PERFORM ledger_take_closing(p_ledger, month, p_now);
        month := ledger_next_period(month);
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION ledger_close_through(integer, integer, timestamptz) FROM PUBLIC;

-- The first month before this one that has movements and is not closed, if any.
CREATE OR REPLACE FUNCTION ledger_first_unclosed(p_ledger integer, p_period integer) RETURNS integer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT to_char(min(d.day), 'YYYYMM')::integer FROM ledger_day d
             WHERE d.ledger_id = p_ledger AND d.day < ledger_first_day(p_period)
               AND d.day >= coalesce((SELECT ledger_first_day(ledger_next_period(max(p.id))) FROM ledger_period p
                                       WHERE p.ledger_id = p_ledger AND p.state IN ('closed', 'archived')), '-infinity'::date));
END
$$;

-- The two ways to change a month. Both wait for the postings under way, and none begins meanwhile.
CREATE OR REPLACE FUNCTION ledger_close_period(p_ledger integer, p_period integer, p_now timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(p_ledger, 1);
    IF NOT EXISTS (SELECT FROM ledger_period WHERE ledger_id = p_ledger AND id = p_period AND state = 'closing') THEN
        RAISE EXCEPTION 'only a month that is closing is closed: constraint "ledger_period_moves"'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_period_moves';
    END IF;
    IF ledger_first_unclosed(p_ledger, p_period) IS NOT NULL THEN
        RAISE EXCEPTION 'an earlier month with movements is not closed: constraint "ledger_period_order"'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_period_order';
    END IF;
    PERFORM ledger_close_through(p_ledger, p_period, p_now);
END
$$;

CREATE OR REPLACE FUNCTION ledger_move_period(p_ledger integer, p_period integer, p_from text, p_to text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(p_ledger, 1);
    IF p_from = 'open' THEN
        INSERT INTO ledger_period (ledger_id, id, state, version, revision)
        VALUES (p_ledger, p_period, 'open', 0, 0) ON CONFLICT DO NOTHING;
    END IF;
    UPDATE ledger_period
       SET state = p_to, version = version + 1,
           closed_at = CASE WHEN p_to = 'archived' THEN closed_at END,
           closing_root = CASE WHEN p_to = 'archived' THEN closing_root END
     WHERE ledger_id = p_ledger AND id = p_period AND state = p_from
       AND (p_from, p_to) IN (('open', 'closing'), ('closing', 'open'), ('closed', 'open'), ('closed', 'archived'));
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a month does not move so: constraint "ledger_period_moves"'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_period_moves';
    END IF;
    IF p_to IN ('open', 'closing') AND EXISTS (
        SELECT FROM ledger_period WHERE ledger_id = p_ledger AND id > p_period AND state IN ('closed', 'archived')
    ) THEN
        RAISE EXCEPTION 'a later month is closed: constraint "ledger_period_order"'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_period_order';
    END IF;
END
$$;
