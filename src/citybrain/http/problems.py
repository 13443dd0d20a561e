"""Errors as RFC 9457 problem details.

`type` is `urn:citybrain:problem:<code>`; the code never changes once published. A problem
never repeats what the caller sent, except names of members and limits. `title` and `next_step` are
for people, in the language that was asked for (`problem_texts`).
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

import orjson
from aiohttp import web
from pydantic import ValidationError

from citybrain.errors import (
    CitybrainError,
    Forbidden,
    InvalidInput,
    NotFound,
    Refused,
    TooOften,
    Unavailable,
)
from citybrain.eventstore import DuplicateKey, EventTooLarge, WrongExpectedVersion
from citybrain.geo.areas import OutsideTheCity
from citybrain.http.problem_texts import (
    CONTENT_LANGUAGE,
    ENGLISH,
    problem_texts,
    shown,
    validation_error,
)
from commands.handling import KeyInFlight, KeyReused, StaleVersion, TooContended

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:citybrain:problem:"
SHOWN_ERRORS = 20


class Malformed(InvalidInput):
    """The request cannot be read: not JSON, a bad header or parameter."""

    code = "malformed-request"


class Unauthenticated(CitybrainError):
    """There is no valid access token."""

    code = "unauthenticated"


class PreconditionRequired(CitybrainError):
    """The request must say which version it changes (If-Match)."""

    code = "precondition-required"


class BodyTooLarge(CitybrainError):
    """The request body exceeds the limit."""

    code = "body-too-large"


class UnsupportedMediaType(CitybrainError):
    """The body is not of a media type that is taken here."""

    code = "unsupported-media-type"


class BodyPacked(UnsupportedMediaType):
    """The body is compressed; nothing is unpacked here."""

    code = "body-packed"


class RateLimited(Unavailable):
    """The caller sends more than its share."""

    code = "rate-limited"


class RequestTimeout(Unavailable):
    """The request took longer than requests may take."""

    code = "request-timeout"


class NotCaughtUp(Unavailable):
    """The read model has not reached `min_position` in time."""

    code = "not-caught-up"


# The first class that an error is an instance of decides.
STATUS: tuple[tuple[type[CitybrainError], HTTPStatus], ...] = (
    (Malformed, HTTPStatus.BAD_REQUEST),
    (OutsideTheCity, HTTPStatus.BAD_REQUEST),
    (Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (PreconditionRequired, HTTPStatus.PRECONDITION_REQUIRED),
    (BodyTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (EventTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (UnsupportedMediaType, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (RateLimited, HTTPStatus.TOO_MANY_REQUESTS),
    (TooOften, HTTPStatus.TOO_MANY_REQUESTS),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (TooContended, HTTPStatus.SERVICE_UNAVAILABLE),
    (StaleVersion, HTTPStatus.PRECONDITION_FAILED),
    (KeyReused, HTTPStatus.UNPROCESSABLE_ENTITY),
    (KeyInFlight, HTTPStatus.CONFLICT),
    (DuplicateKey, HTTPStatus.CONFLICT),
    (WrongExpectedVersion, HTTPStatus.CONFLICT),
    (Refused, HTTPStatus.CONFLICT),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (InvalidInput, HTTPStatus.UNPROCESSABLE_ENTITY),
)


def status_of(error: CitybrainError) -> HTTPStatus:
    """The HTTP status of one of our errors; 500 for one that is not meant for callers."""
    return status_of_kind(type(error)) or HTTPStatus.INTERNAL_SERVER_ERROR


def status_of_kind(error: type[CitybrainError]) -> HTTPStatus | None:
    """The HTTP status of a kind of error; None of one that is not meant for callers."""
    return next((status for kind, status in STATUS if issubclass(error, kind)), None)


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    correlation_id: UUID,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    language: str = ENGLISH,
) -> web.Response:
    """A problem response, with what it says to people in a language of `problem_texts`."""
    said = problem_texts().get(code, {}).get(language, {"title": HTTPStatus(status).phrase})
    body = {
        **shown(details or {}, language),
        "type": TYPE_PREFIX + code,
        **said,
        "status": int(status),
        "code": code,
        "detail": detail,
        "correlation_id": str(correlation_id),
    }
    return web.Response(
        status=status,
        body=orjson.dumps(body),
        content_type=MEDIA_TYPE,
        headers={"Content-Language": CONTENT_LANGUAGE[language], "Vary": "Accept-Language"}
        | dict(headers or {}),
    )


def problem_of(
    error: CitybrainError, correlation_id: UUID, language: str = ENGLISH
) -> web.Response:
    """The problem response for one of our errors."""
    headers = {}
    if isinstance(error, Unavailable | TooOften):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, TooContended | KeyInFlight):
        headers["Retry-After"] = "1"
    if isinstance(error, BodyPacked):
        headers["Accept-Encoding"] = "identity"  # RFC 9110, 12.5.3: what would have been taken
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="citybrain"'
    return problem(
        status_of(error),
        error.code,
        error.message,
        correlation_id=correlation_id,
        details=error.details,
        headers=headers,
        language=language,
    )


def invalid(error: ValidationError, where: str) -> InvalidInput:
    """A failed validation: which member is wrong and why, never the value."""
    problems = [
        validation_error(found, where)
        for found in error.errors(include_url=False, include_input=False)
    ]
    return InvalidInput(
        f"the {where} is not valid", errors=problems[:SHOWN_ERRORS], error_count=len(problems)
    )
