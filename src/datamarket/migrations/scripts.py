"""SQL of the schema: the files of a revision, and the functions of the rooms as they are now.

A revision holds tables and data. What functions and triggers say stands in one `functions.sql` a room, which is
applied again whenever a word of it differs; the function `functions_applied` says which text a database has, on each node of it.
All of it stands in the schema that the connection works in, and functions that fix their `search_path` take that.
"""

import hashlib
import re
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from datamarket.foundation.errors import Refused

ROOT = Path(__file__).parents[1]
FOLDER = Path(__file__).parent / "sql"
_APPLIED = text("SELECT prosrc FROM pg_proc WHERE oid = to_regproc('functions_applied')")
_STATEMENT = re.compile(r"(?>--[^\n]*|\$\$.*?\$\$|'[^']*'|[^;])*+;", re.DOTALL)
_SCHEMA = text("SELECT quote_ident(current_schema())")


class NoWayBack(Refused):
    code = "database.no-way-back"
    zh = "数据库结构只向前升级，不能降级：账本不可倒退；请恢复升级前的备份。"
    en = "The schema only goes forward: a ledger is not unmade. Restore the backup made before the upgrade."


def run(bind: Connection, *names: str) -> None:
    """Apply the files in their order, in the transaction of the migration."""
    for name in names:
        _execute(bind, (FOLDER / name).read_text(encoding="utf-8"))


def function_files() -> list[Path]:
    """The living text of functions and triggers: foundation's first, because triggers name its function."""
    found = [path for path in ROOT.rglob("functions.sql") if path.is_file()]
    return sorted(found, key=lambda path: (path.parent.name != "foundation", path.as_posix()))


def apply_functions(bind: Connection) -> bool:
    """Bring functions and triggers to the text of this program; false when they have it already."""
    living = "".join(path.read_text(encoding="utf-8") for path in function_files())
    mark = f"SELECT '{hashlib.sha256(living.encode()).hexdigest()}'"
    if bind.execute(_APPLIED).scalar() == mark:
        return False
    # Functions name each other in any order: their bodies are read when they run.
    _execute(bind, "SET LOCAL check_function_bodies = off")
    _execute(bind, f"SET LOCAL search_path = {bind.execute(_SCHEMA).scalar()}, pg_temp")
    for statement in _STATEMENT.findall(living):  # one by one: what is handed on to shards must be alone
        _execute(bind, statement)
    _execute(
        bind,
        f"CREATE OR REPLACE FUNCTION functions_applied() RETURNS text LANGUAGE sql IMMUTABLE AS $${mark}$$",
    )
    return True


def _execute(bind: Connection, statements: str) -> None:
    """Many statements at once, which only the driver itself takes."""
    connection: Any = bind.connection.dbapi_connection
    connection.run_async(lambda driver: driver.execute(statements))
