"""One project is one case, of two hands and a paper; papers as files."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0020_cases.sql")


def downgrade() -> None:
    raise NoWayBack
