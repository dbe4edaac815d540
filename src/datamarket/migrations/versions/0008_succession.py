"""What the chain of authority lacked: the operator's admission, undertakings to renew, and one mandate after another."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0008_succession.sql")


def downgrade() -> None:
    raise NoWayBack
