"""Being told: subscriptions, what was sent to them, and what the inbox finds its rows by."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0011_told.sql")


def downgrade() -> None:
    raise NoWayBack
