"""Turnover: what each contract turned over in a year, and from what a run took it."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0006_turnover.sql")


def downgrade() -> None:
    raise NoWayBack
