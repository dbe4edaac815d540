"""The market: tables, guards, the ledger's functions."""

from pathlib import Path
from typing import Any

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """Each file holds many statements; only the driver itself takes them at once."""
    connection: Any = op.get_bind().connection.dbapi_connection
    for name in (
        "0001_tables.sql",
        "0001_guards.sql",
        "0001_ledger.sql",
        "0001_participants.sql",
        "0001_catalogue.sql",
        "0001_subsidy.sql",
    ):
        statements = (SQL / name).read_text(encoding="utf-8")
        connection.run_async(lambda driver, script=statements: driver.execute(script))


def downgrade() -> None:
    """The schema only goes forward: a ledger is not unmade."""
