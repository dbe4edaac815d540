"""Listings are found by what contracts on them may be for."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0033_used_for.sql")


def downgrade() -> None:
    raise NoWayBack
