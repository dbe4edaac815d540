"""Objections to a public list, and which of them led to a run."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0025_objections.sql")


def downgrade() -> None:
    raise NoWayBack
