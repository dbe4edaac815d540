-- Append-only, for the owner too: nobody changes the past by mistake.
-- Append-only, for the owner too: nobody changes the past by mistake.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'append_only';
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
