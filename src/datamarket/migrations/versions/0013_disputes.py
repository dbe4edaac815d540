"""Disputes of trades."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0013_disputes.sql")


def downgrade() -> None:
    raise NoWayBack
