"""What else decides a use."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0016_decision.sql")


def downgrade() -> None:
    raise NoWayBack
