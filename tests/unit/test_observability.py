"""What is logged never ends what logs it."""

import errno
import subprocess
import sys
from io import StringIO

import orjson

from citybrain.observability import Lossy

SAYS = """
import asyncio, logging, sys, threading, warnings
import structlog
from citybrain.observability import configure_logging
configure_logging("INFO", "json")
structlog.get_logger().info("ours", number=1)
logging.getLogger("asyncpg").error("theirs %s", "x")
warnings.warn("python's")
def of_a_task():
    loop = asyncio.new_event_loop()
    loop.call_soon(lambda: 1/0)
    loop.call_soon(loop.stop)
    loop.run_forever()
of_a_task()
thread = threading.Thread(target=lambda: 1/0)
thread.start()
thread.join()
raise RuntimeError("nobody's")
"""


class Full(StringIO):
    """A file on a disk that has no room."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_loses_what_is_logged_and_nothing_else() -> None:
    stream = Lossy(Full())
    assert stream.write("a line\n") == 0
    stream = Lossy(StringIO())
    assert stream.write("a line\n") == 7
    stream.flush()


def test_each_line_of_the_log_is_json_whoever_says_it() -> None:
    ended = subprocess.run([sys.executable, "-c", SAYS], capture_output=True, text=True, timeout=60)
    entries = [orjson.loads(line) for line in ended.stderr.splitlines()]
    assert [entry["event"].split("\n")[0][:9] for entry in entries] == [
        "ours",
        "theirs x",
        "<string>:",
        "Exception",
        "uncaught",
        "uncaught",
    ]
    assert all({"level", "timestamp"} <= entry.keys() for entry in entries)
    assert ["ZeroDivisionError" in entry.get("exception", "") for entry in entries[3:5]] == [
        True
    ] * 2
    assert "RuntimeError" in entries[5]["exception"]
