"""Orders: quota that is held, and reasons that are kept."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0005_orders.sql")


def downgrade() -> None:
    raise NoWayBack
