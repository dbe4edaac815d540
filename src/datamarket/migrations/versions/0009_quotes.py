"""Price plans with terms of their own, what is charged by the month and the year, and quotes."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0009_quotes.sql")


def downgrade() -> None:
    raise NoWayBack
