"""Published listings and approved products are counted as they come and go."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0035_tallied.sql")


def downgrade() -> None:
    raise NoWayBack
