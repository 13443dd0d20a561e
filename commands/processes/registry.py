"""All process managers, by name."""

from citybrain.domain.case_events import EVENTS
from citybrain.errors import InvalidInput
from commands.processes.applications import ApplicationProcess
from commands.processes.batches import BatchProcess
from commands.processes.deadlines import CaseDeadlines
from commands.processes.detections import DetectionMerging
from commands.processes.merging import CaseMerging
from commands.processes.notices import ApplicationNotices
from commands.processes.routing import CaseRouting
from commands.processes.runner import ProcessManager
from commands.processes.templates import TemplateDestruction

IN_ORDER: tuple[ProcessManager, ...] = (
    CaseRouting(), CaseMerging(), TemplateDestruction(), ApplicationNotices(),
)  # fmt: skip
BATCHES: tuple[BatchProcess, ...] = (
    DetectionMerging(), CaseDeadlines([event.TOPIC for event in EVENTS]),
)  # fmt: skip
SIDE_BY_SIDE: tuple[ProcessManager, ...] = (ApplicationProcess(),)
PROCESSES: tuple[ProcessManager, ...] = IN_ORDER + BATCHES + SIDE_BY_SIDE


class UnknownProcess(InvalidInput):
    """There is no process manager of this name."""

    code = "unknown-process"


def process_named(name: str) -> ProcessManager:
    """The process manager; raises `UnknownProcess`."""
    for process in PROCESSES:
        if process.name == name:
            return process
    known = ", ".join(process.name for process in PROCESSES)
    raise UnknownProcess(f"there is no process {name!r}; there are {known}")
