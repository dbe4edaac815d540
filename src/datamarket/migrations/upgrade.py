"""The revisions that a database lacks, by Alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from datamarket.foundation.errors import Conflict

FOLDER = Path(__file__).parent


class SchemaIsNewer(Conflict):
    code = "database.newer"
    zh = "数据库结构（{found}）比本程序新，本程序未作任何更改；请使用更新的程序，或恢复升级前的备份。"
    en = "The schema of the database ({found}) is newer than this program, which changed nothing. Use a newer program, or a backup made before the upgrade."


def upgrade(connection: Connection) -> None:
    """In the transaction of the connection. Raises SchemaIsNewer."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    newer = set(MigrationContext.configure(connection).get_current_heads()) - known
    if newer:
        raise SchemaIsNewer(found=", ".join(sorted(newer)))
    command.upgrade(config, "head")
