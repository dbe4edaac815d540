"""The registers that a subsidy stands on, taken over into audit events as they stand."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0023_registers.sql")


def downgrade() -> None:
    raise NoWayBack
