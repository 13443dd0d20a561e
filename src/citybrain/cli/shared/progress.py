"""Progress bars on standard error for work that takes a while."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from citybrain.backups.taking import Steps
from citybrain.backups.tools import Progress as Report
from citybrain.cli.shared.output import errors


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Gives what is called with the part done and the whole."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, goal: bar.update(task, completed=done, total=goal)


class Bars(Steps):
    """A bar for each step, under the one before it."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars

    def begins(self, title: str) -> Report:
        """A bar of its own; what it is about is shares, not units."""
        task = self._bars.add_task(title, total=None)
        return lambda done, goal: self._bars.update(task, completed=done, total=goal)


@contextmanager
def step_bars() -> Iterator[Bars]:
    """Bars for work in several steps."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors) as bars:
        yield Bars(bars)
