"""A market of the run's own: a folder, commands that fill it, and a server on a free port, ended by its pid."""

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it brings no types

ROOT = Path(__file__).parents[1]
RIVALS = ROOT / "var/rivals/bin/python"
"""The environment that `make rivals` makes."""
DATAMARKET = (sys.executable, "-m", "datamarket")
READY_SECONDS = 300
"""Four workers that came up at once on two cores took sixty, and more than a hundred and fifty where six others worked."""
GRACE_SECONDS = 20
FAULTS_TOLD = 5
ENDING_LINES = 4
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Market:
    """The environment that every process of this run shares, and where the server writes its log."""

    environment: Mapping[str, str]
    log: Path

    def command(self, *arguments: str, quiet: bool = False) -> int:
        """`datamarket …` to its end; the exit code. Progress and refusals are shown even when it is quiet."""
        line = [*DATAMARKET, *arguments]
        out = subprocess.DEVNULL if quiet else None
        return subprocess.run(line, env=self.environment, cwd=ROOT, check=False, stdout=out).returncode  # noqa: S603 - our own

    def module(self, name: str, *arguments: str) -> int:
        """`python -m name …` to its end; the exit code."""
        line = [sys.executable, "-m", name, *arguments]
        return subprocess.run(line, env=self.environment, cwd=ROOT, check=False).returncode  # noqa: S603 - our own

    def memory(self, port: int) -> int:
        """Bytes that the server on this port holds, in all its processes but the database's."""
        serving = [one for one in psutil.Process().children() if str(port) in one.cmdline()]
        family = [one for server in serving for one in (server, *server.children(recursive=True))]
        return sum(one.memory_info().rss for one in family if "postgres" not in one.name())

    @contextmanager
    def serving(self, workers: int = 1) -> Iterator[int]:
        """The API on a free port of the loopback; the port."""
        port = free_port()
        line = [*DATAMARKET, "serve", "--port", str(port), "--workers", str(workers)]
        try:
            with self._running(line, port, "/health/ready"):
                yield port
        finally:
            self._tell_faults()

    @contextmanager
    def serving_factory(self, factory: str) -> Iterator[int]:
        """An application of the load tests' own on a free port; the database must be up to date."""
        port = free_port()
        line = [sys.executable, "-m", "uvicorn", factory, "--factory", "--port", str(port), "--no-access-log"]
        try:
            with self._running(line, port, "/health/ready"):
                yield port
        finally:
            self._tell_faults()

    @contextmanager
    def serving_bare(self, workers: int = 1) -> Iterator[int]:
        """One route of nothing but FastAPI, on a port of its own."""
        port = free_port()
        line = [sys.executable, "-m", "uvicorn", "loadtests.bare:app", "--port", str(port), "--no-access-log"]
        line += ["--workers", str(workers), "--timeout-worker-healthcheck", "60"] if workers > 1 else []
        with self._running(line, port, "/"):
            yield port

    @contextmanager
    def serving_tutorial(self, url: str) -> Iterator[int]:
        """The service as tutorials write it, on a database of its own; in the rivals' environment."""
        port = free_port()
        line = [
            str(RIVALS),
            "-m",
            "uvicorn",
            "loadtests.rivals.tutorial:app",
            "--port",
            str(port),
            "--no-access-log",
        ]
        rival = replace(self, environment={**self.environment, "RIVAL_DATABASE_URL": url})
        with rival._running(line, port, "/"):  # noqa: SLF001 - it is one of us
            yield port

    @contextmanager
    def _running(self, line: list[str], port: int, path: str) -> Iterator[None]:
        with self.log.open("ab") as log:
            server = subprocess.Popen(line, env=self.environment, cwd=ROOT, stdout=log, stderr=log)  # noqa: S603 - our own
            try:
                _await_ready(server, port, path)
                yield
            finally:
                end(server)

    def _tell_faults(self) -> None:
        """What the server logged as an error: a fault of the market's own, never of its caller."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        faults = [json.loads(line) for line in lines if line.startswith("{") and '"level":"ERROR"' in line]
        for fault in faults[:FAULTS_TOLD]:
            where = fault.get("traceback", "").strip().splitlines()[-ENDING_LINES:]
            print(fault["message"], *where, sep="\n    ", file=sys.stderr)


def market_in(folder: Path, **more: str) -> Market:
    """A market whose data and keys live in `folder`; limits on callers are off, one address asks for all."""
    given = {
        "DATAMARKET_VAR": str(folder),
        "DATAMARKET_DEMO_PASSWORD": os.environ.get("DATAMARKET_DEMO_PASSWORD", secrets.token_urlsafe(18)),
        "DATAMARKET_RATE_LIMIT": "1000000/second",
        "DATAMARKET_SIGN_IN_LIMIT": "1000000/minute",
        "DATAMARKET_USERNAME_LIMIT": "1000000/minute",
        "DATAMARKET_LOG_REQUESTS": "false",
        "PYTHONPATH": str(ROOT),
    }
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return Market(inherited | given | more, folder / "serve.log")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _await_ready(server: "subprocess.Popen[bytes]", port: int, path: str) -> None:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        if server.poll() is not None:
            message = f"the server ended with {server.returncode} before it was ready"
            raise RuntimeError(message)
        connection = http.client.HTTPConnection(HOST, port, timeout=2)
        with suppress(OSError):
            connection.request("GET", path)
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        connection.close()
        time.sleep(0.1)
    message = "the server was not ready in time"
    raise RuntimeError(message)


def end(process: "subprocess.Popen[bytes]") -> None:
    """Ask the process to end as a person does with Ctrl-C; after the grace, end it."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
