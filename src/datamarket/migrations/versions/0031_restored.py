"""What of a recovered award the books justify again is awarded again."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0031_restored.sql")


def downgrade() -> None:
    raise NoWayBack
