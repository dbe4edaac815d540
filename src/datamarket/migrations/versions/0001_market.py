"""The market: tables, guards, the ledger's functions."""

from alembic import op

from datamarket.migrations.scripts import run

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(
        op.get_bind(),
        "0001_tables.sql",
        "0001_guards.sql",
        "0001_ledger.sql",
        "0001_participants.sql",
        "0001_catalogue.sql",
        "0001_subsidy.sql",
    )


def downgrade() -> None:
    """The schema only goes forward: a ledger is not unmade."""
