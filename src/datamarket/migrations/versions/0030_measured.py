"""How many records a resource holds, and what was measured of the quality of products."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0030_measured.sql")


def downgrade() -> None:
    raise NoWayBack
