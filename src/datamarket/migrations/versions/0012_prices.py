"""Prices of public data: permitted incomes, ceilings, and what each product has earned in a year."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(op.get_bind(), "0012_prices.sql")


def downgrade() -> None:
    raise NoWayBack
