"""Which officer sees to an application that waits for one: claimed, released, or free after a time.

While one officer of the department has it, the others see who and leave it alone. A claim that is
over counts for nothing: nothing has to happen for that.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications.refusals import NotReferred, TaskNotYours, TaskTaken
from citybrain.domain.applications.task_events import (
    ApplicationTaskClaimed,
    ApplicationTaskReleased,
    Task,
)

if TYPE_CHECKING:  # which asks here whether an officer may decide
    from citybrain.domain.applications.application import Application


def holder(task: Task | None, now: datetime) -> str | None:
    """Who has the task now."""
    return task["officer"] if task is not None and now < task["until"] else None


def check_task(task: Task | None, actor: Actor, now: datetime) -> None:
    """Raise `TaskTaken` where another officer sees to it."""
    if holder(task, now) not in (None, actor.subject):
        raise TaskTaken("another officer sees to this")


def claim_task(application: Application, actor: Actor, now: datetime, *, until: datetime) -> None:
    """Take it, alone until then; who has it already has it for longer."""
    application.check_before_officer(actor, now)
    application.note(ApplicationTaskClaimed, now, officer=actor.subject, until=until)


def release_task(application: Application, actor: Actor, now: datetime) -> None:
    """Give it back: who has it, or a supervisor of the department."""
    over = actor.has(Role.SUPERVISOR) and actor.department == application.department
    if not over:
        application.check_officer(actor)
    officer = holder(application.task, now)
    if officer is None:
        raise NotReferred("no officer has this now")
    if actor.subject != officer and not over:
        raise TaskNotYours("who has it gives it back, or a supervisor of the department")
    application.note(ApplicationTaskReleased, now, officer=officer)
