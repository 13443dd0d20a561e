"""The events of tasks: which officer has an application that waits for one.

The topics below are the storage format: never rename one.
"""

from datetime import datetime
from typing import Any, ClassVar, TypedDict

from citybrain.domain.applications.event import ApplicationEvent


class Task(TypedDict):
    """Who has it, and until when."""

    officer: str
    until: datetime


class ApplicationTaskClaimed(ApplicationEvent):
    """An officer sees to it, alone until then."""

    TOPIC: ClassVar[str] = "application.task_claimed"
    officer: str
    until: datetime

    def note(self, aggregate: Any) -> None:
        aggregate.task = {"officer": self.officer, "until": self.until}


class ApplicationTaskReleased(ApplicationEvent):
    """Anybody of the department may see to it again; `officer` had it."""

    TOPIC: ClassVar[str] = "application.task_released"
    officer: str

    def note(self, aggregate: Any) -> None:
        aggregate.task = None


EVENTS: tuple[type[ApplicationEvent], ...] = (ApplicationTaskClaimed, ApplicationTaskReleased)
