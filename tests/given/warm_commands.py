"""A program `citybrain` for scripts that need not load our modules first; with `-m`, a Python.

It hands its arguments, environment, folder and files over to a process that has loaded them, which
forks one that runs the command: a real process, in a tenth of the time.
"""

import json
import os
import runpy
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.given.warm import forked

HEADER_BYTES = 4
PROGRAM = """#!{python} -IS
import json, os, socket, sys

said = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
with socket.socket(socket.AF_UNIX) as handed:
    handed.connect({at!r})
    socket.send_fds(handed, [len(said).to_bytes({header}, "big")], [0, 1, 2])
    handed.sendall(said)
    status = handed.recv(1)
sys.exit(status[0] if status else "it was killed")
"""


@contextmanager
def warm_commands(folder: Path) -> Iterator[Path]:
    """A folder in which there is the program, as long as the block goes on."""
    at = str(folder / "handed")
    program = folder / "citybrain"
    program.write_text(PROGRAM.format(python=sys.executable, at=at, header=HEADER_BYTES))
    program.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(at)
        listening.listen()
        process = forked(_run_all, listening)
        try:
            yield folder
        finally:
            process.kill()
            process.join()


def _run_all(listening: socket.socket) -> None:
    """Fork a process for each command that comes."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them here
    while True:
        handed, _ = listening.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            _run(handed)
        handed.close()


def _run(handed: socket.socket) -> None:
    """Run what was handed over, say how it ended, and end."""
    header, files, _, _ = socket.recv_fds(handed, HEADER_BYTES, 3)
    said = b""
    while len(said) < int.from_bytes(header, "big"):
        said += handed.recv(1 << 16)
    arguments, environment, folder = json.loads(said)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    sys.stdin = os.fdopen(0, closefd=False)  # what has forked us has another one
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    status = 1
    try:
        if arguments[:1] == ["-m"]:
            sys.argv = arguments[1:]
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = ["citybrain", *arguments]
            from citybrain.cli import main  # looks at the environment while it loads

            main()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
            handed.sendall(bytes([status]))
        finally:  # also where whoever called has been killed
            os._exit(status)
