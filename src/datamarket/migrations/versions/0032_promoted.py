"""A case enters a higher list by an event of its own, and where it stood before is kept."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0032_promoted.sql")


def downgrade() -> None:
    raise NoWayBack
