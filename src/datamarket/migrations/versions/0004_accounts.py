"""Accounts: what the end of one, its password and its sign-ins need."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0004_accounts.sql")


def downgrade() -> None:
    raise NoWayBack
