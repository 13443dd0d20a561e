"""What is asked of a department, what it answers, and how that fails.

The request is that of X-Road's REST protocol: the service in the path, who asks and why in
headers, what is personal in the body. https://docs.x-road.global/Protocols/pr-rest_x-road_message_protocol_for_rest.html
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from citybrain.errors import CitybrainError
from citybrain.exchange.signing import EVIDENCE, SignatureWrong, Verifier

ISSUED_WITHIN_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class EvidenceRequest:
    """One record of one person, for one application. The same id asks the same thing."""

    request_id: UUID
    application_id: str
    department: str
    record: str
    id_number: str
    form: dict[str, Any]
    user_id: str

    @property
    def path(self) -> str:
        """The service; it names nobody."""
        return f"/r1/CN/GOV/{self.department}/records/{self.record}"

    def headers(self, client: str) -> dict[str, str]:
        """Who asks, on whose behalf, for which application."""
        return {
            "X-Road-Client": client,
            "X-Road-Id": str(self.request_id),
            "X-Road-UserId": self.user_id,
            "X-Road-Issue": self.application_id,
        }

    @property
    def body(self) -> dict[str, Any]:
        """Of whom; with what the citizen answered."""
        return {"id_number": self.id_number, "form": self.form}


@dataclass(frozen=True, slots=True)
class Answer:
    """A verified answer."""

    record: dict[str, Any]
    signed: str
    key_id: str
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """A record with its department's signature (compact JWS) and how it was got."""

    record: dict[str, Any]
    signed: str
    sha256: str
    key_id: str
    issued_at: datetime
    milliseconds: int
    attempts: int
    hedged: bool


class SourceFailed(CitybrainError):
    """A department did not deliver. An officer decides then."""

    code = "source-failed"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.department = ""
        self.milliseconds = 0
        self.attempts = 0


class SourceUnknown(SourceFailed):
    """The department is not in the directory."""

    code = "source-unknown"


class SourceTimeout(SourceFailed):
    """It did not answer in time."""

    code = "source-timeout"


class SourceUnavailable(SourceFailed):
    """It cannot be reached, or says that it cannot answer now."""

    code = "source-unavailable"


class SourceCircuitOpen(SourceFailed):
    """It has failed again and again; it is left alone for a moment."""

    code = "source-circuit-open"


class SourceRefused(SourceFailed):
    """It does not answer this."""

    code = "source-refused"


class SourceNoRecord(SourceFailed):
    """It has no such record."""

    code = "source-no-record"


class SourceAnswerInvalid(SourceFailed):
    """The answer is not what was agreed."""

    code = "source-answer-invalid"


class SourceAnswerTooLarge(SourceAnswerInvalid):
    """The answer is larger than an event holds, sealed."""

    code = "source-answer-too-large"


class SourceSignatureWrong(SourceFailed):
    """The answer is not signed by the department."""

    code = "source-signature-wrong"


class SourceAnswerMismatch(SourceFailed):
    """The answer is about somebody or something else, or an old one."""

    code = "source-answer-mismatch"


PASSING = (SourceTimeout, SourceUnavailable)
"""Failures that another attempt may not meet: they alone speak of a department's health."""


def verified(request: EvidenceRequest, signed: str, verifier: Verifier) -> Answer:
    """The answer to this very request, signed by the department; raises a `SourceFailed`."""
    try:
        claims, key_id = verifier.claims(signed, EVIDENCE)
    except SignatureWrong as error:
        raise SourceSignatureWrong("the answer is not signed by the department") from error
    whom = str(claims.get("sub")).upper()  # a check character is X or x
    said = (claims.get("iss"), claims.get("jti"), whom, claims.get("rec"))
    asked = (request.department, str(request.request_id), request.id_number.upper(), request.record)
    if said != asked:
        raise SourceAnswerMismatch("the answer is to another request")
    issued, record = claims.get("iat"), claims.get("record")
    if not isinstance(issued, int | float) or not isinstance(record, dict):
        raise SourceAnswerInvalid("the answer lacks a record or its time")
    try:
        issued_at = datetime.fromtimestamp(issued, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise SourceAnswerInvalid("the answer's time is none") from error
    if abs((datetime.now(UTC) - issued_at).total_seconds()) > ISSUED_WITHIN_SECONDS:
        raise SourceAnswerMismatch("the answer is an old one")
    return Answer(record, signed, key_id, issued_at)
