"""The last result of each invariant is kept."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0034_checked.sql")


def downgrade() -> None:
    raise NoWayBack
