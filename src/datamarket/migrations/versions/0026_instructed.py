"""Awards leave through payout batches: one instruction for each, and the words of what becomes of it."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0026_instructed.sql")


def downgrade() -> None:
    raise NoWayBack
