"""An S3 on loopback: a process of its own, a bucket of its own for each test."""

import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest

SERVER = "from moto.server import main; main(['-H', '127.0.0.1', '-p', '0'])"
URL = re.compile(r"http://127\.0\.0\.1:\d+")


@pytest.fixture(scope="session")
def s3_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running S3."""
    log = tmp_path_factory.mktemp("s3") / "log"  # a pipe that nobody reads would block it
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", SERVER], stdout=subprocess.DEVNULL, stderr=errors
        )
    try:
        deadline = time.monotonic() + 60
        while (said := URL.search(log.read_text())) is None:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "the S3 did not start"
            time.sleep(0.05)
        yield said[0]
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def bucket(s3_url: str) -> str:
    """The name of an empty bucket."""
    name = f"photos-{uuid.uuid4().hex[:12]}"
    with urlopen(Request(f"{s3_url}/{name}", method="PUT"), timeout=30) as answer:
        assert answer.status == 200
    return name
