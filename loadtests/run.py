"""`python -m loadtests.run`: a small market of its own, the three journeys, the table, and then the books.

Exits 1 when a request failed that should not have, or when `datamarket check` finds a breach.
"""

import argparse
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from loadtests.market import HOST, ROOT, Market, end, market_in

LAST_WORDS_SECONDS = 60
YEAR = "2024"


def main() -> int:
    wanted = _arguments()
    with ExitStack() as stack:
        folder = wanted.var or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="datamarket-load-"))
        )
        folder.mkdir(parents=True, exist_ok=True)
        market = market_in(folder.resolve(), LOADTESTS_ENTERPRISES=str(wanted.enterprises))
        if not _filled(market, wanted):
            print("the market could not be filled; nothing was measured", file=sys.stderr)
            return 2
        with market.serving(wanted.workers) as port:
            travelled = _travel(market, port, wanted)
        books = market.command("check")
    if travelled:
        print(f"unexpected failures: see the table (locust ended with {travelled})", file=sys.stderr)
    if books:
        print("the books do not balance", file=sys.stderr)
    return 1 if travelled or books else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.run", description=__doc__)
    parser.add_argument("--seconds", type=int, default=30, help="how long the journeys last")
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--workers", type=int, default=1, help="processes of the API")
    parser.add_argument("--enterprises", type=int, default=60, help="in the simulated year before the load")
    parser.add_argument("--trades", type=int, default=2000, help="in the simulated year before the load")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--var", type=Path, help="folder of the market; a temporary one by default")
    return parser.parse_args()


def _filled(market: Market, wanted: argparse.Namespace) -> bool:
    """The city, one small year, and a subsidy run over it for the officer to read."""
    year = ["--years", YEAR, "--enterprises", str(wanted.enterprises), "--trades", str(wanted.trades)]
    commands = (
        ["seed"],
        ["simulate", *year, "--seed", str(wanted.seed)],
        ["subsidy", "run", "--year", YEAR, "--as", "authority"],
    )
    return not any(market.command(*command, quiet=True) for command in commands)


def _travel(market: Market, port: int, wanted: argparse.Namespace) -> int:
    """Locust as a process of its own: it patches the interpreter it runs in. Its exit code."""
    line = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--headless", "--only-summary"]
    line += ["--users", str(wanted.users), "--spawn-rate", str(max(1, wanted.users // 2))]
    line += ["--run-time", f"{wanted.seconds}s", "--stop-timeout", "10", "--host", f"http://{HOST}:{port}"]
    process = subprocess.Popen(line, env=market.environment, cwd=ROOT)  # noqa: S603 - our own
    try:
        return process.wait(wanted.seconds + LAST_WORDS_SECONDS)
    finally:
        end(process)


if __name__ == "__main__":
    sys.exit(main())
