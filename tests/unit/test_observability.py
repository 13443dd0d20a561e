"""What is logged never ends what logs it."""

import errno
from io import StringIO

from citybrain.observability import Lossy


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
