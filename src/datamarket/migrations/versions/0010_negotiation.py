"""Negotiation: versions of a contract's terms, who must answer until when, notice, and the duty at the end."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0010_negotiation.sql")


def downgrade() -> None:
    raise NoWayBack
