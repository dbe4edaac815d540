"""The person who did something is `actor_id` on every row."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0003_actors.sql")


def downgrade() -> None:
    raise NoWayBack
