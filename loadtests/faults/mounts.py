"""A proof that needs a file system of its own is given by a child that alone sees it: it is gone with the child."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from loadtests.faults.proof import Proof

MOUNTED = "FAULTS_MOUNTED"
"""Environment of the child: where the file system is."""
SMALL = 'mount -t tmpfs -o size=192m,mode=0777 none "$0"'
"""Some 70 MiB of tables or of write-ahead log, and room for what is written before the disk fills."""
Experiment = Callable[[Path], Awaitable[Proof]]


async def with_file_system(
    name: str, claim: str, script: str, experiment: Experiment, *, seconds: float, seed: int
) -> Proof:
    """The experiment where `script` has mounted "$0"; where nothing may be mounted it is not shown, and says why."""
    if MOUNTED in os.environ:
        return await experiment(Path(os.environ[MOUNTED]))
    with TemporaryDirectory(prefix=f"datamarket-{name}-mount-") as folder:
        Path(folder).chmod(0o755)  # noqa: ASYNC240 - the server's user goes through it
        place = Path(folder) / "disk"
        place.mkdir()
        status, _, refused = await _run(place, script, ["true"])
        if status:
            return Proof(id=name, claim=claim, holds=False, not_shown=refused.strip() or f"exit {status}")
        again = [sys.executable, "-m", "loadtests.faults", "--json", "--only", name]
        _, told, _ = await _run(
            place, script, [*again, "--seconds", str(seconds), "--seed", str(seed)], own=True
        )
    proof = orjson.loads(told)["proofs"][0]
    proof.pop("stands")
    return Proof(**proof)


async def _run(
    place: Path, script: str, line: list[str], *, own: bool = False
) -> tuple[int | None, str, str]:
    """In a mount namespace: as root in one of ours, else as ourselves below a namespace where we are root.

    What the child tells is its `own`, or kept for the reason why nothing could be mounted.
    """
    enter = ["unshare", "--mount"]
    if os.geteuid():
        enter += ["--user", "--map-root-user"]
        line = ["unshare", "--user", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}", *line]
    enter += ["sh", "-c", f'{script} && exec "$@"', str(place)]
    try:
        child = await asyncio.create_subprocess_exec(
            *enter,
            *line,
            env={**os.environ, MOUNTED: str(place)},
            stdout=asyncio.subprocess.PIPE,
            stderr=None if own else asyncio.subprocess.PIPE,
        )
    except FileNotFoundError as missing:
        return 127, "", str(missing)
    try:
        told, refused = await child.communicate()
    except asyncio.CancelledError:
        child.send_signal(signal.SIGTERM)
        await child.wait()
        raise
    return child.returncode, told.decode(), (refused or b"").decode(errors="replace")
