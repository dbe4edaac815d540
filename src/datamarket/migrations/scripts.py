"""SQL files of a revision. Each holds many statements; only the driver itself takes them at once."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection

FOLDER = Path(__file__).parent / "sql"


def run(bind: Connection, *names: str) -> None:
    """Apply the files in their order, in the transaction of the migration."""
    connection: Any = bind.connection.dbapi_connection
    for name in names:
        statements = (FOLDER / name).read_text(encoding="utf-8")
        connection.run_async(lambda driver, script=statements: driver.execute(script))
