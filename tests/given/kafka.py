"""The one Kafka broker of a test run, started by whoever needs it first.

The processes of `pytest -n` share it, each test with topics of its own. What a run that was killed
has left is ended by the next one.
"""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4
from zlib import crc32

import psutil
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from ops.kafka import Cluster, NoKafka
from ops.kafka.jars import jars, java
from tests.given.waiting import eventually

NEEDED = "CITYBRAIN_TEST_NEEDS_KAFKA"
ROOT = Path(tempfile.gettempdir()) / f"citybrain-kafka-{crc32(__file__.encode()):08x}"


def no_broker(why: object) -> None:
    """The test is skipped, saying why; it fails where continuous integration wants a broker."""
    said = f"no Kafka broker: {why}"
    if os.environ.get(NEEDED):
        pytest.fail(said, pytrace=False)
    pytest.skip(said)


def kafka_or_skip() -> None:
    """Skip the test where this machine can have no broker."""
    try:
        java()
        jars()
    except NoKafka as error:
        no_broker(error)


@contextmanager
def shared_cluster() -> Iterator[Cluster]:
    """The broker of this test run; the last of its processes stops it."""
    kafka_or_skip()
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"alone-{os.getpid()}"
    folder = ROOT / run
    with _locked():
        _end_what_was_left()
        (folder / "users").mkdir(parents=True, exist_ok=True)
        _user(folder).write_text(json.dumps(psutil.Process().create_time()))
        cluster = Cluster.at(folder / "cluster", secure=True)
        cluster.start()
    try:
        yield cluster
    finally:
        with _locked():
            _user(folder).unlink()
            _end_what_was_left()


def topic_prefix() -> str:
    """What the names of a test's own topics begin with."""
    return f"test.{uuid4().hex[:12]}."


async def created(
    client: AIOKafkaAdminClient, topic: str, partitions: int = 1, **configs: str
) -> None:
    """A topic that the brokers know: a controller answers before they have heard of it."""
    await client.create_topics([NewTopic(topic, partitions, 1, topic_configs=configs)])
    await known(client, topic)


async def known(client: AIOKafkaAdminClient, topic: str) -> None:
    """Wait until the brokers know a topic, and who leads each of its partitions."""

    async def is_known() -> bool:
        (found,) = await client.describe_topics([topic])
        return not any(each["error_code"] for each in (found, *found["partitions"]))

    await eventually(is_known)


@contextmanager
def _locked() -> Iterator[None]:
    ROOT.mkdir(exist_ok=True)
    with open(ROOT / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _user(folder: Path) -> Path:
    return folder / "users" / str(os.getpid())


def _end_what_was_left() -> None:
    """End the brokers that nobody uses, and remove what they kept."""
    for folder in filter(Path.is_dir, ROOT.iterdir()):
        if not any(_lives(user) for user in (folder / "users").iterdir()):
            if (folder / "cluster" / "cluster.json").exists():
                Cluster.at(folder / "cluster").kill()
            shutil.rmtree(folder)


def _lives(user: Path) -> bool:
    try:
        return bool(psutil.Process(int(user.name)).create_time() == json.loads(user.read_text()))
    except psutil.NoSuchProcess:
        return False
