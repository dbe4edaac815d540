"""Negotiations and transfers over the Dataspace Protocol."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0017_dataspace.sql")


def downgrade() -> None:
    raise NoWayBack
