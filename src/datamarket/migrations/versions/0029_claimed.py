"""What an application declares, and flags about it."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0029_claimed.sql")


def downgrade() -> None:
    raise NoWayBack
