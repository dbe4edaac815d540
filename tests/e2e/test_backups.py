"""The embedded server, backed up and brought back to the second before a mistake, by the commands that a person types."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

DATAMARKET = [sys.executable, "-m", "datamarket"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return {**kept, "DATAMARKET_VAR": str(tmp_path / "var")}


@pytest.fixture
def backing_up(environment: dict[str, str], tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`datamarket backup`, which follows the log; it has its base."""
    process = subprocess.Popen([*DATAMARKET, "backup", str(tmp_path / "kept")], env=environment)  # noqa: S603 - our own program
    try:
        until = time.monotonic() + 60
        while not list((tmp_path / "kept").glob("base-*")):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.1)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def run(environment: dict[str, str], *line: str, said: str = "") -> tuple[int, str]:
    done = subprocess.run(  # noqa: S603 - our own program
        [*DATAMARKET, *line],
        env=environment,
        input=said,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_two_commands_bring_back_the_second_before_a_mistake_and_two_people_accept_what_is_gone(
    environment: dict[str, str], tmp_path: Path, backing_up: "subprocess.Popen[bytes]"
) -> None:
    passwords = []
    for name in ("auditor", "finance"):
        code, told = run(environment, "open-account", name, "--role", name)
        assert code == 0, told
        passwords.append(told.split()[-1])
    assert run(environment, "seal")[0] == 0
    time.sleep(1)
    before = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")  # noqa: TID251 - the server's clock is no other
    time.sleep(1)
    assert run(environment, "open-account", "mistake", "--role", "admin")[0] == 0
    assert run(environment, "seal")[0] == 0
    time.sleep(2)  # the log is received while the server runs
    backing_up.send_signal(signal.SIGTERM)
    assert backing_up.wait(60) == 0
    code, told = run(environment, "restore", str(tmp_path / "kept"), "--to", before)
    assert (code, "backup.folder-taken" in told) == (2, True)
    (tmp_path / "var" / "postgres").rename(tmp_path / "lost")
    code, told = run(environment, "restore", str(tmp_path / "kept"), "--to", before)
    assert code == 0, told
    assert "叶子 leaves 2 → 3: 1 缺失 gone" in told
    assert run(environment, "verify")[0] == 1
    code, told = run(
        environment,
        "accept-loss",
        "auditor",
        "finance",
        "--reason",
        "drill",
        said="\n".join([*passwords, ""]),
    )
    assert code == 0, told
    code, told = run(environment, "verify")
    assert (code, "drill" in told) == (0, True), told
