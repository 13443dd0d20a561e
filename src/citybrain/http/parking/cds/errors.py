"""Errors as CDS has them, with the members of RFC 9457 beside its own."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import ClassVar
from uuid import UUID

import orjson
from aiohttp import web

from citybrain.errors import CitybrainError, TooOften, Unavailable
from citybrain.http.problems import Unauthenticated, problem_of, status_of
from citybrain.http.routing import RoleMissing


class CdsError(CitybrainError):
    """An error in the specification's terms; `wrong` names what is wrong."""

    code = "cds-error"
    status: ClassVar[HTTPStatus] = HTTPStatus.BAD_REQUEST

    def __init__(self, message: str, wrong: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.wrong = list(wrong)


class BadParameter(CdsError):
    """A parameter, a member or the whole body is not what it should be."""

    code = "cds-bad-param"


class MissingParameter(CdsError):
    """Something that is needed is not there."""

    code = "cds-missing-param"


class NothingThere(CdsError):
    """There is nothing of this id, or no such endpoint in this version."""

    code = "cds-not-found"
    status = HTTPStatus.NOT_FOUND


class WrongMethod(CdsError):
    """The endpoint does not take this method."""

    code = "cds-method-not-allowed"
    status = HTTPStatus.METHOD_NOT_ALLOWED


class NotAcceptable(CdsError):
    """No version that is served is one that the client takes."""

    code = "cds-not-acceptable"
    status = HTTPStatus.NOT_ACCEPTABLE


NAMES: Mapping[str, str] = {
    "unauthenticated": "unauthorized",
    "role-missing": "insufficient_scope",
    "rate-limited": "too_many_requests",
}
PREFIX = "cds-"
BEARER = 'Bearer realm="citybrain"'


def name_of(error: CitybrainError) -> str:
    """What CDS clients are told as `error`."""
    found = NAMES.get(error.code, error.code).removeprefix(PREFIX)
    return found.replace("-", "_")


def error_response(
    error: CitybrainError, content_type: str, correlation: UUID, language: str
) -> web.Response:
    """An error with the members of both; never what was sent, but for names."""
    told = problem_of(error, correlation, language)
    status = _status(error)
    assert isinstance(told.body, bytes)
    wrong = error.wrong if isinstance(error, CdsError) else []
    body = orjson.loads(told.body) | {
        "status": int(status),
        "error": name_of(error),
        "error_description": error.message,
        "error_details": wrong,
    }
    headers = {"Content-Type": content_type, "Vary": "Accept, Accept-Language"}
    if isinstance(error, Unavailable | TooOften):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = BEARER
    if isinstance(error, RoleMissing):
        headers["WWW-Authenticate"] = f'{BEARER}, error="{name_of(error)}"'
    if isinstance(error, WrongMethod):
        headers["Allow"] = ", ".join(error.wrong)
    return web.Response(status=int(status), body=orjson.dumps(body), headers=headers)


def _status(error: CitybrainError) -> HTTPStatus:
    """As CDS has it: 401 also for a token whose scope does not reach so far."""
    if isinstance(error, CdsError):
        return error.status
    return HTTPStatus.UNAUTHORIZED if isinstance(error, RoleMissing) else status_of(error)
