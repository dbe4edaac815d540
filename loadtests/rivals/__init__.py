"""What others would do for the same work: a service as tutorials write it, and the award by four engines.

tutorial   FastAPI and SQLModel with sync sessions: the same sale, a listing by id, the first page
standing   its database filled from the market's, and both asked for the same sales: equal to the fen
award      the top-ten award by plain SQL, DuckDB, polars and openfisca-core: first right, then timed

They run in an environment of their own, `make rivals`: the market needs none of what they need.
"""
