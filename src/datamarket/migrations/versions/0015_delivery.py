"""Delivery: orders that are cured, accepted by use or at a cut, and paid in instalments."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0015_delivery.sql")


def downgrade() -> None:
    raise NoWayBack
