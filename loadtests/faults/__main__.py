"""`python -m loadtests.faults --seconds 90 --json`: every proof with its control; exit 1 when one does not stand.

What this machine cannot run is told as not shown: it is no proof, and no failure.
"""

import argparse
import asyncio
import json
import os
import platform
import signal
import sys
import time
import traceback
from collections.abc import Awaitable, Callable

from loadtests.faults import (
    clocks,
    connections,
    disks,
    failover,
    frozen,
    kills,
    overload,
    power,
    restore,
    rewind,
    tampering,
    withdrawals,
    workers,
)
from loadtests.faults.proof import Proof
from loadtests.faults.stand import tell

PROOFS: dict[str, Callable[..., Awaitable[Proof]]] = {
    "kills": kills.prove,
    "workers": workers.prove,
    "withdrawals": withdrawals.prove,
    "frozen": frozen.prove,
    "overload": overload.prove,
    "tampering": tampering.prove,
    "restore": restore.prove,
    "rewind": rewind.prove,
    "clock": clocks.prove,
    "connections": connections.prove,
    "disk": disks.prove_disk,
    "wal": disks.prove_wal,
    "power": power.prove,
    "failover": failover.prove,
}
BESIDES = ("failover",)
"""Only when asked for by name: `make failover` installs what it needs."""


def main() -> int:
    wanted = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is ended all the same
    proofs = []
    for name in wanted.only:
        begun = time.monotonic()
        tell(f"{name} begins")
        proof = asyncio.run(_prove(name, seconds=wanted.seconds, seed=wanted.seed))
        tell(f"{name} {proof.verdict} after {time.monotonic() - begun:.0f} s")
        proofs.append(proof)
    if wanted.json:
        print(json.dumps(_report(wanted, proofs), ensure_ascii=False, indent=2, default=str))
    else:
        for proof in proofs:
            print(f"{proof.id}  {proof.verdict}  {proof.claim}")
    return 0 if all(proof.stands or proof.not_shown for proof in proofs) else 1


async def _prove(name: str, *, seconds: float, seed: int) -> Proof:
    """A proof that breaks down has not been given; the others go on."""
    try:
        return await PROOFS[name](seconds=seconds, seed=seed)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is no proof
        traceback.print_exc(file=sys.stderr)
        return Proof(
            id=name, claim="the experiment itself broke down", holds=False, figures={"error": repr(error)}
        )


def _report(wanted: argparse.Namespace, proofs: list[Proof]) -> dict[str, object]:
    return {
        "command": " ".join(["python -m loadtests.faults", *sys.argv[1:]]),
        "seed": wanted.seed,
        "machine": {
            "cores": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "proofs": [proof.as_json() for proof in proofs],
        "stands": all(proof.stands for proof in proofs if proof.not_shown is None),
        "not_shown": [proof.id for proof in proofs if proof.not_shown is not None],
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.faults", description=__doc__)
    parser.add_argument("--seconds", type=float, default=90, help="how long servers are killed under load")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--only",
        type=names,
        default=[name for name in PROOFS if name not in BESIDES],
        help="such as kills,workers",
    )
    parser.add_argument("--json", action="store_true", help="the report as JSON on standard output")
    return parser.parse_args()


def names(given: str) -> list[str]:
    """The proofs of a list such as kills,workers."""
    wanted = given.lower().split(",")
    unknown = [name for name in wanted if name not in PROOFS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}; there are {', '.join(PROOFS)}")
    return wanted


if __name__ == "__main__":
    sys.exit(main())
