"""`python -m loadtests.run --size city`: a market of its own, the three journeys, their report, and then the books.

Exits 1 when more requests failed than the budget allows, when the server's memory did not stay flat, or when
`datamarket check` or `verify` finds a breach. Locust's own report is left in var/load/.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from loadtests import report
from loadtests.market import HOST, ROOT, Market, end, market_in
from loadtests.sizes import BYTES_A_USE, SIZES

LAST_WORDS_SECONDS = 60
MINUTE = 60
ACCOUNTS = 60
"""So many enterprises have traders; those of the city's files have accounts."""
YEAR = "2024"
REPORTS = ROOT / "var/load"


def main() -> int:
    wanted = _arguments()
    REPORTS.mkdir(parents=True, exist_ok=True)
    for left in REPORTS.glob(f"{wanted.size}*"):
        left.unlink()
    with ExitStack() as stack:
        folder = wanted.var or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="datamarket-load-"))
        )
        folder.mkdir(parents=True, exist_ok=True)
        market = market_in(folder.resolve(), LOADTESTS_ENTERPRISES=str(ACCOUNTS))
        filled = folder / f"filled-{wanted.size}"
        if not filled.exists() and not _filled(market, wanted):
            print("the market could not be filled; nothing was measured", file=sys.stderr)
            return 2
        filled.touch()
        with market.serving(wanted.workers) as port:
            memory = _travel(market, port, wanted)
        routes, errors = report.read(REPORTS / wanted.size)
        report.show(routes, errors, memory)
        broken = market.command("check"), market.command("verify")
    print(f"report: {(REPORTS / wanted.size).with_suffix('.html').relative_to(ROOT)}")
    if any(broken):
        print("the books do not balance, or the log is broken", file=sys.stderr)
    sound = report.is_as_it_should_be(routes, memory, budget=wanted.errors)
    if not sound:
        print("too many unforeseen errors, or memory that is not flat: see above", file=sys.stderr)
    return 0 if sound and not any(broken) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.run", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="demo", help="of the market before the load")
    parser.add_argument("--part", type=int, default=1, help="10: a tenth of that size")
    parser.add_argument("--seconds", type=int, default=30, help="how long the journeys last")
    parser.add_argument("--users", type=int, help="as many as the size has by default")
    parser.add_argument("--workers", type=int, default=1, help="processes of the API")
    parser.add_argument("--generators", type=int, default=1, help="processes of Locust")
    parser.add_argument("--errors", type=int, default=0, help="how many unforeseen ones are let pass")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--var",
        type=Path,
        help="folder of the market; used again when filled before, with the same DATAMARKET_DEMO_PASSWORD",
    )
    return parser.parse_args()


def _filled(market: Market, wanted: argparse.Namespace) -> bool:
    """The city, one small year, the uses of a larger one, a subsidy run for the officer to read; all of it sealed."""
    size, started = SIZES[wanted.size].part(wanted.part), time.perf_counter()
    free, needed = shutil.disk_usage(market.log.parent).free, size.uses * BYTES_A_USE
    if free < needed:
        print(f"{size} needs {needed >> 30} GiB of disk; {free >> 30} are free", file=sys.stderr)
        return False
    year = ["--years", YEAR, "--enterprises", str(size.enterprises), "--trades", str(size.trades)]
    done = (
        market.command("seed", quiet=True) == 0
        and market.command("simulate", *year, "--seed", str(wanted.seed), quiet=True) == 0
        and market.module("loadtests.bulk", "--times", str(size.times), "--uses", str(size.uses)) == 0
        and market.command("subsidy", "run", "--year", YEAR, "--as", "authority", quiet=True) == 0
        and market.command("seal", quiet=True) == 0
    )
    print(f"filling the market took {time.perf_counter() - started:.0f} s", file=sys.stderr)
    return done


def _travel(market: Market, port: int, wanted: argparse.Namespace) -> list[int]:
    """Locust as a process of its own: it patches the interpreter it runs in. What the server weighed meanwhile."""
    users = wanted.users or SIZES[wanted.size].users
    base = str(REPORTS / wanted.size)
    line = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--headless", "--only-summary"]
    line += ["--loglevel", "WARNING", "--exit-code-on-error", "0", "--stop-timeout", "10"]
    line += ["--html", f"{base}.html", "--csv", base, "--json-file", base]
    line += ["--users", str(users), "--spawn-rate", str(max(1, users // 10))]
    line += ["--run-time", f"{wanted.seconds}s", "--host", f"http://{HOST}:{port}"]
    line += ["--processes", str(wanted.generators)] if wanted.generators > 1 else []
    memory = [market.memory(port)]
    process = subprocess.Popen(line, env=market.environment, cwd=ROOT)  # noqa: S603 - our own
    until = time.monotonic() + wanted.seconds + LAST_WORDS_SECONDS
    try:
        while process.poll() is None and time.monotonic() < until:
            try:
                process.wait(MINUTE)
            except subprocess.TimeoutExpired:
                memory.append(market.memory(port))
    finally:
        end(process)
    return [*memory, market.memory(port)]


if __name__ == "__main__":
    sys.exit(main())
