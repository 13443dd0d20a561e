"""Structured logs and tracing hooks. Neither ever carries personal data.

Traces go through the OpenTelemetry API alone: without an SDK in the process a span costs next
to nothing and records nothing.
"""

import logging
import sys
import threading
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from functools import cache
from types import TracebackType
from typing import Literal, TextIO, TypeVar, cast

import structlog
from opentelemetry import trace

_tracer = trace.get_tracer("citybrain")

T = TypeVar("T")


def configure_logging(level: str, form: Literal["json", "console"]) -> None:
    """Set up logging once for the process; one line an entry on standard error.

    So is what libraries say by `logging`, what Python warns of, and what nobody has caught.
    """
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    common: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*common, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", Lossy(sys.stderr))),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(cast("TextIO", Lossy(sys.stderr)))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *common],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda hooked: _log_uncaught(
        hooked.exc_type, hooked.exc_value, hooked.exc_traceback
    )
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # each of its tries; we say it once


def _log_uncaught(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    """What ends the process or a thread is an entry as well."""
    said = (kind, error or kind(), trace)
    logging.getLogger("citybrain").critical("uncaught", exc_info=said)


class Lossy:
    """A stream to which nobody who writes minds that it is full, or that nobody reads it any more.

    What is logged is not worth that a request, or whoever commits for all others, fails of it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """What cannot be written is lost."""
        with suppress(OSError):
            return self._stream.write(text)
        return 0

    def flush(self) -> None:
        """The same."""
        with suppress(OSError):
            self._stream.flush()


def spanned(name: str, work: Awaitable[T], **attributes: str | int) -> Awaitable[T]:
    """`work`, with a trace span around it; nothing besides without an SDK."""
    return _spanned(name, work, attributes) if _traced() else work


async def _spanned(name: str, work: Awaitable[T], attributes: Mapping[str, str | int]) -> T:
    with _tracer.start_as_current_span(name, attributes=attributes):
        return await work


@cache
def _traced() -> bool:
    """Whether there is an SDK, as of the first span; `opentelemetry-instrument` is earlier."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
