"""A power cut: what was never forced to the disk is gone, and the market comes back from the disk alone."""

import asyncio
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it brings no types

from datamarket.foundation.db import with_database
from datamarket.server.checks import check_books
from loadtests.faults.cluster import ServerNotReady, running_cluster
from loadtests.faults.disks import LONGEST
from loadtests.faults.mounts import with_file_system
from loadtests.faults.oracle import Journal, judge, read_books
from loadtests.faults.proof import Proof
from loadtests.faults.restore import run_program
from loadtests.faults.stand import AS_SHIPPED, Stand, stand, tell
from loadtests.faults.traffic import Traffic
from loadtests.faults.workers import Span

CLAIM = (
    "a power cut under load, and only what the disk held at that instant comes back:"
    " no acknowledged write is lost, none is doubled, every check holds"
)
DISK = 'truncate -s 1G "$0.img" && mkfs.ext4 -q "$0.img" && mount -o loop,commit=60 "$0.img" "$0" && chmod 1777 "$0"'
"""A disk that is a file: what the kernel has not written to it is not in it. Only root may make one."""
CUTS = 3
CARELESS = {"fsync": "off"}
"""A server that leaves it to the kernel when its log reaches the disk."""


async def prove(*, seconds: float, seed: int) -> Proof:
    """Several cuts of one market; then one of a server that forces nothing to the disk."""

    load = min(seconds, LONGEST)

    async def experiment(disk: Path) -> Proof:
        tempfile.tempdir = str(disk)
        sound, figures = await _experiment(disk, load, seed, cuts=CUTS)
        control, told = await _experiment(disk, load, seed + 1, cuts=1, server=CARELESS)
        return Proof("power", CLAIM, sound, figures, told | {"server": CARELESS}, not control)

    return await with_file_system("power", CLAIM, DISK, experiment, seconds=seconds, seed=seed)


async def _experiment(
    disk: Path, seconds: float, seed: int, *, cuts: int, server: Mapping[str, str] = AS_SHIPPED
) -> tuple[bool, dict[str, object]]:
    """Whether every cut left whole books, and what was found after each."""
    async with stand("power", server=server) as on:
        run_program(["sync", "--file-system", str(disk)])  # the market itself is on the disk
        with Journal(on.folder / "intents.jsonl") as journal:
            heard, span = [], Span()
            with on.market.serving() as port:
                tell(f"power: {cuts} cuts in {seconds:.0f} s")
                trading = asyncio.create_task(Traffic(on, port, journal, seed).run(span.going))
                for number in range(cuts):
                    await asyncio.sleep(seconds / cuts)
                    heard.append(_cut(on, disk, journal, number))
                span.over = True
                await trading
            on.cluster.stop()
            found = [await _after(on, disk, journal, acked, number) for number, acked in enumerate(heard)]
    tell(f"power: {found}")
    return all(one["sound"] for one in found), {"cuts": found}


def _cut(on: Stand, disk: Path, journal: Journal, number: int) -> dict[str, bytes]:
    """The disk as it is while every process of the server stands still; what clients had heard by then."""
    postmaster = psutil.Process(int((on.cluster.data / "postmaster.pid").read_text().split()[0]))
    family = [postmaster, *postmaster.children(recursive=True)]
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    acked = dict(journal.acked)
    run_program(["cp", "--sparse=always", f"{disk}.img", f"{disk}.{number}"])
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.resume()
    return acked


async def _after(
    on: Stand, disk: Path, journal: Journal, acked: dict[str, bytes], number: int
) -> dict[str, object]:
    """The books that come back from the disk of a cut."""
    place = disk.with_name(f"after{number}")  # a socket's path is short
    place.mkdir(exist_ok=True)
    run_program(["mount", "-o", "loop", f"{disk}.{number}", str(place)])
    journal.acked = acked
    try:
        with running_cluster(place / on.folder.name / "postgres") as cluster:
            url = with_database(cluster.url, "market")
            verdict = judge(journal, await read_books(url, on.ledger_id))
            broken = [one.check.id for one in await check_books(url, on.ledger_id) if not one.holds]
    except ServerNotReady as lost:
        return {"sound": False, "acked": len(acked), "the_server_says": str(lost)[-300:]}
    finally:
        run_program(["umount", str(place)])
    return {"sound": verdict.sound and not broken, **verdict.figures(), "breaches": broken}
