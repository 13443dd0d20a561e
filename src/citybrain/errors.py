"""The errors this system raises on purpose.

Each has a stable machine code. The HTTP edge renders them as RFC 9457 problem
details and the command line as one line of text; nothing below the edge knows
about status codes. Messages never carry personal data.
"""

from typing import Any, ClassVar


class CitybrainError(Exception):
    """An error with a stable machine code.

    `code` is the last segment of the problem `type` and never changes once published.
    `details` are JSON-ready members that help the caller (never personal data).
    """

    code: ClassVar[str] = "internal"
    exit_status: ClassVar[int] = 1
    """How a command ends that meets it."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class InvalidInput(CitybrainError):
    """The request or command is not of the required form (HTTP 400/422)."""

    code = "invalid-input"


class NotFound(CitybrainError):
    """What was asked for does not exist (HTTP 404)."""

    code = "not-found"


class Refused(CitybrainError):
    """A decision said no: the state of the stream does not allow the command (HTTP 409).

    Subclasses in `citybrain.domain` name the reason.
    """

    code = "refused"


class TooOften(Refused):
    """Refused for now: too many tries; again after `retry_after_seconds` (HTTP 429)."""

    code = "too-often"

    def __init__(self, message: str, *, retry_after_seconds: int, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after_seconds = retry_after_seconds


class Forbidden(CitybrainError):
    """The actor's role does not allow this step (HTTP 403)."""

    code = "forbidden"


class Unavailable(CitybrainError):
    """The service cannot take this now; try again after `retry_after_seconds` (HTTP 503)."""

    code = "unavailable"

    def __init__(self, message: str, *, retry_after_seconds: int = 1, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after_seconds = retry_after_seconds
