"""Whether a listing stands is asked by columns: the function that took its row goes."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0036_columns.sql")


def downgrade() -> None:
    raise NoWayBack
