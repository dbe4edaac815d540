"""Flags of integrity: what detectors found, and what became of it."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0022_integrity.sql")


def downgrade() -> None:
    raise NoWayBack
