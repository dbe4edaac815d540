-- A listing is found by each use class that its contracts may be of: a scenario for the public good is for that alone.
UPDATE listing
   SET search = search || CASE WHEN use_class = 'public_good' THEN $$'use:public_good'$$::tsvector
                               ELSE $$'use:industry' 'use:public_good'$$::tsvector END;
