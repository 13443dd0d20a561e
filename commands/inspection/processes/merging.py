"""Finishes in one case what a merge or a separation has begun in another."""

import asyncio
from collections.abc import Callable
from typing import ClassVar
from weakref import WeakValueDictionary

from citybrain.domain.inspection.detection import Detection
from citybrain.domain.inspection.refusals import NotMerged
from citybrain.errors import Refused
from citybrain.eventstore import RecordedEvent, WrongExpectedVersion
from commands.handling import CommandContext
from commands.inspection.merging import (
    TakeDetections,
    finish_merge,
    hand_over,
    open_from_detections,
    release_case,
)
from commands.services import Services


class CaseMerging:
    """The process manager of merges: absorbed → merged, unmerged → released, separated → opened."""

    name: ClassVar[str] = "case-merging"
    topics: ClassVar[tuple[str, ...]] = (
        "case.absorbed",
        "case.unmerged",
        "case.detection_separated",
    )

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Tell the other case."""
        data = event.data
        if event.topic == "case.detection_separated":
            await self._open(event, services, context_for("open"))
        elif event.topic == "case.unmerged":
            await release_case(
                data["from_case_id"],
                event.stream_id,
                data["reason"],
                context_for("release"),
                services,
            )
        else:
            await self._merge(event, services, context_for)

    async def _merge(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """The absorbed case goes on there, or goes its own way meanwhile: then it is let go."""
        case_id, reason = event.data["case_id"], event.data["reason"]
        # Its key: a merge that has been undone meanwhile is not done again by a replay. One command
        # may merge many cases.
        context = context_for("merge")
        context = context._replace(idempotency_key=f"merge:{context.causation_id}:{case_id}")
        # One at a time, or merges in a ring would all find their way free.
        async with self._locks.setdefault("merge", asyncio.Lock()):
            try:
                await finish_merge(case_id, event.stream_id, reason, context, services)
                await hand_over(case_id, context_for("hand-over"), services)
            except NotMerged:
                return
            except Refused:
                await release_case(
                    event.stream_id,
                    case_id,
                    "it cannot be merged any more",
                    context_for("release"),
                    services,
                )

    async def _open(
        self, event: RecordedEvent, services: Services, context: CommandContext
    ) -> None:
        data = event.data
        detection = await services.store.load(Detection, data["detection"]["detection_id"])
        command = TakeDetections(
            detections=[data["detection"]],
            class_code=detection.class_code,
            simulated=detection.simulated,
        )
        try:
            await open_from_detections(data["new_case_id"], command, context, services)
        except WrongExpectedVersion:
            return  # it was opened before
