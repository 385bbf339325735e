"""Real Kafka brokers for tests, benchmarks and ``make kafka``: Apache's published jars, KRaft, loopback only.

    with Cluster(tmp_path, nodes=3) as cluster:
        ...                             # cluster.bootstrap
        cluster.kill(0)                 # SIGKILL
        cluster.start(0)                # the same node again, on the same port

Run as a program it is a broker in the foreground until it is interrupted.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

POM = Path(__file__).with_suffix(".pom.xml")
VERSION = "4.3.1"
READY_S = 120.0
JVM = ("-Xms128m", "-Xmx768m", "-XX:+UseSerialGC")


class BrokerError(Exception):
    """No broker can be had; the text says what to install or where to look."""


@dataclass
class Node:
    """One broker and controller, with the ports that it keeps over restarts."""

    id: int
    port: int
    controller_port: int
    directory: Path
    advertised_port: int
    more_ports: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Of the cluster's further listeners, by their names: the port, and that which clients are told."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What the broker printed."""
        return self.directory / "broker.log"


@dataclass
class Cluster:
    """Brokers of one cluster, each a process of its own. Starts with ``with``; ends them and keeps their files.

    ``properties`` are added to those of every node. ``advertise(listener, port)`` may name another port for clients to
    use: that of a proxy.
    """

    directory: Path
    nodes: int = 1
    port: int | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    listeners: Mapping[str, str] = field(default_factory=dict)
    """Further listeners: names, and the security protocols that are spoken there."""
    scram: tuple[str, ...] = ()
    """Users for SCRAM, as Kafka's storage tool takes them: ``SCRAM-SHA-256=[name=…,password=…]``."""
    advertise: Callable[[str, int], int] = lambda listener, port: port
    members: list[Node] = field(default_factory=list, init=False)

    @property
    def bootstrap(self) -> str:
        """Where clients begin: host:port, with commas."""
        return ",".join(f"127.0.0.1:{node.advertised_port}" for node in self.members)

    def servers(self, listener: str) -> str:
        """Where clients of a further listener begin."""
        return ",".join(f"127.0.0.1:{node.more_ports[listener][1]}" for node in self.members)

    def __enter__(self) -> Cluster:
        jars = find_jars()
        ports = free_ports((2 + len(self.listeners)) * self.nodes)
        for i in range(self.nodes):
            port = self.port + i if self.port is not None else ports.pop()
            more = {name: (own, self.advertise(name, own)) for name in self.listeners for own in [ports.pop()]}
            folder = self.directory / f"node-{i + 1}"
            folder.mkdir(parents=True)
            self.members.append(Node(i + 1, port, ports.pop(), folder, self.advertise("PLAINTEXT", port), more))
        try:
            cluster_id = base64.urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
            formats = [self._format(jars, node, cluster_id) for node in self.members]
            for node, format_process in zip(self.members, formats, strict=True):
                output, _ = format_process.communicate(timeout=READY_S)
                if format_process.returncode:
                    raise BrokerError(f"the storage of node {node.id} can't be formatted: {output.decode()}")
            for i in range(self.nodes):
                self.start(i, wait=False)
            self.wait()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self, index: int, *, wait: bool = True) -> None:
        """Start a node that isn't running; by default return when every node that runs knows of all that do."""
        node = self.members[index]
        command = [*_ending_with_us(), "java", *JVM, "-cp", str(find_jars() / "*"), "kafka.Kafka"]
        with node.log.open("ab") as log:
            node.process = subprocess.Popen(
                [*command, str(node.directory / "server.properties")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if wait:
            self.wait()

    def kill(self, index: int) -> None:
        """SIGKILL a node; returns when it is gone."""
        node = self.members[index]
        if node.process is not None:
            node.process.kill()
            node.process.wait()
            node.process = None

    def close(self) -> None:
        """End all nodes."""
        for index in range(len(self.members)):
            self.kill(index)

    def wait(self) -> None:
        """Return when every node that was started knows of all the others.

        Raises:
            BrokerError: they don't after two minutes, or a process ended.
        """
        until = time.monotonic() + READY_S
        running = [node for node in self.members if node.process is not None]
        while any(count_brokers(f"127.0.0.1:{node.port}") < len(running) for node in running):
            ended = [node for node in running if node.process is not None and node.process.poll() is not None]
            if ended or time.monotonic() > until:
                said = "\n".join(f"{node.log}:\n{node.log.read_text()[-2000:]}" for node in ended or running)
                raise BrokerError(f"not all of {len(running)} brokers are there after {READY_S:.0f} s; {said}")
            time.sleep(0.1)

    def _format(self, jars: Path, node: Node, cluster_id: str) -> subprocess.Popen[bytes]:
        """Begin to make the node's storage."""
        config = node.directory / "server.properties"
        config.write_text("".join(f"{name}={value}\n" for name, value in self._properties(node).items()))
        arguments = ["format", "--cluster-id", cluster_id, "--config", str(config)]
        for user in self.scram:
            arguments += ["--add-scram", user]
        command = ["java", *JVM, "-XX:TieredStopAtLevel=1", "-cp", str(jars / "*"), "kafka.tools.StorageTool"]
        return subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def _properties(self, node: Node) -> dict[str, str]:
        voters = ",".join(f"{member.id}@127.0.0.1:{member.controller_port}" for member in self.members)
        more, told = (
            "".join(f",{name}://127.0.0.1:{ports[i]}" for name, ports in node.more_ports.items()) for i in (0, 1)
        )
        protocols = "".join(f",{name}:{protocol}" for name, protocol in self.listeners.items())
        return {
            "process.roles": "broker,controller",
            "node.id": str(node.id),
            "controller.quorum.voters": voters,
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{node.port},CONTROLLER://127.0.0.1:{node.controller_port}{more}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{node.advertised_port}{told}",
            "listener.security.protocol.map": f"PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT{protocols}",
            "log.dirs": str(node.directory / "data"),
            **_small(self.nodes),
            **self.properties,
        }


def _small(nodes: int) -> dict[str, str]:
    """Properties of a small cluster that notices quickly who is gone."""
    copies = str(min(3, nodes))
    return {
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        # a broker killed must be missed soon, or its partitions stay without a leader for long
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
    }


def find_jars() -> Path:
    """The directory of Kafka's jars, resolved by Maven the first time, in the user's cache.

    Raises:
        BrokerError: Java or Maven is missing, or can't resolve them.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "epochal"
    jars = cache / f"kafka-{VERSION}"
    if jars.is_dir():
        return jars
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise BrokerError(
                f"a broker of our own needs {tool} (Java 17 and Maven); install it, start Docker, "
                "or name a broker that runs: EPOCHAL_TEST_KAFKA=host:port"
            )
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as draft:
        command = ["mvn", "--batch-mode", "--quiet", "-f", str(POM), "dependency:copy-dependencies"]
        made = subprocess.run(
            [*command, f"-DoutputDirectory={draft}/jars"], capture_output=True, text=True, check=False
        )
        if made.returncode:
            raise BrokerError(f"Maven can't resolve Kafka's jars: {made.stdout}{made.stderr}")
        try:
            (Path(draft) / "jars").rename(jars)
        except OSError:
            if not jars.is_dir():  # somebody else was faster
                raise
    return jars


def count_brokers(bootstrap: str, timeout_s: float = 5.0) -> int:
    """How many brokers the cluster says it has; 0 when nobody listens, or answers within ``timeout_s`` seconds."""
    if not any(map(_listens, bootstrap.split(","))):
        return 0
    try:
        with KafkaAdminClient(bootstrap_servers=bootstrap, bootstrap_timeout_ms=int(timeout_s * 1000)) as admin:
            return len(admin.describe_cluster()["brokers"])
    except (KafkaError, OSError):
        return 0


@contextlib.contextmanager
def any_broker(directory: Path) -> Iterator[str]:
    """The bootstrap servers of a broker: one that EPOCHAL_TEST_KAFKA names, one in Docker, or one of our own."""
    given = os.environ.get("EPOCHAL_TEST_KAFKA", "")
    if given:
        if not count_brokers(given, 30.0):
            raise BrokerError(f"EPOCHAL_TEST_KAFKA={given}: no Kafka answers there within 30 s")
        yield given
    elif docker_answers():
        with _container() as servers:
            yield servers
    else:
        with Cluster(directory) as cluster:
            yield cluster.bootstrap


def _listens(address: str) -> bool:
    """Whether anybody takes connections: quicker than a client, which leaves a thread behind when nobody does."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError:
        return False
    return True


def docker_answers() -> bool:
    """Whether there is an engine that starts containers."""
    if shutil.which("docker") is None:
        return False
    asked = subprocess.run(["docker", "info"], capture_output=True, timeout=30, check=False)
    return asked.returncode == 0


@contextlib.contextmanager
def _container() -> Iterator[str]:
    """Kafka in a container. Its port is the same inside and outside, because clients are told the one inside."""
    from testcontainers.core.container import DockerContainer

    (port,) = free_ports(1)
    settings = {
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_NODE_ID": "1",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:29093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_LISTENERS": f"PLAINTEXT://:{port},CONTROLLER://:29093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        **{f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in _small(1).items()},
    }
    container = DockerContainer(f"apache/kafka:{VERSION}").with_bind_ports(port, port)
    for name, value in settings.items():
        container = container.with_env(name, value)
    with container:
        servers, until = f"127.0.0.1:{port}", time.monotonic() + READY_S
        while not count_brokers(servers):
            if time.monotonic() > until:
                raise BrokerError(f"Kafka in Docker doesn't answer on {servers} after {READY_S:.0f} s")
        yield servers


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on at loopback right now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _ending_with_us() -> list[str]:
    """How to start a process that the kernel kills when this one dies, where the system has a tool for it."""
    return ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []


def main() -> None:
    """A broker in the foreground."""
    parser = argparse.ArgumentParser(description="Kafka in the foreground, on loopback; its data goes when it ends.")
    parser.add_argument("--port", type=int, default=9092, help="of the first broker (default: 9092)")
    parser.add_argument("--nodes", type=int, default=1, help="brokers (default: 1)")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="epochal-kafka-") as folder,
        Cluster(Path(folder), nodes=given.nodes, port=given.port) as cluster,
    ):
        print(f"Kafka {VERSION} listens on {cluster.bootstrap}; Ctrl-C ends it and removes its data. Now:")
        print(f"  export EPOCHAL_KAFKA={cluster.bootstrap}", flush=True)
        try:
            for node in cluster.members:
                if node.process is not None:
                    node.process.wait()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
