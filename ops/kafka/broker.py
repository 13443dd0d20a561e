"""One broker, which is a controller too: its properties, its folder, its process.

Whoever knows the folder can stop, kill or start the broker, from any process.
"""

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, STDOUT
from typing import IO

import psutil

from ops.kafka.jars import CLASSES, HERE, NoKafka, jars, java

START_SECONDS = 120.0
STOP_SECONDS = 20.0
LOOK_SECONDS = 0.02
STARTED = "Kafka Server started"
MAIN = "kafka.Kafka"

# For small machines: a broker is short-lived, and most of its start is loading classes.
FLAGS = (
    "-Xms64m",
    "-Xmx384m",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xshare:auto",
    f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}",
)


@dataclass(frozen=True)
class Broker:
    """A broker of a cluster; all it keeps is in its folder."""

    number: int
    folder: Path
    flags: tuple[str, ...] = (f"-XX:SharedArchiveFile={CLASSES}",)

    @property
    def data(self) -> Path:
        """Where the partitions are: a folder `<topic>-<number>` each."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the broker says."""
        return self.folder / "broker.log"

    @property
    def pid(self) -> int | None:
        """Its process id, while it runs (also while SIGSTOP holds it)."""
        process = self._process()
        return None if process is None else process.pid

    def make(self, properties: Mapping[str, str], cluster_id: str) -> None:
        """Write its properties, and format its storage."""
        self.data.mkdir(parents=True)
        lines = [f"{name}={value}\n" for name, value in properties.items()]
        (self.folder / "server.properties").write_text("".join(lines))
        command = ("format", "--cluster-id", cluster_id, "--config", self._properties)
        with (self.folder / "format.log").open("wb") as said:
            made = self._java("kafka.tools.StorageTool", *command, out=said)
        if made.wait(START_SECONDS):
            raise NoKafka(f"the storage cannot be formatted: see {self.folder / 'format.log'}")

    def launch(self) -> None:
        """Begin its process; what an earlier one said goes."""
        with self.log.open("wb") as said:
            process = self._java(MAIN, self._properties, out=said)
        (self.folder / "pid").write_text(f"{process.pid} {process.create_time()}")

    def wait_until_ready(self) -> None:
        """Wait until it takes requests; raises `NoKafka` where it ends before."""
        deadline = time.monotonic() + START_SECONDS
        while STARTED not in self.log.read_text(errors="replace"):
            if self._process() is None or time.monotonic() > deadline:
                raise NoKafka(f"broker {self.number} does not start: see {self.log}")
            time.sleep(LOOK_SECONDS)

    def stop(self) -> None:
        """SIGTERM, as at a clean stop; nothing where it does not run."""
        if process := self._process():
            with suppress(psutil.NoSuchProcess):
                process.terminate()

    def wait_until_ended(self, seconds: float = STOP_SECONDS) -> None:
        """Wait for its end; SIGKILL after so long."""
        deadline = time.monotonic() + seconds
        while self._process() is not None:
            if time.monotonic() > deadline:
                self.kill()
                return
            time.sleep(LOOK_SECONDS)

    def kill(self) -> None:
        """SIGKILL."""
        while process := self._process():
            with suppress(psutil.NoSuchProcess):
                process.kill()
            time.sleep(LOOK_SECONDS)

    def pause(self) -> None:
        """SIGSTOP."""
        if process := self._process():
            process.suspend()

    def resume(self) -> None:
        """SIGCONT."""
        if process := self._process():
            process.resume()

    @property
    def _properties(self) -> str:
        return str(self.folder / "server.properties")

    def _java(self, main: str, *arguments: str, out: IO[bytes]) -> psutil.Popen:
        """A JVM in the folder of the jars: the archive of classes holds for this class path."""
        folder = jars()
        path = ":".join(sorted(jar.name for jar in folder.glob("*.jar")))
        return psutil.Popen(
            [java(), *FLAGS, *self.flags, "-cp", path, main, *arguments],
            cwd=folder,
            stdin=DEVNULL,
            stdout=out,
            stderr=STDOUT,
            start_new_session=True,
        )

    def _process(self) -> psutil.Process | None:
        """Its process; none where it has ended, though whoever started it does not know it yet."""
        with suppress(FileNotFoundError, ValueError, psutil.NoSuchProcess):
            pid, created = (self.folder / "pid").read_text().split()
            with suppress(ChildProcessError):
                os.waitpid(int(pid), os.WNOHANG)
            process = psutil.Process(int(pid))
            alive = process.status() != psutil.STATUS_ZOMBIE
            if process.create_time() == float(created) and alive:
                return process
        return None
