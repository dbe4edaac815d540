"""Since when a contract stands without a break."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0019_stands_from.sql")


def downgrade() -> None:
    raise NoWayBack
