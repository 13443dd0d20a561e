"""A cluster of one broker or three on loopback, in KRaft mode; each is a controller as well.

The folder of a cluster is all there is to it: ports, id and data stay what they were when it is
started again.
"""

import asyncio
import json
import secrets
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ops.kafka.broker import Broker
from ops.kafka.jars import CLASSES, jars
from ops.kafka.security import make_certificates, secure_listener

USER = "citybrain"
LOOPBACK = "127.0.0.1"
PORTS = range(20_000, 32_000)  # the kernel gives none of these to those who connect
INTERNAL_PARTITIONS = 4  # of the topics of groups and of transactions; 50 is for large clusters
STATE = "cluster.json"


@dataclass(frozen=True)
class Cluster:
    """Brokers of one folder. Its methods wait; within a loop they belong into a thread."""

    folder: Path
    brokers: tuple[Broker, ...]
    bootstrap_servers: str
    """`host:port` of each broker, without TLS."""
    secure_servers: str
    """The same with TLS and SASL/PLAIN, as `USER`; empty where there is no such listener."""
    password: str

    @classmethod
    def at(
        cls,
        folder: Path,
        *,
        brokers: int = 1,
        secure: bool = False,
        properties: Mapping[str, str] | None = None,
    ) -> "Cluster":
        """The cluster of a folder, made where there is none; it does not run yet.

        `secure` adds a listener with TLS and SASL/PLAIN, `properties` are the brokers' own.
        """
        folder = folder.resolve()
        if not (folder / STATE).exists():
            _make(folder, brokers, secure, properties or {})
        state = json.loads((folder / STATE).read_text())
        return cls(
            folder,
            tuple(_broker(folder, number) for number in range(1, state["brokers"] + 1)),
            state["bootstrap_servers"],
            state["secure_servers"],
            state["password"],
        )

    @property
    def ca_file(self) -> Path:
        """The certificate (PEM) that has signed those of the brokers."""
        return self.folder / "ca.pem"

    def start(self) -> None:
        """Start the brokers that do not run, and wait until all take requests."""
        for broker in self.brokers:
            if broker.pid is None:
                broker.launch()
        for broker in self.brokers:
            broker.wait_until_ready()

    def stop(self) -> None:
        """Stop all brokers, as at a clean stop."""
        for broker in self.brokers:
            broker.resume()
            broker.stop()
        for broker in self.brokers:
            broker.wait_until_ended()

    def kill(self) -> None:
        """SIGKILL to all brokers."""
        for broker in self.brokers:
            broker.kill()


@asynccontextmanager
async def kafka_broker(
    folder: Path | None = None,
    *,
    brokers: int = 1,
    secure: bool = False,
    properties: Mapping[str, str] | None = None,
) -> AsyncIterator[Cluster]:
    """A running cluster; killed with the block. Without a folder its data goes with it.

    Raises `NoKafka` where this machine can have none.
    """
    place = folder or Path(tempfile.mkdtemp(prefix="citybrain-kafka-"))
    try:
        cluster = await asyncio.to_thread(
            Cluster.at, place, brokers=brokers, secure=secure, properties=properties
        )
        try:
            await asyncio.to_thread(cluster.start)
            yield cluster
        finally:
            await asyncio.to_thread(cluster.kill)
    finally:
        if folder is None:
            shutil.rmtree(place)


def fetch() -> Path:
    """The jars, and beside them an archive of the classes that a broker loads: it starts faster."""
    folder = jars()
    if not (folder / CLASSES).exists():
        with tempfile.TemporaryDirectory() as scratch:
            dumped = Path(scratch) / CLASSES
            (made,) = Cluster.at(Path(scratch) / "cluster").brokers
            broker = Broker(1, made.folder, (f"-XX:ArchiveClassesAtExit={dumped}",))
            broker.launch()
            try:
                broker.wait_until_ready()
                broker.stop()
            finally:
                broker.wait_until_ended()
            if dumped.exists():
                shutil.move(dumped, folder / CLASSES)
    return folder


def _broker(folder: Path, number: int) -> Broker:
    return Broker(number, folder / f"broker-{number}")


def _make(folder: Path, brokers: int, secure: bool, own: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    password, cluster_id = secrets.token_hex(16), secrets.token_urlsafe(16).replace("-", "_")
    plain, controllers, safe = _free_addresses(brokers), _free_addresses(brokers), []
    shared = {
        "process.roles": "broker,controller",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": ",".join(f"{n}@{a}" for n, a in enumerate(controllers, 1)),
        "inter.broker.listener.name": "PLAINTEXT",
        **_small(brokers),
    }
    if secure:
        make_certificates(folder)
        safe = _free_addresses(brokers)
        shared |= secure_listener(folder, USER, password)
    for index in range(brokers):
        listeners = {"PLAINTEXT": plain[index], "CONTROLLER": controllers[index]}
        if secure:
            listeners["SASL_SSL"] = safe[index]
        broker = _broker(folder, index + 1)
        ours = {
            "node.id": str(broker.number),
            "log.dirs": str(broker.data),
            "listeners": ",".join(f"{name}://{at}" for name, at in listeners.items()),
        }
        broker.make({**shared, **ours, **own}, cluster_id)
    state = {
        "brokers": brokers,
        "bootstrap_servers": ",".join(plain),
        "secure_servers": ",".join(safe),
        "password": password,
    }
    (folder / STATE).write_text(json.dumps(state))


def _small(brokers: int) -> dict[str, str]:
    """What a large cluster does otherwise."""
    internal = str(INTERNAL_PARTITIONS)
    least = str(min(2, brokers))
    return {
        "auto.create.topics.enable": "false",
        "listener.security.protocol.map": (
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL"
        ),
        "offsets.topic.num.partitions": internal,
        "offsets.topic.replication.factor": str(brokers),
        "transaction.state.log.num.partitions": internal,
        "transaction.state.log.replication.factor": str(brokers),
        "transaction.state.log.min.isr": least,
        "default.replication.factor": str(brokers),
        "min.insync.replicas": least,
        "group.initial.rebalance.delay.ms": "0",
        "broker.heartbeat.interval.ms": "1000",
        "broker.session.timeout.ms": "4000",  # one that was killed waits so long to come back
        "num.network.threads": "1",
        "num.io.threads": "2",
        "log.index.size.max.bytes": str(1 << 20),
    }


def _free_addresses(number: int) -> list[str]:
    """So many addresses of which none is in use, and none is given out by the kernel."""
    found: dict[int, socket.socket] = {}
    while len(found) < number:
        port = secrets.choice(PORTS)
        taken = socket.socket()
        try:
            taken.bind((LOOPBACK, port))
        except OSError:
            taken.close()
            continue
        found[port] = taken
    for taken in found.values():
        taken.close()
    return [f"{LOOPBACK}:{port}" for port in found]
