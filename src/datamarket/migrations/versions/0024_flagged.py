"""What flags took off a base."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0024_flagged.sql")


def downgrade() -> None:
    raise NoWayBack
