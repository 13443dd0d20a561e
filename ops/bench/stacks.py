"""Where a process computes: the stack of its main thread, looked at so often in its CPU time.

What is written is a line for each stack, outermost first, with how often it was met: the folded
stacks of Brendan Gregg's FlameGraph (github.com/brendangregg/FlameGraph), which speedscope and
others read as well.
"""

import os
import signal
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType

WANTED = "BENCH_STACKS"
"""The environment variable that names the file; without it nobody looks."""

EVERY_SECONDS = 0.001
PACKAGES = ("site-packages/", f"lib/python{'.'.join(map(str, sys.version_info[:2]))}/")


@dataclass(frozen=True, slots=True)
class Share:
    """How much of the CPU time a module computes itself, and with all that it calls; 0 to 1."""

    module: str
    own: float
    cumulative: float


@contextmanager
def stacks_taken() -> Iterator[None]:
    """Look at the main thread meanwhile, where the environment asks for it."""
    path = os.environ.get(WANTED)
    if path is None:
        yield
        return
    met: Counter[tuple[CodeType, ...]] = Counter()

    def look(_: int, frame: FrameType | None) -> None:
        stack = []
        while frame is not None:
            stack.append(frame.f_code)
            frame = frame.f_back
        met[tuple(reversed(stack))] += 1

    before = signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, EVERY_SECONDS, EVERY_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        with Path(path).open("a") as file:
            file.writelines(f"{_folded(stack)} {times}\n" for stack, times in met.items())


def shares(lines: Iterable[str]) -> list[Share]:
    """The modules of folded stacks, what takes most with all that it calls first."""
    own: Counter[str] = Counter()
    cumulative: Counter[str] = Counter()
    for line in lines:
        stack, _, times = line.rpartition(" ")
        modules = [frame.partition(":")[0] for frame in stack.split(";")]
        own[modules[-1]] += int(times)
        for module in set(modules):
            cumulative[module] += int(times)
    whole = own.total() or 1
    return [
        Share(module, own[module] / whole, times / whole)
        for module, times in sorted(cumulative.items(), key=lambda each: (-each[1], each[0]))
    ]


def _folded(stack: Iterable[CodeType]) -> str:
    return ";".join(f"{_module(code.co_filename)}:{code.co_qualname}" for code in stack)


def _module(filename: str) -> str:
    """A file's module, as it is imported, as far as its name tells."""
    for package in PACKAGES:
        filename = filename.rpartition(package)[2]
    for root in ("/src/", f"{os.getcwd()}/"):
        filename = filename.rpartition(root)[2]
    return filename.removesuffix(".py").removesuffix("/__init__").strip("/").replace("/", ".")
