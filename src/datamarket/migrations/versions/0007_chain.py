"""The chain of authority: what a contract stands on, what stops it, and until when it stands."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0007_chain.sql")


def downgrade() -> None:
    raise NoWayBack
