"""Awards that were paid and come back."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0027_recoveries.sql")


def downgrade() -> None:
    raise NoWayBack
