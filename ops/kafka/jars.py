"""Apache Kafka as its jars from Maven Central, each of the bytes that `jars.sha256` names.

They lie in `build/kafka/<version>/`, with what the JVM keeps of the classes it has loaded (CDS).
Once they are there nothing is fetched any more.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
POM = HERE / "pom.xml"
VERSION = re.findall(r"<version>(.+?)</version>", POM.read_text())[0]
FOLDER: Path = HERE.parents[1] / "build" / "kafka" / VERSION
CLASSES = "classes.jsa"
OLDEST_JAVA = 17  # that runs a broker of 4.x
FETCH_SECONDS = 600.0
COPY = ("mvn", "--batch-mode", "--quiet", "--strict-checksums", "dependency:copy-dependencies")


class NoKafka(Exception):
    """No Kafka broker can be had on this machine; the message says why."""


@cache
def java() -> str:
    """The `java` that runs brokers: that of `JAVA_HOME`, else the one on the path."""
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if found is None or not Path(found).exists():
        raise NoKafka(f"there is no java: Apache Kafka {VERSION} runs on Java {OLDEST_JAVA}")
    said = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(?:1\.)?(\d+)', said)
    if version is None or int(version[1]) < OLDEST_JAVA:
        raise NoKafka(f"{found} is not Java {OLDEST_JAVA} or newer")
    return found


@cache
def jars() -> Path:
    """The folder of the jars; they are fetched where they are missing."""
    with _one_at_a_time():
        if why_not(FOLDER) is not None:
            _fetch()
            if said := why_not(FOLDER):
                raise NoKafka(said)
    return FOLDER


def why_not(folder: Path) -> str | None:
    """What is wrong with the jars of a folder; None where each is what it must be."""
    there = {jar.name for jar in folder.glob("*.jar")}
    wanted = {name: digest for digest, name in map(str.split, _listed())}
    if strange := sorted(there - set(wanted)):
        return f"{strange[0]} is not one of the jars that {HERE.name}/jars.sha256 names"
    if missing := sorted(set(wanted) - there):
        return f"{missing[0]} is missing in {folder}"
    for name, digest in wanted.items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
            return f"{name} has other bytes than {HERE.name}/jars.sha256 says"
    return None


def _listed() -> list[str]:
    return (HERE / "jars.sha256").read_text().splitlines()


def _fetch() -> None:
    if shutil.which("mvn") is None:
        raise NoKafka("there is no mvn, which fetches Apache Kafka from Maven Central")
    shutil.rmtree(FOLDER, ignore_errors=True)
    fetched = subprocess.run(
        [*COPY, "-f", str(POM), f"-DoutputDirectory={FOLDER}", "-DincludeScope=runtime"],
        capture_output=True,
        text=True,
        timeout=FETCH_SECONDS,
        check=False,
    )
    if fetched.returncode:
        said = "\n".join((fetched.stdout + fetched.stderr).splitlines()[:3])
        raise NoKafka(f"Maven Central gives no Apache Kafka {VERSION}: {said}")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with open(FOLDER.parent / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
