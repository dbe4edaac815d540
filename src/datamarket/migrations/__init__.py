"""The schema's history: Alembic revisions; tables, guards and functions as SQL beside them."""
