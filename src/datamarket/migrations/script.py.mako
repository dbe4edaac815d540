"""${message}"""

from alembic import op

from datamarket.migrations.scripts import NoWayBack

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "raise SystemExit('write the upgrade')"}


def downgrade() -> None:
    raise NoWayBack
