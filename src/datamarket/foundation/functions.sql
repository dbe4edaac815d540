-- Append-only, for the owner too: nobody changes the past by mistake.
-- Append-only, for the owner too: nobody changes the past by mistake.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: constraint "append_only"', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'append_only';
END
$$;

-- On every table that an answer for everyone is read from: whoever remembers such answers forgets them (edge/remembered.py).
-- Its commits go one after another, through a lock of the whole server: no table of a hot path tells.
CREATE OR REPLACE FUNCTION tell_shown() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('datamarket_shown', '');
    RETURN NULL;
END
$$;

-- What `folded` has sent: one value stands for so many.
CREATE OR REPLACE FUNCTION unfolded(sent anyarray, rows_there integer) RETURNS anyarray LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE cardinality(sent) WHEN 1 THEN array_fill(sent[1], ARRAY[rows_there]) ELSE sent END
$$;
