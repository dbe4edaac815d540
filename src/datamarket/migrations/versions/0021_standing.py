"""What a subsidy stands on, as it was recorded: venues from and to, ends of control; held awards, one public list."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0021_standing.sql")


def downgrade() -> None:
    raise NoWayBack
