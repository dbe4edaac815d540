"""The market: tables, and who may do what."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(
        op.get_bind(),
        "0001_tables.sql",
        "0001_guards.sql",
        "0001_participants.sql",
        "0001_catalogue.sql",
    )


def downgrade() -> None:
    raise NoWayBack
