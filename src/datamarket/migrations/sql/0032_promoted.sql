-- That a case entered a higher list, and where it stood until then.
CREATE TABLE subsidy_case_promotion (
    case_id UUID NOT NULL,
    n INTEGER NOT NULL,
    from_level character varying NOT NULL,
    from_listed_on DATE NOT NULL,
    from_list_name character varying,
    from_list_number character varying,
    level character varying NOT NULL,
    listed_on DATE NOT NULL,
    list_name character varying NOT NULL,
    list_number character varying NOT NULL,
    paper_id UUID NOT NULL,
    promoted_by UUID NOT NULL,
    promoted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT subsidy_case_promotion_pkey PRIMARY KEY (case_id, n),
    CONSTRAINT subsidy_case_promotion_case_id_fkey FOREIGN KEY (case_id) REFERENCES subsidy_case (id),
    CONSTRAINT subsidy_case_promotion_paper_id_fkey FOREIGN KEY (paper_id) REFERENCES subsidy_paper (id)
);
GRANT SELECT, INSERT ON subsidy_case_promotion TO datamarket_app;
