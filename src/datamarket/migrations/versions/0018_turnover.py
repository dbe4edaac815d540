"""Turnover by month: what each contract turned over, and the statistics that are read from it."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0018_turnover.sql")


def downgrade() -> None:
    raise NoWayBack
