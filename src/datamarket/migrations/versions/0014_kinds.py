"""Kinds of contract, and the digests of the texts that both sides sign."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0014_kinds.sql")


def downgrade() -> None:
    raise NoWayBack
