-- A listing is found by each use class that its contracts may be of: a scenario for the public good is for that alone.
-- Term by term an index of a hundred thousand listings takes minutes, made anew seconds.
DROP INDEX listing_search_idx;
UPDATE listing
   SET search = search || CASE WHEN use_class = 'public_good' THEN $$'use:public_good'$$::tsvector
                               ELSE $$'use:industry' 'use:public_good'$$::tsvector END;
CREATE INDEX listing_search_idx ON listing USING gin (search) WITH (fastupdate = off) WHERE state = 'published';
