"""Studies under an address."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0028_studies.sql")


def downgrade() -> None:
    raise NoWayBack
