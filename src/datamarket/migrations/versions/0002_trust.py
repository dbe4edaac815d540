"""Holds, payouts, closing balances, sealed evidence; the ledger's checks by set instead of by row."""

from alembic import op

from datamarket.migrations.scripts import NoWayBack, run

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run(
        op.get_bind(),
        "0002_ledger.sql",
        "0002_holds.sql",
        "0002_periods.sql",
        "0002_payouts.sql",
        "0002_evidence.sql",
    )


def downgrade() -> None:
    raise NoWayBack
