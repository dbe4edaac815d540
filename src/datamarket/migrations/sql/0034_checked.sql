-- What each invariant was last found to be, whoever ran it.
CREATE TABLE check_run (
    ledger_id INTEGER NOT NULL,
    check_id character varying NOT NULL,
    ran_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seen BIGINT NOT NULL,
    breaches TEXT[] NOT NULL,
    CONSTRAINT check_run_pkey PRIMARY KEY (ledger_id, check_id)
);
GRANT SELECT, INSERT, UPDATE (ran_at, seen, breaches) ON check_run TO datamarket_app;
