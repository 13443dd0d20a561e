"""From report to departments with nobody passing it on.

Reacts to `case.reported` by filing and to `case.filed` by dispatching, by the routing of the
definitions in force. A report without a place is filed when a person has given it one. Imported
cases bring their own history and are left alone.
"""

from collections.abc import Callable
from typing import ClassVar

from citybrain.domain.inspection.case_events import IMPORT_CHANNEL
from citybrain.eventstore import RecordedEvent
from commands.handling import CommandContext
from commands.inspection.case import DispatchCase, FileCase, dispatch_case, file_case
from commands.services import Services


class CaseRouting:
    """The process manager of new cases."""

    name: ClassVar[str] = "case-routing"
    topics: ClassVar[tuple[str, ...]] = ("case.reported", "case.relocated", "case.filed")

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Send the command that follows from `event`; a refusal means it has been done."""
        if event.metadata.get("channel") == IMPORT_CHANNEL:
            return
        if event.topic == "case.reported" and event.data["latitude"] is None:
            return
        if event.topic != "case.filed":
            await file_case(event.stream_id, FileCase(), context_for("file"), services)
        else:
            await dispatch_case(event.stream_id, DispatchCase(), context_for("dispatch"), services)
